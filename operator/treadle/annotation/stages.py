"""Stages are Jobs, named by the digest of their inputs. Status keeps the record of done work, so that nothing is done twice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

from treadle.annotation import places
from treadle.annotation.project import Attempt, Project, Stage
from treadle.api import names
from treadle.api.annotation_status import StageRecord
from treadle.api.common import Resources as AskedResources
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.contracts import JobSpec, Result
from treadle.contracts.quality import QualitySpec
from treadle.contracts.rank import RankSpec
from treadle.contracts.sync import SyncSpec
from treadle.plan import Create, Delete, Object, Plan, Ref, do, say
from treadle.workloads.contract_job import build_contract_job, label_studio_credentials
from treadle.workloads.gpu import DEFAULT_RESOURCE, Gpu
from treadle.workloads.job import judged, next_judgement
from treadle.workloads.pod import DEFAULT_CPU, DEFAULT_MEMORY, Container, Mount, Placement, Resources, Variable, Volume
from treadle.workloads.states import Failed, Running, Starting, Succeeded

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
MANY_ATTEMPTS = 5
"""After so many failures at the same inputs a human should look; it is tried on, at the longest pause."""
KEPT_JOBS = 2
"""Finished Jobs of a stage that are kept, for their logs."""
DIGEST_LENGTH = 8

Said = TypeVar("Said", bound=Result)


@dataclass(frozen=True)
class Idle:
    """Nothing is wanted of the stage now."""


@dataclass(frozen=True)
class Done:
    """What is wanted was done before."""


@dataclass(frozen=True)
class Due:
    """A Job is to be made."""

    number: int


@dataclass(frozen=True)
class Pausing:
    """It failed, and is tried again then."""

    record: StageRecord
    until: datetime


@dataclass(frozen=True)
class Working:
    """A Job is on its way."""

    job: str
    state: Starting | Running


@dataclass(frozen=True)
class Ended(Generic[Said]):
    """A Job has ended, and that is not remembered yet."""

    attempt: Attempt[Said]
    state: Succeeded[Said] | Failed


Step: TypeAlias = Idle | Done | Due | Pausing | Working | Ended[Said]


def step(stage: Stage[Said], wanted: JobSpec | None, now: datetime) -> Step[Said]:
    """Where a stage stands. One Job at a time: whatever is under way ends first, and is remembered, even when something else is wanted meanwhile."""
    digest = wanted.fingerprint(DIGEST_LENGTH) if wanted else ""
    if (attempt := _open(stage, digest, now)) is not None:
        state = judged(attempt.state, now)
        return Ended(attempt, state) if isinstance(state, Succeeded | Failed) else Working(attempt.ref.name, state)
    if wanted is None:
        return Idle()
    record = stage.record
    if record is None or record.digest != digest:
        return Due(_number(stage, digest))
    if record.result == "Succeeded":
        return Done()
    until = (record.finished_at or now) + pause(record.attempt)
    return Pausing(record, until) if now < until else Due(record.attempt + 1)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failures at the same inputs."""
    doublings: int = min(attempts - 1, 20)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def remembered(ended: Ended[Said], now: datetime) -> StageRecord:
    """The record of an attempt that has ended."""
    failed = ended.state if isinstance(ended.state, Failed) else None
    return StageRecord(
        digest=ended.attempt.digest,
        attempt=ended.attempt.number,
        result="Failed" if failed else "Succeeded",
        reason=str(failed.reason) if failed else "",
        message=failed.message if failed else "",
        job=ended.attempt.ref.name,
        slot=int(slot) if (slot := ended.attempt.made_for.get("slot", "")).isdigit() else None,
        made_at=ended.attempt.made_at,
        finished_at=ended.state.finished_at or now,
    )


@dataclass(frozen=True, kw_only=True)
class Before:
    """What runs in a Job's pod before our own container, and what they share."""

    containers: tuple[Container, ...] = ()
    mounts: tuple[Mount, ...] = ()


NOTHING = Before()


def launch(project: Project, stage: str, wanted: JobSpec, number: int, made_for: Mapping[str, str], before: Before = NOTHING) -> Plan:
    """Make the Job of an attempt, unless the project is suspended."""
    if project.spec.suspend:
        return Plan()
    return do(Create(build(project, stage, wanted, number, made_for, before)))


def build(project: Project, stage: str, wanted: JobSpec, number: int, made_for: Mapping[str, str], before: Before = NOTHING) -> Object:
    """The Job of an attempt; `made_for` is what its result must be remembered with, kept in an annotation."""
    digest = wanted.fingerprint(DIGEST_LENGTH)
    keys = credentials(project, wanted)
    volumes, mounts = places.claim_volumes(project)
    return build_contract_job(
        ref=Ref("Job", project.ref.namespace, names.derived_name(project.name, stage, digest, number)),
        owner=project.this,
        image=project.installation.images.jobs,
        spec=wanted,
        credentials=keys,
        resources=resources(project.spec.jobs.resources),
        placement=placement(project),
        labels={names.PROJECT: project.name, names.STAGE: stage, names.ATTEMPT: str(number), names.REVISION: digest},
        annotations={names.RESOLVED: json.dumps(made_for, sort_keys=True)},
        init_containers=before.containers,
        volumes=[*volumes, *(Volume(name=mount.volume, source={"emptyDir": {}}) for mount in before.mounts)],
        mounts=[*mounts, *(replace(mount, read_only=True) for mount in before.mounts)],
        queue=project.spec.jobs.queue or "",
        keep_log_lines=not project.spec.sensitive,
    )


def credentials(project: Project, wanted: JobSpec) -> tuple[Variable, ...]:
    """The keys that a container of ours needs for this work."""
    keys = places.credentials(project)
    if isinstance(project.label_studio, Granted) and isinstance(wanted, SyncSpec | QualitySpec | RankSpec) and wanted.label_studio:
        keys += label_studio_credentials(project.label_studio.settings.tenant_secret)
    return keys


def resources(asked: AskedResources) -> Resources:
    """What a container asks for; silent: what our own Jobs need."""
    gpu = Gpu(count=asked.gpu or 0, resource=asked.gpu_resource or DEFAULT_RESOURCE, product=asked.gpu_product or "")
    return Resources(cpu=asked.cpu or DEFAULT_CPU, memory=asked.memory or DEFAULT_MEMORY, gpu=gpu)


def placement(project: Project) -> Placement:
    """Where and as whom the project's Jobs run."""
    settings = project.spec.jobs
    return Placement(
        service_account=project.spec.access.service_account_name or "",
        pull_secrets=project.spec.access.image_pull_secrets,
        node_selector=settings.node_selector,
        tolerations=[toleration.to_object() for toleration in settings.tolerations],
        priority_class=settings.priority_class_name or "",
    )


def tell_obstacle(project: Project, condition: str, standing: Step[Said], doing: str, now: datetime) -> Plan | None:
    """What keeps a stage from its result, as its condition; None when nothing special does. `doing` is what its Job does, for people."""
    match standing:
        case Working(job, state):
            return _tell_working(condition, job, state, doing, now)
        case Pausing(record, until):
            stalled = record.attempt >= MANY_ATTEMPTS or Reason.__members__.get(record.reason) in LASTING
            message = f"attempt {record.attempt} failed: {record.message}; next attempt at {until:%H:%M:%S}"
            return say(condition, False, Reason.__members__.get(record.reason, Reason.JobFailed), message, stalled=stalled, wake_at=until)
        case Due() if project.spec.suspend:
            return say(condition, False, Reason.Suspended, "spec.suspend is true: no Job is started")
    return None


def tidy(stage: Stage[Said]) -> Plan:
    """Delete Jobs that are given up, and all but the last finished ones. What they said is remembered."""
    actions = []
    finished = 0
    for attempt in sorted(stage.attempts, key=lambda attempt: attempt.made_at, reverse=True):
        ended = isinstance(attempt.state, Succeeded | Failed)
        finished += ended
        if (finished > KEPT_JOBS) if ended else _is_recorded(attempt, stage):
            actions.append(Delete(attempt.ref, attempt.uid))
    return do(*actions)


LASTING = frozenset(
    {
        Reason.StoreAccessDenied,
        Reason.BucketNotFound,
        Reason.SourceEmpty,
        Reason.ContentChanged,
        Reason.TaskTypeNotSupported,
        Reason.FormatNotSupported,
        Reason.RuleInvalid,
        Reason.PreparationInvalid,
        Reason.CheckInvalid,
        Reason.JobContractMismatch,
        Reason.SecretMissing,
        Reason.ImagePullFailed,
        Reason.InvalidImage,
        Reason.PodConfigurationInvalid,
        Reason.Unauthorized,
        Reason.OwnedElsewhere,
        Reason.AddressBlocked,
        Reason.NothingPredicted,
        Reason.ItemsNotAccepted,
        Reason.ModelFilesNotFound,
        Reason.ModelNotReadable,
        Reason.ModelFlavourNotSupported,
        Reason.ModelTypesNotTrusted,
        Reason.PickleNotAllowed,
        Reason.ExitedWithError,
    }
)
"""Failures that another attempt alone will not mend: a human must act."""


def _tell_working(condition: str, job: str, state: Starting | Running, doing: str, now: datetime) -> Plan:
    if isinstance(state, Starting) and (state.stalled or state.queued):
        return say(condition, False, state.reason, state.message, stalled=state.stalled, wake_at=next_judgement(state, now))
    return say(condition, False, Reason.JobRunning, f"Job {job} {doing}", wake_at=next_judgement(state, now))


def _open(stage: Stage[Said], digest: str, now: datetime) -> Attempt[Said] | None:
    """The attempt that is under way, or has ended and is not remembered. Older ones than the remembered one are history."""
    since = stage.record.made_at if stage.record else None
    candidates = [attempt for attempt in stage.attempts if not _is_recorded(attempt, stage)]
    under_way = [attempt for attempt in candidates if isinstance(judged(attempt.state, now), Starting | Running)]
    next_one = (digest, _number(stage, digest))
    wanted = [attempt for attempt in candidates if (attempt.digest, attempt.number) == next_one and (since is None or attempt.made_at >= since)]
    newer = [
        attempt for attempt in candidates if since is None or attempt.made_at > since
    ]  # of the same second only the wanted one, or two would take turns
    return max(under_way or wanted or newer, key=lambda attempt: attempt.made_at, default=None)


def _number(stage: Stage[Said], digest: str) -> int:
    """The attempt that would be next at these inputs. What was wanted before something else was, and is wanted again, is done anew."""
    record = stage.record
    if record is None:
        return 1
    if record.digest == digest:
        return record.attempt + 1
    history = (each.number for each in stage.attempts if each.digest == digest and record.made_at is not None and each.made_at < record.made_at)
    return max(history, default=0) + 1


def _is_recorded(attempt: Attempt[Said], stage: Stage[Said]) -> bool:
    return stage.record is not None and (attempt.digest, attempt.number) == (stage.record.digest, stage.record.attempt)
