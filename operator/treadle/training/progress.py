"""How far a live run is, as its program reports to the tracking server; and whether it reports at all."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from treadle.api import DatasetPin, TrainingRunMemory, names
from treadle.api.base import format_duration
from treadle.api.reasons import Reason
from treadle.api.status import LISTED
from treadle.api.training_status import MetricValue, Progress
from treadle.connections.tracking import AUTOLOGGED, TOTALS, DescribeTrackingRun, Report, TrackedDataset, TrackingRun, tags
from treadle.plan import Plan, do, say
from treadle.training import track
from treadle.training.run import Run, Tracking
from treadle.workloads.states import Running

PACE = timedelta(seconds=60)
"""No oftener than this is progress written to status."""
SKEW = timedelta(minutes=5)
"""So far may the clock of a node be ahead of ours."""
SHARE = "treadle.progress"
"""Metric by which a program says itself how far it is, from 0 to 1."""
EPOCH = "epoch"
STEPS_ARE_EPOCHS = ("tensorflow", "pytorch")
"""MLflow's integrations (Keras, Lightning) that log once per epoch by themselves, with its number as the step and the parameter `epochs`."""
GIT_COMMIT = "mlflow.source.git.commit"


def decide_progress(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with what the program has reported, when that is news and the last news is old enough."""
    progress = _reported(run, now)
    held = _held_until(run)
    if progress is None or progress == run.memory.progress or (held and now < held):
        return None
    return run.memory.model_copy(update={"progress": progress})


def decide_final(run: Run) -> TrainingRunMemory | None:
    """The memory with the last metrics, once the training is over and they are known; without a tracking server, from the program's last words."""
    if run.tracking is None and run.trained and run.job is not None and run.job.said:
        said = Progress(attempt=run.job.attempt, percent=100, metrics=shown(run.job.said, gated(run)))
        return None if run.memory.progress else run.memory.model_copy(update={"progress": said})
    if not (run.trained or run.memory.result) or not isinstance(run.ended_as, TrackingRun) or not run.ended_as.metrics or track.closed(run):
        return None
    finite = {name: value for name, value in run.ended_as.metrics.items() if math.isfinite(value)}
    known = run.memory.progress or Progress(attempt=max(run.attempt, 1))
    done = {"percent": 100} if run.trained else {}
    progress = known.model_copy(update={"metrics": shown(finite, gated(run)), "remaining_seconds": None, **done})
    return None if progress == run.memory.progress else run.memory.model_copy(update={"progress": progress})


def tell_progress(run: Run, now: datetime) -> Plan:
    """Say when nothing is reported any more, and look again when there may be news of it."""
    held = _held_until(run) if _reported(run, now) != run.memory.progress else None
    if not stalled(run, now):
        return Plan(wake_at=min((at for at in (held, _stalls_at(run)) if at and at > now), default=None))
    timeout = run.spec.stall.timeout if run.spec.stall else timedelta()
    return say("Progressing", False, Reason.NoProgress, f"the program has reported nothing for more than {format_duration(timeout)}", stalled=True)


def stalled(run: Run, now: datetime) -> bool:
    """Whether the program has reported nothing for too long, after a first report of this attempt."""
    stall = _stalls_at(run)
    return stall is not None and now >= stall


def describe(run: Run) -> Plan:
    """Let the tracked run name what this attempt runs on: attempt, image digest, revision and data."""
    report = _report(run)
    if report is None or run.tracked is None or not isinstance(run.tracking, Tracking):
        return Plan()
    wanted = dict(_tags(run))
    dataset = tracked_dataset(run.dataset) if isinstance(run.dataset, DatasetPin) else None
    listed = dataset is None or dataset.short_digest in report.datasets
    if wanted.items() <= report.tags.items() and listed:
        return Plan()
    wish = DescribeTrackingRun(
        connection=run.tracking.connection.key,
        owner_uid=run.owner.uid,
        experiment_id=run.tracked.experiment_id,
        run_id=run.tracked.id,
        tags=tags(wanted),
        dataset=dataset,
    )
    return do(wish)


def tracked_dataset(pin: DatasetPin) -> TrackedDataset:
    """The dataset version as an input of the tracked run."""
    name = f"{pin.project}-v{pin.version}" if pin.project and pin.version else pin.uri.rstrip("/").rpartition("/")[2]
    return TrackedDataset(name=name, digest=pin.digest, uri=pin.uri)


def shown(metrics: Mapping[str, float], gates: tuple[str, ...]) -> tuple[MetricValue, ...]:
    """As many metrics as a status holds, by name; those of the gates first of all. What MLflow measures of the machine is left out."""
    others = sorted(name for name in metrics if name not in gates and not name.startswith("system/"))
    kept = sorted([*(name for name in gates if name in metrics), *others][:LISTED])
    return tuple(MetricValue(name=name, value=float(f"{metrics[name]:.6g}")) for name in kept)


def gated(run: Run) -> tuple[str, ...]:
    """Names of the metrics that the gates judge."""
    return tuple(dict.fromkeys(gate.metric for gate in run.spec.gates))


def _report(run: Run) -> Report | None:
    running = run.job is not None and isinstance(run.job.state, Running)
    return run.report if running and isinstance(run.report, Report) else None


def _reported(run: Run, now: datetime) -> Progress | None:
    """What the current attempt has reported, as status says it; None before its first report."""
    report, before = _report(run), run.memory.progress
    if report is None or report.latest is None or run.job is None or not isinstance(run.job.state, Running):
        return None
    since = run.job.state.since
    ours = before is not None and before.attempt == run.attempt
    if not ours and run.attempt > 1 and report.latest < since:
        return None  # an earlier attempt reported that
    sane = since <= report.latest <= now + SKEW
    reported_at = (report.latest if sane else report.changed_at).replace(microsecond=0)
    share = share_of(report, run)
    percent = None if share is None else int(share * 100)
    if before is not None and ours:
        first_at, first_percent = before.first_at, before.first_percent
    else:
        first_at, first_percent = (since, 0) if run.attempt == 1 else (reported_at, percent)
    return Progress(
        attempt=run.attempt,
        percent=percent,
        step=max(report.step, 0),
        remaining_seconds=_remaining(share, first_percent, reported_at - first_at) if first_at else None,
        metrics=shown(report.metrics, gated(run)),
        reported_at=reported_at,
        first_at=first_at,
        first_percent=first_percent,
    )


def share_of(report: Report, run: Run) -> float | None:
    """How much is done, from 0 to 1; None when the program does not say it, or what it says cannot be.

    A step may be a batch: it is no epoch, unless it is known who counted it.
    """
    totals = {
        **{p.name.lower().replace("-", "_"): int(p.value) for p in run.spec.parameters if p.value.isascii() and p.value.isdigit()},
        **report.totals,
    }
    epochs = next((totals[name] for name in TOTALS["epochs"] if totals.get(name)), None)
    steps = next((totals[name] for name in TOTALS["steps"] if totals.get(name)), None)
    share: float | None = None
    if SHARE in report.metrics:
        share = report.metrics[SHARE]
    elif EPOCH in report.metrics and epochs:
        share = report.metrics[EPOCH] / epochs
    elif total := steps or (epochs if report.tags.get(AUTOLOGGED) in STEPS_ARE_EPOCHS else None):
        share = report.step / total
    return share if share is not None and 0 <= share <= 1 else None


def _remaining(share: float | None, first_percent: int | None, took: timedelta) -> int | None:
    gained = share - (first_percent or 0) / 100 if share is not None else 0.0
    if share is None or gained <= 0 or took <= timedelta():
        return None
    return round(took.total_seconds() * (1 - share) / gained)


def _held_until(run: Run) -> datetime | None:
    """Before this, progress is not written again; None: at once."""
    progress = run.memory.progress
    return progress.reported_at + PACE if progress and progress.reported_at and progress.attempt == run.attempt else None


def _stalls_at(run: Run) -> datetime | None:
    """When a silent program counts as stalled; None while nothing is watched, or nothing was reported by this attempt yet."""
    report, progress = _report(run), run.memory.progress
    if run.spec.stall is None or report is None or progress is None or progress.attempt != run.attempt:
        return None
    return report.changed_at + run.spec.stall.timeout


def _tags(run: Run) -> Iterator[tuple[str, str]]:
    yield "treadle.attempt", str(run.attempt)
    if run.job is not None and isinstance(run.job.state, Running) and run.job.state.image_id:
        yield "treadle.image-digest", run.job.state.image_id
    if revision := (run.this["metadata"].get("annotations") or {}).get(names.GIT_REVISION):
        yield GIT_COMMIT, str(revision)[:250]
