"""From the world to a `Run`: the only file of this kind that reads dictionaries, and asks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from treadle.api import DatasetPin, TrainingRunMemory, TrainingRunSpec, names, read_status
from treadle.api.reasons import Reason
from treadle.api.status import was_met
from treadle.connections.installation import DEFAULT, Installation, Owner, Refusal
from treadle.connections.registry import ModelAlias, ModelVersionOf
from treadle.connections.tracking import FindTrackingRun, LoggedModel, Report, TrackingReport, TrackingRun, TrackingRunState
from treadle.plan import Object, Question, Ref, Trouble, Unanswered, Unavailable, World, read_spec, ref_of
from treadle.training import dataset
from treadle.training.children import read_board, read_children
from treadle.training.commands import was_approved
from treadle.training.models import chosen_model
from treadle.training.run import (
    BOARD,
    DEFAULT_ALIAS,
    UNASKED,
    Board,
    Found,
    Reported,
    Run,
    TrackedAs,
    Tracking,
    Version,
    Waiting,
    current_attempt,
    trained,
)
from treadle.training.stores import claim_of, place_of, stores_of_data
from treadle.workloads.add_ons import KindMissing
from treadle.workloads.missing import StillThere
from treadle.workloads.states import Running, Succeeded


def observe(installation: Installation, this: Object, world: World) -> Run:
    """Read what concerns one TrainingRun. A finished one reads its Jobs and asks nothing."""
    metadata = this["metadata"]
    spec = read_spec(this, TrainingRunSpec)
    memory = read_status(this, TrainingRunMemory)
    ref = ref_of(this)
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    owner = installation.owner_of(this)

    recorded = {attempt.number for attempt in memory.attempts}
    owned = [*world.owned(metadata["uid"], "Job"), *world.owned(metadata["uid"], "JobSet")]
    open_attempt = None if memory.launched in recorded else memory.launched
    children = read_children(owned, world, mounts=_mounts(spec), open_attempt=open_attempt)
    jobs = children.jobs
    attempt = current_attempt(memory, jobs)

    tracking = _tracking(installation, spec, ref)
    spec_hash = hash_of(spec) if isinstance(tracking, Tracking) else ""
    tracked = children.tracked or _remembered(memory)
    pinned = children.dataset or memory.dataset
    live = memory.result is None and "deletionTimestamp" not in metadata
    if live and open_attempt is not None and (job := job_ref(ref, spec, open_attempt)) not in {ref_of(child) for child in owned}:
        _confirm_missing(job, metadata["uid"], world)
    over = trained(memory) or any(job.attempt == attempt and isinstance(job.state, Succeeded) for job in jobs)
    running = any(job.attempt == attempt and isinstance(job.state, Running) for job in jobs)
    data: DatasetPin | Waiting | None = pinned
    sensitive = spec.sensitive
    evaluating = spec.evaluate is not None and (memory.evaluation is None or memory.evaluation.again)
    if live and (not over or evaluating) and spec.dataset is not None:
        released = dataset.resolve(spec.dataset, ref.namespace, world)
        unknown = over and isinstance(released.pin, Waiting)  # the project is gone, and with it the word that its data is not sensitive
        data, sensitive = pinned or released.pin, sensitive or released.sensitive or unknown
    answers = (
        _ask(world, spec, memory, owner, spec_hash, tracking, tracked, live=live, running=running, over=over)
        if isinstance(tracking, Tracking)
        else Answers()
    )

    return Run(
        this=this,
        ref=ref,
        owner=owner,
        installation=installation,
        spec=spec,
        spec_hash=spec_hash,
        memory=memory,
        deleting="deletionTimestamp" in metadata,
        fresh=not owned and not was_met(this),
        cancel=annotations.get(names.CANCEL, ""),
        approve=annotations.get(names.APPROVE, ""),
        attempt=attempt,
        jobs=jobs,
        evaluations=children.evaluations,
        reports=children.reports,
        board=read_board(metadata["uid"], world) if spec.tensorboard else Board(),
        old_pod=_old_pod(world, ref, attempt) if live and spec.checkpoint else "",
        blocked=_blocked(this, job_ref(ref, spec, attempt), world) if live else None,
        tracking=tracking,
        store=stores_of_data(installation, spec, ref, data.uri) if isinstance(data, DatasetPin) else None,
        output=place_of(installation, spec, ref, spec.output.uri) if spec.output else None,
        dataset=data,
        sensitive=sensitive,
        tracked=tracked,
        found=answers.found,
        ended_as=answers.ended_as,
        report=answers.report,
        baselines=answers.baselines,
        measured=answers.measured,
        version=answers.version,
        alias=answers.alias,
    )


class Answers(NamedTuple):
    """What the tracking server and the registry say, as far as it matters now."""

    found: Found = UNASKED
    ended_as: Found = UNASKED
    report: Reported = UNASKED
    baselines: Mapping[str, Version] = {}
    measured: Mapping[str, Version] = {}
    version: Version = UNASKED
    alias: Version = UNASKED


def _ask(
    world: World,
    spec: TrainingRunSpec,
    memory: TrainingRunMemory,
    owner: Owner,
    spec_hash: str,
    tracking: Tracking,
    tracked: TrackedAs | None,
    *,
    live: bool,
    running: bool,
    over: bool,
) -> Answers:
    """Ask what this point of the run's life needs: who it is, at first; what it reports, while it runs; how it ended and what it is compared with,
    at the end; then nothing.
    """
    key = tracking.connection.key
    if live and tracked is None:
        who = world.ask(FindTrackingRun(connection=key, experiment=tracking.experiment, owner=owner, spec_hash=spec_hash))
        return Answers(found=who)
    if tracked is not None and live and running:
        told = world.ask(TrackingReport(connection=key, experiment_id=tracked.experiment_id, run_id=tracked.id))
        return Answers(report=None if isinstance(told, Report) and told.owner_uid != owner.uid else told)
    if tracked is None or (live and not over) or (memory.tracking and memory.tracking.closed):
        return Answers()
    if live and _awaits_approval(spec, memory):
        return Answers()
    how = world.ask(TrackingRunState(connection=key, experiment_id=tracked.experiment_id, run_id=tracked.id))
    if isinstance(how, TrackingRun) and how.owner_uid != owner.uid:
        how = None  # somebody else's: tenants can write the annotation that names it, the operator's token reaches all
    answers = Answers(ended_as=how)
    if not live or spec.registration is None:
        return answers
    model = tracking.connection.settings.model_name(owner.namespace, spec.registration.model)

    def pointed_at(alias: str) -> Version:
        return world.ask(ModelAlias(connection=key, model=model, alias=alias))

    def numbered(version: str) -> Version:
        return world.ask(ModelVersionOf(connection=key, model=model, version=version))

    def registered(logged: LoggedModel) -> Version:
        return world.ask(ModelVersionOf(connection=key, model=model, run_id=tracked.id, source=logged.source))

    if spec.gates and not memory.gates:
        compared = sorted({gate.not_worse_than.alias for gate in spec.gates if gate.not_worse_than})
        return answers._replace(
            baselines={alias: pointed_at(alias) for alias in compared},
            measured={version: numbered(version) for version in _compared_versions(memory)},
        )
    if spec.evaluate and (memory.evaluation is None or memory.evaluation.result != "Succeeded"):
        return answers
    if len(memory.gates) < len(spec.gates) or any(gate.verdict != "Passed" for gate in memory.gates) or not trained(memory):
        return answers
    answers = answers._replace(alias=pointed_at(spec.registration.alias or DEFAULT_ALIAS))
    chosen = chosen_model(spec, how) if isinstance(how, TrackingRun) else None
    if not isinstance(chosen, LoggedModel):
        return answers
    return answers._replace(version=registered(chosen))


def _awaits_approval(spec: TrainingRunSpec, memory: TrainingRunMemory) -> bool:
    """Whether everything is measured and judged and known, and only a human's word is waited for; it may take days, in which nothing is asked."""
    if spec.approval is None or not trained(memory) or was_approved(memory) or len(memory.gates) < len(spec.gates):
        return False
    measured = memory.evaluation is not None and memory.evaluation.result == "Succeeded"
    complete = memory.progress is not None and memory.progress.percent == 100
    return measured if spec.evaluate else bool(memory.gates) or complete


def _compared_versions(memory: TrainingRunMemory) -> Sequence[str]:
    """The versions that the evaluation could measure beside the run's own model."""
    baselines = memory.evaluation.baselines if memory.evaluation else ()
    return sorted({baseline.version for baseline in baselines if baseline.version and baseline.metrics})


def hash_of(spec: TrainingRunSpec) -> str:
    """What makes two specs the same run. Fields with their defaults do not count, so that a newer version of Treadle finds older runs."""
    return names.digest(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"suspend", "ttl_after_finished"}), 16)


def _mounts(spec: TrainingRunSpec) -> bool:
    """Whether pods of the run mount what may not be there."""
    return bool(
        spec.volumes
        or spec.checkpoint
        or (spec.dataset and (spec.dataset.cache or claim_of(spec.dataset.uri or "")))
        or (spec.output and claim_of(spec.output.uri))
    )


def job_ref(run: Ref, spec: TrainingRunSpec, attempt: int) -> Ref:
    """Kind and name of an attempt's workload: a Job, or a JobSet for several nodes."""
    return Ref("JobSet" if spec.nodes > 1 else "Job", run.namespace, names.derived_name(run.name, attempt))


def _confirm_missing(job: Ref, owner: str, world: World) -> None:
    """A Job that was seen running and is seen no more may only have lost our label: nothing follows from that until the API server says it is
    gone.
    """
    question: Question[bool] = StillThere(child=job, owner=owner)
    match world.ask(question):
        case Unavailable() as outage:
            raise Trouble(outage.cause, outage.reason, stalled=outage.stalled)
        case True:
            raise Unanswered(question)  # it comes into sight with the answer


def _blocked(this: Object, wanted: Ref, world: World) -> Waiting | None:
    """Somebody else's Job under our name, or one of an earlier life of this run that waits for garbage collection."""
    existing = world.get(wanted)
    if existing is None:
        return _missing_kind(wanted, world)
    owner: Mapping[str, Any] = next((r for r in existing["metadata"].get("ownerReferences") or () if r.get("controller")), {})
    if owner.get("uid") == this["metadata"]["uid"]:
        return None
    if (owner.get("kind"), owner.get("name")) == (this["kind"], this["metadata"]["name"]):
        return Waiting(Reason.ClaimedByEarlierRun, f"{wanted} of an earlier run of this name is still being removed")
    return Waiting(Reason.NameConflict, f"{wanted} exists and is not ours", stalled=True)


def _missing_kind(wanted: Ref, world: World) -> Waiting | None:
    """A JobSet cannot be made before somebody installed JobSet; we go on by ourselves once it is there."""
    if wanted.kind != "JobSet" or not (missing := world.ask(KindMissing(kind=wanted.kind))):
        return None
    if isinstance(missing, Unavailable):
        return Waiting(missing.cause, missing.reason, stalled=missing.stalled)
    message = (
        "spec.nodes above 1 needs JobSet, which this cluster does not have or our role may not use: install it, and set kinds.jobSet in the chart"
    )
    return Waiting(Reason.JobSetMissing, message, stalled=True)


def _old_pod(world: World, run: Ref, attempt: int) -> str:
    """A pod of an earlier attempt that is not over; it may outlive its Job, on a node that does not answer."""
    for pod in world.labelled("Pod", run.namespace, names.RUN, run.name):
        labels = pod["metadata"]["labels"]
        earlier = labels.get(names.ATTEMPT) != str(attempt)
        if earlier and labels.get(names.COMPONENT) != BOARD and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            return str(pod["metadata"]["name"])
    return ""


def _remembered(memory: TrainingRunMemory) -> TrackedAs | None:
    if memory.tracking is None or memory.tracking.experiment_id is None:
        return None
    return TrackedAs(id=memory.tracking.id, experiment_id=memory.tracking.experiment_id)


def _tracking(installation: Installation, spec: TrainingRunSpec, ref: Ref) -> Tracking | Refusal | None:
    """Silent means MLflow, if a default connection may be used; what cannot do without it is refused. Who leaves an output can be judged by that."""
    if spec.tracking is not None and spec.tracking.type == "None":
        return None
    granted = installation.mlflow((spec.tracking.connection if spec.tracking else None) or DEFAULT, ref.namespace)
    if isinstance(granted, Refusal):
        judged = (spec.evaluate is not None or bool(spec.gates)) and spec.output is None
        needed = spec.tracking is not None or spec.registration is not None or judged
        return granted if needed else None
    chosen = spec.tracking.experiment if spec.tracking else None
    model = spec.registration.model if spec.registration else None
    project = spec.dataset.project if spec.dataset else None
    return Tracking(connection=granted, experiment=granted.settings.experiment_name(ref.namespace, chosen or model or project or ref.name))
