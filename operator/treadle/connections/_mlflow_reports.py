"""What live runs report to MLflow: asked for all of them together, so that two hundred runs cost a few calls, never one each."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from treadle.connections._mlflow_answers import Run
from treadle.connections._mlflow_api import MlflowApi
from treadle.connections._recent import Recent
from treadle.connections.tracking import AUTOLOGGED, NEVER, TOTALS, DescribeTrackingRun, Report, TrackingReport
from treadle.plan import Question

TOGETHER = 50
"""Runs per search, in whatever experiments: each comes with all its tags and parameters."""
GIT_COMMIT = "mlflow.source.git.commit"
READ = ("treadle.", GIT_COMMIT, AUTOLOGGED)
"""How tags begin that are read."""
LONGEST_NUMBER = 12


class Reports:
    """Reads what live runs report, and remembers since when each has been the same.

    Args:
        api: the tracking server.
        uid_tag: name of the tag with the owner's UID, and of the one that claims a run.
        clock: the time.
    """

    def __init__(self, api: MlflowApi, uid_tag: str, claim_tag: str, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._uid_tag, self._claim_tag = uid_tag, claim_tag
        self._clock = clock
        self._seen: Recent[str, Report] = Recent()

    def forget(self) -> None:
        """The server did not answer: nothing was watched meanwhile, so nothing can be said to have stood still."""
        self._seen = Recent()

    async def read(self, questions: Sequence[TrackingReport]) -> Mapping[Question[Any], object]:
        """Answer at most `TOGETHER` questions with one call."""
        by_id = {question.run_id: question for question in questions}
        experiments = sorted({question.experiment_id for question in questions})
        listed = ", ".join(f"'{id_}'" for id_ in by_id)
        answers: dict[Question[Any], object] = dict.fromkeys(questions)
        for run in await self._api.search_runs_in(experiments, f"attributes.run_id IN ({listed})", limit=len(by_id)):
            if run.id in by_id:
                answers[by_id[run.id]] = self._since(run)
        return answers

    async def describe(self, wish: DescribeTrackingRun) -> Report | None:
        """Log what is missing of tags and dataset; returns what the run reports then."""
        run = await self._api.run(wish.run_id)
        if run is None or run.deleted or run.tags.get(self._claim_tag) != wish.owner_uid:
            return None
        if not dict(wish.tags).items() <= run.tags.items():
            await self._api.log_batch(wish.run_id, tags=dict(wish.tags))
        if wish.dataset and wish.dataset.short_digest not in _report(run, self._uid_tag).datasets:
            await self._api.log_dataset(wish.run_id, name=wish.dataset.name, digest=wish.dataset.short_digest, uri=wish.dataset.uri)
        described = await self._api.run(wish.run_id)
        return self._since(described) if described else None

    def _since(self, run: Run) -> Report:
        """The report; what is the same as last time is so since then, whatever Treadle itself wrote meanwhile."""
        now, before = _report(run, self._uid_tag), self._seen.get(run.id)
        same = before is not None and (before.metrics, before.step, before.latest) == (now.metrics, now.step, now.latest)
        return self._seen.put(run.id, replace(now, changed_at=before.changed_at if before and same else self._clock()))


def _report(run: Run, uid_tag: str) -> Report:
    metrics = run.data.metrics
    latest = max((metric.timestamp for metric in metrics), default=0)
    return Report(
        owner_uid=run.tags.get(uid_tag, ""),
        metrics={metric.key: metric.value for metric in metrics if math.isfinite(metric.value)},
        step=max((metric.step for metric in metrics), default=0),
        latest=_moment(latest) if metrics else None,
        totals={name: int(value) for tag in run.data.params if (name := _plain(tag.key)) in _NAMES and _is_count(value := tag.value)},
        tags={name: value for name, value in run.tags.items() if name.startswith(READ)},
        datasets=frozenset(input_.dataset.digest for input_ in run.inputs.dataset_inputs),
        changed_at=NEVER,
    )


_NAMES = frozenset(name for names in TOTALS.values() for name in names)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER


def _moment(milliseconds: int) -> datetime:
    """Programs may log any number; one that is no time at all is the beginning of time."""
    try:
        return datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return NEVER
