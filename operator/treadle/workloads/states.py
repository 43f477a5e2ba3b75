"""How a launched workload stands: a sum type that plans match on. Each state knows the UID of the workload it speaks of."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from treadle.api.reasons import Reason

Result = TypeVar("Result")


class FailureClass(Enum):
    """Whose fault a failure is: each class has its own retry budget."""

    APPLICATION = "Application"
    INFRASTRUCTURE = "Infrastructure"
    PREEMPTED = "Preempted"

    def __str__(self) -> str:
        return self.value


class Eviction(NamedTuple):
    """Whose fault it is that a queue took its admission back."""

    failure_class: FailureClass
    reason: Reason
    message: str


class IdlePod(NamedTuple):
    """A pod that has a node since then, and of which nothing runs yet."""

    name: str
    uid: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Starting:
    """The workload exists, nothing of it runs yet.

    Attributes:
        since: when the workload was made.
        reason: why it does not run, worded for people; PodNotReady while nothing special is known.
        stalled: it will not start by itself; a human must act.
        queued: it waits for admission, quota or a node rather than for its own start.
        podless: it may have pods and has none.
        unseen: the Job controller has not looked at it: the control plane is busy, or broken.
        refusal: why it has none, in the API server's words; empty while they are not known.
        suspended: its queue, or whoever suspended it, holds it back.
        queued_since: since when its queue says so.
        eviction: why its queue took back an earlier admission.
        gives_up_at: when what keeps it from starting makes it a failure; see `workloads.job.judged`.
        gives_up_as: whose fault that is then.
        gone_by: when its pod should have been gone, once somebody asked it to go.
        held_since: since when a pod of it has a node, and holds its devices there.
        idle: a pod whose node has nothing to say of it: its volumes may not be there.
    """

    uid: str
    since: datetime
    reason: Reason = Reason.PodNotReady
    message: str = ""
    stalled: bool = False
    queued: bool = False
    podless: bool = False
    unseen: bool = False
    refusal: str = ""
    suspended: bool = False
    queued_since: datetime | None = None
    eviction: Eviction | None = None
    gives_up_at: datetime | None = None
    gives_up_as: FailureClass = FailureClass.APPLICATION
    gone_by: datetime | None = None
    held_since: datetime | None = None
    node: str = ""
    idle: IdlePod | None = None


@dataclass(frozen=True, kw_only=True)
class Running:
    """Its pod runs since then, on that node, from that image digest; `gone_by` and `held_since` as in `Starting`.

    `over_since`: when the last of its pods ended, although it does not say so yet.
    """

    uid: str
    since: datetime
    node: str = ""
    image_id: str = ""
    gone_by: datetime | None = None
    held_since: datetime | None = None
    over_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Succeeded(Generic[Result]):
    """It ended well; `result` is what it left behind (None for workloads of users)."""

    uid: str
    result: Result
    started_at: datetime | None = None
    finished_at: datetime | None = None
    held_since: datetime | None = None
    node: str = ""
    image_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """It failed, and it is clear whose fault it was as far as that can be known.

    Attributes:
        container: that ended it; empty when it is not known.
        pod_gone: no pod of it is left that might still write somewhere.
        suspended: it was suspended while it ran, and ended because of that.
    """

    uid: str
    failure_class: FailureClass
    reason: Reason
    message: str
    container: str = ""
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    held_since: datetime | None = None
    node: str = ""
    image_id: str = ""
    pod_gone: bool = True
    suspended: bool = False


State = Starting | Running | Succeeded[Result] | Failed
