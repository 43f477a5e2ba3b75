"""Why a Job failed, and whose fault it was: an ordered list of rules over the evidence, the first that fires decides."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode
from treadle.workloads.evidence import SIGKILL, SIGTERM, Evidence, gather
from treadle.workloads.pods import FETCH_DATASET, FETCH_ITEMS, FETCH_MODEL, OURS
from treadle.workloads.states import FailureClass

EXPERIMENT_CLASH = "active experiment ID does not match environment run ID"  # as MLflow's client words it
_PREEMPTIONS = ("PreemptionByScheduler", "PreemptionByKueue")
_ENDED_BY_NODE = ("Evicted", "Terminated", "Shutdown", "NodeShutdown", "UnexpectedAdmissionError", "NodeAffinity", "Preempting")
"""The kubelet's reasons for pods that it does not run any more; `OutOf<resource>` is a further one."""
_NEVER_STARTED = ("StartError", "ContainerCannotRun")


class Verdict(NamedTuple):
    """Whose fault it was, and how to say it."""

    failure_class: FailureClass
    reason: Reason
    message: str


def classify(evidence: Evidence) -> Verdict:
    """The verdict of the first rule that fires."""
    return next(verdict for rule in RULES if (verdict := rule(evidence)) is not None)


def cut_short(job: Mapping[str, Any], condition: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> Verdict | None:
    """Why a user's Job that counts as complete is not: its program ended well, but only after something had asked it to. None when nothing did.

    Our own Jobs leave a result when they did their work, whatever asked them to end meanwhile.
    """
    evidence = gather(job, condition, pods)
    return None if evidence.container == OURS else _preempted(evidence) or _disrupted(evidence) or _deleted(evidence)


def _preempted(evidence: Evidence) -> Verdict | None:
    if evidence.disruption not in _PREEMPTIONS:
        return None
    return Verdict(FailureClass.PREEMPTED, Reason.PodPreempted, f"the pod of Job {evidence.job} was preempted")


def _disrupted(evidence: Evidence) -> Verdict | None:
    if not evidence.disrupted:
        return None
    why = evidence.disruption or ("reason unknown" if evidence.pod_seen else "reason unknown, the pod is gone")
    return Verdict(FailureClass.INFRASTRUCTURE, Reason.PodEvicted, f"the pod of Job {evidence.job} was disrupted ({why}){_on(evidence)}")


def _node_lost(evidence: Evidence) -> Verdict | None:
    if evidence.pod_reason != "NodeLost":
        return None
    return Verdict(FailureClass.INFRASTRUCTURE, Reason.NodeLost, f"node {evidence.node or 'unknown'}, on which Job {evidence.job} ran, is lost")


def _evicted(evidence: Evidence) -> Verdict | None:
    if evidence.pod_reason not in _ENDED_BY_NODE and not evidence.pod_reason.startswith("OutOf"):
        return None
    return Verdict(
        FailureClass.INFRASTRUCTURE, Reason.PodEvicted, f"the pod of Job {evidence.job} was ended by its node ({evidence.pod_reason}){_on(evidence)}"
    )


def _out_of_memory(evidence: Evidence) -> Verdict | None:
    if evidence.ended_by != "OOMKilled":
        return None
    words = f"{_who(evidence)} used more memory than its limit{_on(evidence)}"
    return Verdict(FailureClass.APPLICATION, Reason.OutOfMemory, words + _last_words(evidence))


def _too_long(evidence: Evidence) -> Verdict | None:
    """Our own Jobs have a time limit, which their node enforces; another attempt would need as long."""
    if evidence.pod_reason != "DeadlineExceeded":
        return None
    return Verdict(FailureClass.APPLICATION, Reason.JobTooSlow, f"the pod of Job {evidence.job} did not end in the time that it is given")


def _deleted(evidence: Evidence) -> Verdict | None:
    if not evidence.deleted:
        return None
    return Verdict(FailureClass.INFRASTRUCTURE, Reason.PodEvicted, f"the pod of Job {evidence.job} was deleted while it ran{_on(evidence)}")


def _never_started(evidence: Evidence) -> Verdict | None:
    if evidence.ended_by not in _NEVER_STARTED:
        return None
    words = f"{_who(evidence)} cannot be started{_on(evidence)}"
    return Verdict(FailureClass.APPLICATION, Reason.PodConfigurationInvalid, words + _last_words(evidence))


def _our_own_word(evidence: Evidence) -> Verdict | None:
    """One of our Jobs said why; its exit code says whether another try may help."""
    if evidence.said is None:
        return None
    unavailable = evidence.exit_code == ExitCode.UNAVAILABLE
    failure_class = FailureClass.INFRASTRUCTURE if unavailable else FailureClass.APPLICATION
    return Verdict(failure_class, evidence.said.known_reason, f"{_who(evidence)}: {evidence.said.message}")


def _outside_unavailable(evidence: Evidence) -> Verdict | None:
    """The same when its words are lost; an exit code says this only of our own containers."""
    if evidence.exit_code != ExitCode.UNAVAILABLE or not evidence.container.startswith((OURS, FETCH_DATASET, FETCH_ITEMS, FETCH_MODEL)):
        return None
    return Verdict(FailureClass.INFRASTRUCTURE, Reason.Unreachable, f"{_who(evidence)} could not reach what it needs{_on(evidence)}")


def _killed(evidence: Evidence) -> Verdict | None:
    """SIGKILL without a reason is most often memory used outside the kubelet's sight. Who killed cannot be told once the pod is gone."""
    if evidence.exit_code != SIGKILL:
        return None
    if not evidence.pod_seen:
        words = f"{_who(evidence)} was killed, and its pod was removed before it could be read"
        return Verdict(FailureClass.INFRASTRUCTURE, Reason.ResultLost, words)
    words = f"{_who(evidence)} was killed{_on(evidence)} (exit code {SIGKILL}, most often for memory)"
    return Verdict(FailureClass.APPLICATION, Reason.Killed, words + _last_words(evidence))


def _terminated(evidence: Evidence) -> Verdict | None:
    if evidence.exit_code != SIGTERM:
        return None
    return Verdict(
        FailureClass.INFRASTRUCTURE, Reason.PodEvicted, f"{_who(evidence)} was asked to stop by its node (exit code {SIGTERM}){_on(evidence)}"
    )


def _exited(evidence: Evidence) -> Verdict | None:
    if not evidence.exit_code:
        return None
    words = f"{_who(evidence)} ended with exit code {evidence.exit_code}{_on(evidence)}"
    clash = EXPERIMENT_CLASH in evidence.last_lines
    return Verdict(FailureClass.APPLICATION, Reason.ExperimentClash if clash else Reason.ExitedWithError, words + _last_words(evidence))


def _vanished(evidence: Evidence) -> Verdict:
    """No rule knows better: the Job failed without a container having failed, so its pod was taken away."""
    said = str(evidence.condition.get("message") or evidence.condition.get("reason") or "no reason given")
    if not evidence.pod_seen:
        words = f"the pod of Job {evidence.job} was removed before it could be read: {said}"
        return Verdict(FailureClass.INFRASTRUCTURE, Reason.ResultLost, words)
    return Verdict(FailureClass.INFRASTRUCTURE, Reason.JobFailed, f"Job {evidence.job} failed: {said}")


RULES: tuple[Callable[[Evidence], Verdict | None], ...] = (
    _preempted,
    _disrupted,
    _node_lost,
    _evicted,
    _out_of_memory,
    _too_long,
    _deleted,
    _never_started,
    _our_own_word,
    _outside_unavailable,
    _killed,
    _terminated,
    _exited,
    _vanished,
)
"""In this order; the last always fires."""


def _who(evidence: Evidence) -> str:
    return f"container {evidence.container} of Job {evidence.job}" if evidence.container else f"Job {evidence.job}"


def _last_words(evidence: Evidence) -> str:
    return f": {evidence.last_lines}" if evidence.last_lines else ""


def _on(evidence: Evidence) -> str:
    return f" on node {evidence.node}" if evidence.node else ""
