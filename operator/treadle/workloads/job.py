"""`batch/v1` Jobs: one try. A retry is another Job under the next name, so that each attempt can be told apart.

A plain Job has one pod. The Job inside a JobSet has one per node, all or nothing: it runs when all of them do, and the first that fails ends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.plan import Object, Ref
from treadle.workloads import failures, pods, starting
from treadle.workloads.evidence import POD_FAILURE_POLICY, SHARD_FAILURE_POLICY, gather
from treadle.workloads.states import Failed, FailureClass, Running, Starting, State, Succeeded

NO_POD_PATIENCE = timedelta(seconds=30)
"""A Job without a pod for so long is refused its pods."""
NODE_PATIENCE = timedelta(seconds=60)
"""A pod that was asked to go, and is there so long after its grace, is on a node that does not answer."""

TRIES_PER_SHARD = 4
MOST_FAILED_SHARDS = 2
"""Once more have failed for good the rest is given up: who fails everywhere need not be tried everywhere."""
SIDE_BY_SIDE = 8
"""So many shards at once."""

AnyState = TypeVar("AnyState", bound=State[Any])


def build_job(
    *,
    ref: Ref,
    owner: Object,
    template: Mapping[str, Any],
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    queue: str = "",
    shards: int = 0,
) -> Object:
    """A Job of `owner` with one pod made from `template` (see `pod_template`); or with `shards` numbered ones, each with tries of its own.

    With `queue`, it is made suspended, and Kueue starts it; `spec.suspend` is never written afterwards.
    """
    metadata: dict[str, Any] = {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": {names.MANAGED_BY: names.MANAGED_BY_VALUE, **labels, **({names.QUEUE: queue} if queue else {})},
        "ownerReferences": [names.controller_reference(owner)],
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    spec = {**(sharded_spec(template, shards) if shards else job_spec(template)), **({"suspend": True} if queue else {})}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def job_spec(template: Mapping[str, Any], nodes: int | None = None) -> dict[str, Any]:
    """The spec of a Job that is tried once. With `nodes`, its pods are numbered: each has its rank in its hostname and in an annotation."""
    return {
        **({"completionMode": "Indexed"} if nodes else {}),
        "backoffLimit": 0,
        "completions": nodes or 1,
        "parallelism": nodes or 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": POD_FAILURE_POLICY,
        "template": template,
    }


def sharded_spec(template: Mapping[str, Any], shards: int) -> dict[str, Any]:
    """The spec of a Job whose pods share work that is kept piece by piece: a piece that fails is tried again by itself, the others go on."""
    return {
        "completionMode": "Indexed",
        "backoffLimitPerIndex": TRIES_PER_SHARD - 1,
        "maxFailedIndexes": min(shards, MOST_FAILED_SHARDS),
        "completions": shards,
        "parallelism": min(shards, SIDE_BY_SIDE),
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": SHARD_FAILURE_POLICY,
        "template": template,
    }


def read_job(job: Object, owned: Sequence[Object]) -> State[None]:
    """How the Job stands. `owned`: the pods it controls, as far as they are known. Let `judged` say what time makes of it.

    A Job that is suspended while it runs has its pods ended, and its `podFailurePolicy` then calls that a failure: it says nothing of the program.
    """
    state = _read(job, owned)
    if isinstance(state, Failed) and (job.get("spec") or {}).get("suspend"):
        words = f"Job {job['metadata']['name']} was suspended while it ran"
        return replace(state, failure_class=FailureClass.PREEMPTED, reason=Reason.PodPreempted, message=words, exit_code=None, suspended=True)
    return state


def _read(job: Object, owned: Sequence[Object]) -> State[None]:
    uid, status = job["metadata"]["uid"], job.get("status") or {}
    current = pods.latest(owned)
    head = current[0] if current else None
    node, image_id = pods.node(head), pods.image_id(head)
    held_since = pods.held_since(owned)
    began = [at for pod in current if (at := pods.began(pod))]
    started_at = min(began, default=None) or pods.time(status.get("startTime"))
    finished = all(map(pods.is_over, owned))
    if finished and (ended := condition(job, "Complete") or condition(job, "SuccessCriteriaMet")):
        finished_at = pods.time(status.get("completionTime") or ended.get("lastTransitionTime"))
        if cut := next(filter(None, (failures.cut_short(job, ended, [pod]) for pod in current)), None):
            return Failed(
                uid=uid,
                failure_class=cut.failure_class,
                reason=cut.reason,
                message=cut.message,
                started_at=started_at,
                finished_at=finished_at,
                held_since=held_since,
                node=node,
                image_id=image_id,
            )
        return Succeeded(uid=uid, result=None, started_at=started_at, finished_at=finished_at, held_since=held_since, node=node, image_id=image_id)
    if ended := condition(job, "Failed") or condition(job, "FailureTarget"):
        message = str(ended.get("message") or "")
        culprit_last = pods.culprit_last(owned, message)
        if any(pods.is_named(pod, message) for pod in culprit_last[:-1]):
            ended = {**ended, "message": ""}  # the Job controller saw several failures at once, and names one that only followed
        evidence = gather(job, ended, culprit_last)
        if finished or evidence.disrupted:  # else the pod's own words are still on their way to us
            verdict = failures.classify(evidence)
            return Failed(
                uid=uid,
                failure_class=verdict.failure_class,
                reason=verdict.reason,
                message=verdict.message,
                container=evidence.container,
                exit_code=evidence.exit_code,
                started_at=started_at,
                finished_at=pods.time(ended.get("lastTransitionTime")),
                held_since=held_since,
                node=evidence.node or node,
                image_id=image_id,
                pod_gone=finished and not status.get("terminating"),
            )
    if began and len(began) >= nodes_of(job):
        gone_by, over_since = pods.gone_by(current), pods.over_since(current)
        return Running(uid=uid, since=max(began), node=node, image_id=image_id, gone_by=gone_by, held_since=held_since, over_since=over_since)
    return _starting(job, current)


def nodes_of(job: Object) -> int:
    """How many pods it needs at once."""
    spec = job.get("spec") or {}
    pods_ = int(spec.get("completions") or 1)
    return min(pods_, int(spec.get("parallelism") or pods_))


def judged(state: AnyState, now: datetime) -> AnyState | Starting | Failed:
    """What time makes of a state: a Job that gets no pods is refused them, a pod that cannot start is given up."""
    match state:
        case Starting(podless=True, since=since) if now >= since + NO_POD_PATIENCE:
            why = state.refusal or "the events of the Job say why"
            message = f"no pod was made within {NO_POD_PATIENCE.seconds} s: {why}"
            return replace(state, reason=Reason.PodsRejected, message=message, stalled=True)
        case Starting(gone_by=datetime() as end) | Running(gone_by=datetime() as end) if now >= end + NODE_PATIENCE:
            return Failed(
                uid=state.uid,
                failure_class=FailureClass.INFRASTRUCTURE,
                reason=Reason.NodeLost,
                message=f"node {state.node or 'unknown'} does not answer: its pod should have ended at {end:%H:%M:%S} UTC",
                started_at=state.since if isinstance(state, Running) else None,
                held_since=state.held_since,
                node=state.node,
                pod_gone=False,
            )
        case Starting(gives_up_at=datetime() as end) if now >= end:
            return Failed(
                uid=state.uid,
                failure_class=state.gives_up_as,
                reason=state.reason,
                message=state.message,
                held_since=state.held_since,
                node=state.node,
                pod_gone=False,
            )
    return state


def next_judgement(state: State[Any], now: datetime) -> datetime | None:
    """When `judged` will say something else although nothing changes; None if never."""
    moments: list[datetime | None] = []
    if isinstance(state, Starting | Running):
        moments.append(state.gone_by + NODE_PATIENCE if state.gone_by else None)
    if isinstance(state, Starting):
        moments += [state.since + NO_POD_PATIENCE if state.podless else None, state.gives_up_at]
    return min((at for at in moments if at and at > now), default=None)


def waiting_for_queue(this: Object) -> Starting:
    """The state of a Job or JobSet that is suspended."""
    queue = (this["metadata"].get("labels") or {}).get(names.QUEUE, "")
    where = f"queue {queue}" if queue else "whoever suspended it"
    message = f"{this['kind']} {this['metadata']['name']} waits for {where}"
    return Starting(uid=this["metadata"]["uid"], since=since(this), reason=Reason.AwaitingAdmission, message=message, queued=True, suspended=True)


def since(this: Object) -> datetime:
    """When a Job or JobSet could start: made, or unsuspended by its queue."""
    started = pods.time((this.get("status") or {}).get("startTime"))
    made = pods.time(this["metadata"].get("creationTimestamp"))
    first = started or made
    if first is None:
        raise ValueError(f"{this['kind']} {this['metadata']['name']} has no creationTimestamp")
    return first


def condition(this: Object, type_: str) -> Mapping[str, Any] | None:
    """The condition of that type, if it is True."""
    conditions = (this.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == type_ and c.get("status") == "True"), None)


def _taken_up(job: Object, current: Sequence[Object]) -> datetime:
    """When its controller took it up: as it says, or, until it has, when its first pod was made."""
    if (job.get("status") or {}).get("startTime"):
        return since(job)
    return max(since(job), min((at for pod in current if (at := pods.time(pod["metadata"].get("creationTimestamp")))), default=since(job)))


def _starting(job: Object, current: Sequence[Object]) -> Starting:
    uid, name = job["metadata"]["uid"], job["metadata"]["name"]
    if (job.get("spec") or {}).get("suspend"):
        return waiting_for_queue(job)
    message = f"Job {name} has no running pod yet" if nodes_of(job) == 1 else f"Job {name} does not have all its {nodes_of(job)} pods running yet"
    if not current:
        unseen = not (job.get("status") or {}).get("startTime")
        return Starting(uid=uid, since=since(job), message=message, podless=True, unseen=unseen)
    idle = [pod for pod in current if pods.began(pod) is None]
    obstacles = sorted(((found, pod) for pod in idle if (found := starting.obstacle(pod))), key=lambda each: not each[0].stalled)
    if not obstacles:
        preparing = next(filter(None, map(starting.preparing, idle)), "")
        words = f"container {preparing} of Job {name} prepares the pod" if preparing else message
        return Starting(
            uid=uid,
            since=_taken_up(job, current),
            message=words,
            node=pods.node(current[0]),
            gone_by=pods.gone_by(current),
            held_since=pods.held_since(current),
            idle=next(filter(None, map(starting.idle, idle)), None),
        )
    obstacle, pod = obstacles[0]
    begun = starting.begun(pod) or since(job)
    return Starting(
        uid=uid,
        since=since(job),
        reason=obstacle.reason,
        message=obstacle.message,
        stalled=obstacle.stalled,
        queued=obstacle.queued,
        gives_up_at=None if obstacle.patience is None else begun + obstacle.patience,
        gives_up_as=obstacle.fault,
        gone_by=pods.gone_by(current),
        held_since=pods.held_since(current),
        node=pods.node(pod),
    )
