"""The command `restore`: a human brings back the answers of a certain snapshot that people have not given again since."""

import re
from collections.abc import Iterator
from datetime import datetime

from treadle.annotation import commands
from treadle.annotation.commands import SHORT, SHORTEST
from treadle.annotation.project import Project
from treadle.annotation.protect import latest_snapshot
from treadle.annotation.stages import Ended
from treadle.api import HandledCommand, names
from treadle.api.reasons import Reason
from treadle.contracts import Blob
from treadle.contracts.quality import SNAPSHOTS
from treadle.contracts.sync import SyncResult
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

COMMAND = "restore"


def wanted(project: Project) -> Blob | None:
    """The snapshot whose answers are to be brought back now; None when none is asked for, or it was done. What was begun is done to its end."""
    handled = next((each for each in project.memory.commands if each.command == COMMAND), None)
    if handled is None or handled.handled_at is None or handled.done_at is not None or not handled.target:
        return None
    return Blob(uri=f"{project.spec.dataset.destination.rstrip('/')}/{SNAPSHOTS}/{handled.target}.jsonl", sha256=handled.target)


def noted(project: Project, handled: tuple[HandledCommand, ...], now: datetime) -> tuple[HandledCommand, ...]:
    """The commands to remember, with one that names a snapshot; one found on an object never reconciled before is only recorded."""
    value = project.restore_command
    if not value or project.by_files or _handled(project) is not None:
        return handled
    others = tuple(command for command in handled if command.command != COMMAND)
    if project.fresh:
        return (*others, HandledCommand(command=COMMAND, value=value))
    target = _named(project, value)
    return (*others, HandledCommand(command=COMMAND, value=value, handled_at=now, target=target)) if target else handled


def followed(handled: tuple[HandledCommand, ...], ended: Ended[SyncResult] | None, now: datetime) -> tuple[HandledCommand, ...]:
    """The commands to remember, done where the sync that has just ended did what was asked."""
    if ended is None or not isinstance(ended.state, Succeeded):
        return handled
    done = ended.attempt.made_for.get(COMMAND)
    return tuple(
        each.model_copy(update={"done_at": now}) if each.command == COMMAND and each.done_at is None and done and each.target == done else each
        for each in handled
    )


def tell_commands(project: Project) -> Plan:
    """Said only while a command names what is not there, so that nobody waits for it."""
    released = commands.tell_release(project)
    return released if released.conditions else _tell_restore(project)


def _tell_restore(project: Project) -> Plan:
    value = project.restore_command
    if not value or project.fresh or _handled(project) is not None or (not project.by_files and _named(project, value)):
        return Plan()
    last = latest_snapshot(project)
    there = f"the last is {last.sha256[:SHORT]}" if last and not project.by_files else "there is none"
    return say("CommandsFit", False, Reason.CommandIgnored, f'{names.RESTORE}: "{value[:40]}" names no snapshot of answers: {there}')


def _handled(project: Project) -> HandledCommand | None:
    value = project.restore_command
    return next((each for each in project.memory.commands if each.command == COMMAND and each.value == value), None) if value else None


def _named(project: Project, value: str) -> str | None:
    """The digest of the snapshot that is meant: one that status names, or any by its whole digest."""
    known = next((sha256 for sha256 in _known(project) if len(value) >= SHORTEST and sha256.startswith(value)), None)
    return known or (value if re.fullmatch("[0-9a-f]{64}", value) else None)


def _known(project: Project) -> Iterator[str]:
    memory = project.memory
    snapshots = (memory.source and memory.source.snapshot, memory.quality and memory.quality.snapshot, *(each.snapshot for each in memory.incidents))
    return (snapshot.sha256 for snapshot in snapshots if snapshot)
