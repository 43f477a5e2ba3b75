"""The run in the tracking server: there before the Job, told how it ended, and the memory of an earlier life of the same object."""

import json

from treadle.api import TrainingRunMemory
from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.api.training_status import TrackedRun
from treadle.connections.tracking import CloseTrackingRun, EnsureTrackingRun, TrackingRun, TrackingStatus, tags
from treadle.plan import Plan, Unavailable, do, say
from treadle.training.accept import refusal
from treadle.training.run import Run, TrackedAs, Tracking, Waiting, trained

ENDING_LIMIT = 3800  # characters of what is remembered in the tracking server
MESSAGE_LIMIT = 200


def tracked(run: Run) -> TrackedAs | None:
    """The run in the tracking server, once it is there."""
    if run.tracked:
        return run.tracked
    if isinstance(run.found, TrackingRun) and run.found.owner_uid == run.owner.uid:
        return TrackedAs(id=run.found.id, experiment_id=run.found.experiment_id)
    return None


def track(run: Run) -> Plan:
    """Make the tracking server know the run before anything is launched, and not before it can be."""
    if not isinstance(run.tracking, Tracking) or tracked(run) or run.blocked or run.spec.suspend:
        return Plan()
    if refusal(run) or isinstance(run.dataset, Waiting):
        return Plan()
    if isinstance(run.found, Unavailable):
        return say("Tracked", False, run.found.cause, run.found.reason, stalled=run.found.stalled)
    project = run.spec.dataset.project if run.spec.dataset else None
    known = {"treadle.image": run.spec.image, "treadle.project": project, "treadle.rerun-of": run.spec.rerun_of}
    wish = EnsureTrackingRun(
        connection=run.tracking.connection.key,
        experiment=run.tracking.experiment,
        run_name=run.name,
        owner=run.owner,
        spec_hash=run.spec_hash,
        parameters=tuple((parameter.name, parameter.value) for parameter in run.spec.parameters),
        tags=tags({name: value for name, value in known.items() if value}),
    )
    return do(wish)


def adopted(run: Run) -> TrainingRunMemory | None:
    """What an earlier life of this run left in the tracking server when it ended; None when there is no such thing, or this life has begun."""
    if run.jobs or run.memory.attempts or not isinstance(run.found, TrackingRun) or not run.found.ending:
        return None
    try:
        memory = TrainingRunMemory.model_validate(json.loads(run.found.ending))
    except (ValueError, RecursionError):
        return None
    if memory.result is None:
        return None
    place = TrackedRun(id=run.found.id, experiment_id=run.found.experiment_id, closed=True)
    return memory.model_copy(update={"tracking": place, "commands": run.memory.commands})


def decide_further(run: Run) -> TrainingRunMemory | None:
    """The memory with the runs that the program began beside its own, and with where its files are, once they are known."""
    known, found = run.memory.tracking, run.ended_as
    if known is None or closed(run) or not isinstance(found, TrackingRun):
        return None
    news = known.model_copy(update={"further": found.further, "artifacts": _artifacts(run, found) or known.artifacts})
    return None if news == known else run.memory.model_copy(update={"tracking": news})


def tell_further(run: Run) -> Plan:
    """Say that what the program logged to runs of its own does not count."""
    if run.memory.tracking is None or not (further := run.memory.tracking.further):
        return Plan()
    message = (
        f"the program began {len(further)} more by a second start_run ({', '.join(further)}): their metrics and models do not count for this run"
    )
    return say("Tracked", True, Reason.FurtherRuns, message)


def close(run: Run) -> Plan:
    """Tell the tracking server how the remembered run ended: a killed pod leaves it RUNNING for ever."""
    result = run.memory.result
    if result is None or not isinstance(run.tracking, Tracking) or run.tracked is None or closed(run):
        return tell_further(run)
    if isinstance(run.ended_as, Unavailable):
        return say("Tracked", False, run.ended_as.cause, run.ended_as.reason, stalled=run.ended_as.stalled)
    status, ending = _status(run.memory), remembered(run.memory)
    if not isinstance(run.ended_as, TrackingRun) or (run.ended_as.status is status and run.ended_as.ending == ending):
        return tell_further(run)
    return Plan.all(tell_further(run), do(_close(run, run.tracking, run.tracked, status, ending)))


def closed(run: Run) -> bool:
    """Whether nothing needs to be told to the tracking server any more, as is remembered."""
    return run.memory.tracking is not None and run.memory.tracking.closed


def decide_closed(run: Run) -> TrainingRunMemory | None:
    """The memory of a run whose end the tracking server shows, or whose tracked run is gone."""
    if run.memory.result is None or run.memory.tracking is None or closed(run):
        return None
    match run.ended_as:
        case None:
            pass
        case TrackingRun(status=status, ending=ending) if status is _status(run.memory) and ending == remembered(run.memory):
            pass
        case _:
            return None
    return run.memory.model_copy(update={"tracking": run.memory.tracking.model_copy(update={"closed": True})})


def _artifacts(run: Run, found: TrackingRun) -> str | None:
    """Where the files of a run are that is judged by what it logged: the page about it belongs there. None where pods cannot write."""
    if not isinstance(run.tracking, Tracking) or not run.trained or run.spec.evaluate or not (run.spec.gates or run.spec.registration):
        return None
    uri = run.tracking.connection.settings.artifact_uri(found.artifact_uri)
    return uri if is_store_uri(uri) else None


def abandon(run: Run) -> Plan:
    """The object is being deleted: the tracked run is over too, if it did not end before."""
    if run.memory.result is not None:
        return close(run)
    if not isinstance(run.tracking, Tracking) or run.tracked is None or closed(run):
        return Plan()
    if not isinstance(run.ended_as, TrackingRun) or run.ended_as.status.ended:
        return Plan()
    return do(_close(run, run.tracking, run.tracked, TrackingStatus.KILLED, ""))


def remembered(memory: TrainingRunMemory) -> str:
    """What is left in the tracking server for a later life of the run: the end, the last attempt, the data and what became of the model."""
    short = [attempt.model_copy(update={"message": attempt.message[:MESSAGE_LIMIT]}) for attempt in memory.attempts[-1:]]
    gates = [gate.model_copy(update={"message": gate.message[:MESSAGE_LIMIT]}) for gate in memory.gates]
    kept = TrainingRunMemory(
        result=memory.result.model_copy(update={"message": memory.result.message[:MESSAGE_LIMIT]}) if memory.result else None,
        attempts=tuple(short),
        dataset=memory.dataset,
        gates=tuple(gates),
        registered=memory.registered,
    )
    text = json.dumps(kept.to_object(), sort_keys=True, separators=(",", ":"))
    return text if len(text) <= ENDING_LIMIT else json.dumps(kept.model_copy(update={"gates": ()}).to_object(), sort_keys=True, separators=(",", ":"))


def _status(memory: TrainingRunMemory) -> TrackingStatus:
    """How the program ended: one that ended well is finished, also when its model missed a gate."""
    if trained(memory):
        return TrackingStatus.FINISHED
    return TrackingStatus.KILLED if memory.result and memory.result.outcome == "Cancelled" else TrackingStatus.FAILED


def _close(run: Run, tracking: Tracking, place: TrackedAs, status: TrackingStatus, ending: str) -> CloseTrackingRun:
    return CloseTrackingRun(
        connection=tracking.connection.key,
        owner_uid=run.owner.uid,
        experiment_id=place.experiment_id,
        run_id=place.id,
        status=status,
        ending=ending,
        tags=(),
    )
