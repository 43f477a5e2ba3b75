"""What the versions that gates compare with measure on the run's own data: kept on the versions, so that nothing is measured twice."""

import json
from collections.abc import Mapping, Sequence

from treadle.api import DatasetPin, names
from treadle.api.training_run import Evaluation
from treadle.api.training_status import MetricValue
from treadle.connections.registry import ModelVersion, TagModelVersion, evaluation_tag
from treadle.connections.tracking import tags
from treadle.contracts import canonical_json
from treadle.contracts.evaluate import STANDARD_METRICS
from treadle.plan import Plan, do
from treadle.training.run import Run, Tracking

TAG_LIMIT = 4000
"""Characters of a tag's value; MLflow takes 5000 at least."""

Values = Mapping[str, float | None]


def wanted_metrics(run: Run) -> tuple[str, ...]:
    """What is measured: the usual, and whatever a gate asks for. The gates' come last: a list in status keeps its end."""
    asked = dict.fromkeys(gate.metric for gate in run.spec.gates)
    return (*(name for name in STANDARD_METRICS if name not in asked), *asked)


def compared_metrics(run: Run, alias: str) -> set[str]:
    """What gates compare with the version that this alias points at."""
    return {gate.metric for gate in run.spec.gates if gate.not_worse_than and gate.not_worse_than.alias == alias}


def compared_aliases(run: Run) -> tuple[str, ...]:
    """The aliases whose versions are compared with, as far as they are known: without a registered model there are none."""
    return tuple(sorted(run.baselines))


def own_image(asked: Evaluation) -> bool:
    """Whether a user's image measures: the one named, or with a command that of the training."""
    return asked.image is not None or bool(asked.command)


def tag_of(run: Run, asked: Evaluation, dataset: DatasetPin) -> str:
    """The tag that keeps what versions measure as this run measures them: on its data, by its image."""
    measure = names.digest([asked.image or run.spec.image, *asked.command], 8) if own_image(asked) else ""
    return evaluation_tag(dataset.digest, asked.split, measure)


def known_values(version: ModelVersion, tag: str) -> Values:
    """What the version is known to measure, by its tag."""
    try:
        content = json.loads(version.tags.get(tag, "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): value for name, value in content.items() if value is None or isinstance(value, int | float)}


def known_tag(tag: str, metrics: Sequence[MetricValue], known: Values | None = None) -> dict[str, str]:
    """The tag that keeps these metrics, and what was known before; none when it would be too long."""
    text = canonical_json({**(known or {}), **{metric.name: metric.value for metric in metrics}})
    return {tag: text} if len(text) <= TAG_LIMIT else {}


def keep_comparisons(run: Run) -> Plan:
    """Tag the versions with what was measured of them, unless they say so already."""
    record, dataset, asked = run.memory.evaluation, run.memory.dataset, run.spec.evaluate
    if record is None or dataset is None or asked is None or not isinstance(run.tracking, Tracking):
        return Plan()
    tag = tag_of(run, asked, dataset)
    wishes = []
    for baseline in record.baselines:
        version = run.measured.get(baseline.version or "")
        if not isinstance(version, ModelVersion) or not baseline.metrics:
            continue
        wanted = known_tag(tag, baseline.metrics, known_values(version, tag))
        if not wanted.items() <= version.tags.items():
            key = run.tracking.connection.key
            wishes.append(TagModelVersion(connection=key, model=run.model, version=version.version, tags=tags(wanted)))
    return do(*wishes)


def comparisons_kept(run: Run) -> bool:
    """Whether every version that was measured is known to say so, or to be gone."""
    baselines = run.memory.evaluation.baselines if run.memory.evaluation else ()
    asked = all(baseline.version in run.measured for baseline in baselines if baseline.version and baseline.metrics)
    return asked and not keep_comparisons(run).actions
