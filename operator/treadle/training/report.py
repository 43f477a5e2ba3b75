"""What people see of a run: its memory, and a few figures that follow from it and from the current Job."""

from treadle.api import DatasetPin, TrainingRunMemory, TrainingRunStatus
from treadle.api.training_status import TrackedRun
from treadle.training import commands, track
from treadle.training.observe import job_ref
from treadle.training.run import Run, Tracking
from treadle.workloads.states import Failed, Running, Starting, Succeeded


def pinned(run: Run) -> Run:
    """The run with everything in its memory that its Jobs state, and its place in the tracking server: once they are gone, memory is all there is."""
    memory = commands.noted(run)
    news: dict[str, object] = {}
    if run.jobs and isinstance(run.dataset, DatasetPin):
        news["dataset"] = run.dataset
    if memory.tracking is None and isinstance(run.tracking, Tracking) and (place := track.tracked(run)):
        connection = run.tracking.connection
        url = f"{connection.settings.url.rstrip('/')}/#/experiments/{place.experiment_id}/runs/{place.id}"
        name = connection.key.partition("/")[2]
        news["tracking"] = TrackedRun(id=place.id, connection=name, experiment=run.tracking.experiment, experiment_id=place.experiment_id, url=url)
    if run.job is not None and isinstance(run.job.state, Running | Succeeded | Failed) and memory.launched != run.job.attempt:
        news["launched"] = run.job.attempt
        news["running_since"] = run.job.state.since if isinstance(run.job.state, Running) else None
    return run.remembering(memory.model_copy(update=news))


def report(run: Run) -> TrainingRunStatus:
    """The status to write, but for conditions and phase. A finished run's follows from memory alone, so that it never changes again."""
    memory = run.memory
    remembered = {name: getattr(memory, name) for name in TrainingRunMemory.model_fields}
    last = memory.attempts[-1] if memory.attempts else None
    live = run.job if memory.result is None and not run.trained else None
    node = live.state.node if live and isinstance(live.state, Starting | Running | Failed) else last.node if last and not live else None
    started = [attempt.started_at for attempt in memory.attempts if attempt.started_at]
    since = live.state.since if live and isinstance(live.state, Running) else None
    waiting = live.state if live and isinstance(live.state, Starting) and live.state.queued else None
    judged = next(((gate, verdict) for gate, verdict in zip(run.spec.gates, memory.gates, strict=False) if verdict.value is not None), None)
    return TrainingRunStatus(
        **remembered,
        attempt=live.attempt if live else last.number if last else None,
        job=live.ref.name if live else job_ref(run.ref, run.spec, last.number).name if last else None,
        node=node or None,
        queued_since=(waiting.queued_since or waiting.since) if waiting else None,
        started_at=started[0] if started else since,
        metric=f"{judged[0].metric}={judged[1].value:.6g}" if judged else None,
        model_version=f"{memory.registered.model}/{memory.registered.version}" if memory.registered else None,
    )
