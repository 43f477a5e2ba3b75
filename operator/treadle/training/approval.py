"""The human gate: after the metrics, before the registry."""

from datetime import datetime

from treadle.api import TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.plan import Plan, say
from treadle.training import commands
from treadle.training.evaluate import evaluated
from treadle.training.run import Run


def decide_approval(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with a human's approval in it, once it was given for what the last attempt made."""
    if run.spec.approval is None or approved(run) or not run.trained or run.memory.result is not None or not _judged(run):
        return None
    return commands.handled(run.memory, commands.APPROVE, run.approve, now) if commands.approved(run) else None


def approved(run: Run) -> bool:
    """Whether no approval is needed, or it is remembered."""
    return run.spec.approval is None or commands.was_approved(run.memory)


def tell_approval(run: Run) -> Plan:
    """Say what a human is asked for."""
    if run.spec.approval is None or not run.trained or not _judged(run):
        return Plan()
    if approved(run):
        return say("Approved", True, Reason.Approved, "approved")
    if run.memory.result is not None:
        return Plan()
    number = run.memory.attempts[-1].number
    message = f"to approve: kubectl annotate trainingrun {run.name} treadle.dev/approve={number} --overwrite"
    return say("Approved", False, Reason.AwaitingApproval, message)


def _judged(run: Run) -> bool:
    """Whether everything that machines can say about the model is said."""
    return evaluated(run) and len(run.memory.gates) == len(run.spec.gates)
