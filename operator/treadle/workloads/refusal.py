"""What only events tell: why a Job gets no pods (a quota, a missing account, an admission policy), why the volumes of a pod are not mounted, and
whether somebody ended a pod that is gone.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from treadle.api.reasons import Reason
from treadle.plan import Object, Question, World, ref_of
from treadle.workloads.job import nodes_of
from treadle.workloads.pods import MAIN
from treadle.workloads.starting import unmounted
from treadle.workloads.states import Failed, FailureClass, Starting, State, Succeeded

AnyState = TypeVar("AnyState", bound=State[Any])

CLUSTER = "kubernetes"
"""The connection that is always there: the cluster we run in; the engine itself answers."""
PREEMPTED, KILLED = "Preempted", "Killing"
"""Reasons of events: of the scheduler about a pod that makes room, and of the kubelet about a container that it ends before it ends by itself."""
SUSPICIOUS = timedelta(seconds=20)
"""A Job that has no pods for so long is worth a look at its events, and so is a pod that has a node and does not start; most need less."""


@dataclass(frozen=True, kw_only=True)
class PodRefusal(Question[str]):
    """Why the pods of a Job are not made: the words of its latest FailedCreate event; empty when it has none, or may still get pods soon.

    Attributes:
        since: when it could have had pods first.
    """

    connection: str = CLUSTER
    namespace: str
    job: str
    uid: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class VolumeTrouble(Question[str]):
    """Why the volumes of a pod are not there: the words of its latest event about them; empty when it has none, or may still start soon.

    Attributes:
        since: when it got its node.
    """

    connection: str = CLUSTER
    namespace: str
    pod: str
    uid: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class PodEnded(Question[str]):
    """Who ended the pods of a Job that can no more be read: PREEMPTED, KILLED, or empty when no event says that anybody did.

    Attributes:
        container: only the end of this one counts; sidecars are always ended from outside.
        ranked: the names of the pods hold their rank.
        since: when the Job counted as complete.
    """

    connection: str = CLUSTER
    namespace: str
    job: str
    container: str
    ranked: bool = False
    since: datetime


def explained(state: AnyState, job: Object, world: World) -> AnyState | Starting:
    """The state, with the reason why there are no pods if there are none. Only then is anything asked."""
    if not isinstance(state, Starting) or not state.podless:
        return state
    ref = ref_of(job)
    question: Question[str] = PodRefusal(namespace=ref.namespace, job=ref.name, uid=state.uid, since=state.since)
    words = world.ask(question)
    return replace(state, refusal=words) if isinstance(words, str) else state


def mounted(state: AnyState, namespace: str, world: World) -> AnyState | Starting:
    """The state, with what its volumes lack if its pod does not start. Ask this only of workloads with volumes that may be missing."""
    if not isinstance(state, Starting) or (pod := state.idle) is None:
        return state
    question: Question[str] = VolumeTrouble(namespace=namespace, pod=pod.name, uid=pod.uid, since=pod.since)
    words = world.ask(question)
    if not words or not isinstance(words, str):
        return state
    found = unmounted(pod, words)
    return replace(
        state,
        reason=found.reason,
        message=found.message,
        stalled=found.stalled,
        queued=found.queued,
        gives_up_at=None if found.patience is None else pod.since + found.patience,
        gives_up_as=found.fault,
    )


def unless_ended(state: AnyState, job: Object, world: World) -> AnyState | Failed:
    """The state; but a success that no pod can confirm is none when events say that the pod was ended from outside.

    Programs that are asked to stop often end well, and a pod that is deleted goes away in the moment in which its Job counts as complete.
    """
    if not isinstance(state, Succeeded) or state.finished_at is None:
        return state
    ref = ref_of(job)
    who = world.ask(PodEnded(namespace=ref.namespace, job=ref.name, container=MAIN, ranked=nodes_of(job) > 1, since=state.finished_at))
    if who not in (PREEMPTED, KILLED):
        return state
    preempted = who == PREEMPTED
    return Failed(
        uid=state.uid,
        failure_class=FailureClass.PREEMPTED if preempted else FailureClass.INFRASTRUCTURE,
        reason=Reason.PodPreempted if preempted else Reason.PodEvicted,
        message=f"the pod of Job {ref.name} was {'preempted' if preempted else 'ended from outside'}, and is gone",
        started_at=state.started_at,
        finished_at=state.finished_at,
        held_since=state.held_since,
    )
