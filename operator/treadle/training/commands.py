"""Commands that people give a run by annotations. The value names the attempt it is for; anything else is ignored."""

from datetime import datetime

from treadle.api import HandledCommand, TrainingRunMemory, names
from treadle.api.reasons import Reason
from treadle.plan import Plan, say
from treadle.training.run import Run

CANCEL = "cancel"
APPROVE = "approve"


def cancelled(run: Run) -> bool:
    """Whether the current attempt is to be cancelled."""
    return _given(run, CANCEL, run.cancel)


def approved(run: Run) -> bool:
    """Whether a human approved what the last attempt made."""
    last = run.memory.attempts[-1].number if run.memory.attempts else 0
    return run.approve == str(last) and not _stale(run, APPROVE, run.approve)


def was_approved(memory: TrainingRunMemory) -> bool:
    """Whether a human's approval is remembered."""
    return any(entry.command == APPROVE and entry.handled_at for entry in memory.commands)


def noted(run: Run) -> TrainingRunMemory:
    """The memory with commands that were found on an object never reconciled before: recorded, so that they are not carried out."""
    found = [(CANCEL, run.cancel), (APPROVE, run.approve)]
    entries = [HandledCommand.model_validate({"command": command, "value": value}) for command, value in found if value]
    if not run.fresh or not entries or run.memory.commands:
        return run.memory
    return run.memory.model_copy(update={"commands": tuple(entries)})


def handled(memory: TrainingRunMemory, command: str, value: str, now: datetime) -> TrainingRunMemory:
    """The memory with a command carried out."""
    entry = HandledCommand.model_validate({"command": command, "value": value, "handled_at": now})
    return memory.model_copy(update={"commands": (*(c for c in memory.commands if c.command != command), entry)})


def tell_commands(run: Run) -> Plan:
    """Said only while a command of a live run names nothing, so that nobody waits for it."""
    if run.fresh:
        return Plan()
    given = ((CANCEL, names.CANCEL, run.cancel), (APPROVE, names.APPROVE, run.approve))
    handled = {(entry.command, entry.value) for entry in run.memory.commands}
    ignored = [
        f'{annotation}: "{value[:40]}"'
        for command, annotation, value in given
        if value and (command, value) not in handled and (value != str(run.attempt) or (command == APPROVE and run.spec.approval is None))
    ]
    if not ignored:
        return Plan()
    return say(
        "CommandsFit", False, Reason.CommandIgnored, f"{' and '.join(ignored)} names nothing that waits for it: attempt {run.attempt} is current"
    )


def _given(run: Run, command: str, value: str) -> bool:
    return not run.fresh and value == str(run.attempt) and not _stale(run, command, value)


def _stale(run: Run, command: str, value: str) -> bool:
    """Found on the object before it was ever reconciled: a copy or a restore brought it along."""
    return any(entry.command == command and entry.value == value and entry.handled_at is None for entry in run.memory.commands)
