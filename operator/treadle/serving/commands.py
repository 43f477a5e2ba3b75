"""Commands: annotations whose value names their target. Each value is handled once, and noted before it has any effect."""

from datetime import datetime
from typing import Literal

from treadle.api import HandledCommand, ModelDeploymentMemory, names
from treadle.api.reasons import Reason
from treadle.plan import Plan, Unavailable, say
from treadle.serving.observe import Serving
from treadle.serving.target import Unresolved

Command = Literal["promote", "abort"]


def pending(serving: Serving, command: Command) -> str:
    """The value of a command that was not handled yet, or empty. On an object that was never met, a command found is only recorded."""
    value = serving.promote if command == "promote" else serving.abort
    handled = any(done.command == command and done.value == value for done in serving.memory.commands)
    return value if serving.met and not handled else ""


def tell_commands(serving: Serving, memory: ModelDeploymentMemory) -> Plan:
    """Commands: said only while one is given that names nothing, so that nobody waits for it."""
    if serving.spec.suspend or not serving.met or isinstance(serving.champion, Unavailable) or isinstance(serving.target, Unresolved):
        return Plan()  # it may yet fit
    handled = {(done.command, done.value) for done in memory.commands}
    given: tuple[tuple[Command, str, str], ...] = (("promote", names.PROMOTE, serving.promote), ("abort", names.ABORT, serving.abort))
    ignored = [f'{annotation}: "{value[:40]}"' for command, annotation, value in given if value and (command, value) not in handled]
    if not ignored:
        return Plan()
    there = {"serving": memory.stable, "coming": memory.canary}
    now = ", ".join(f"{role} is {revision.version or revision.revision}" for role, revision in there.items() if revision) or "nothing serves yet"
    return say("CommandsFit", False, Reason.CommandIgnored, f"{' and '.join(ignored)} names no version that waits for it: {now}")


def with_handled(memory: ModelDeploymentMemory, command: Command, value: str, now: datetime | None) -> ModelDeploymentMemory:
    """Note a command as handled; `now` None: only recorded."""
    others = tuple(done for done in memory.commands if done.command != command)
    return memory.model_copy(update={"commands": (*others, HandledCommand(command=command, value=value, handled_at=now))})


def recorded(serving: Serving, memory: ModelDeploymentMemory) -> ModelDeploymentMemory:
    """At the first look, what is there already belongs to an earlier life and is not executed. A command that was taken away may be given anew."""
    found: tuple[tuple[Command, str], ...] = (("promote", serving.promote), ("abort", serving.abort))
    if serving.met:
        given = {command for command, value in found if value}
        kept = tuple(done for done in memory.commands if done.command in given)
        return memory if kept == memory.commands else memory.model_copy(update={"commands": kept})
    for command, value in found:
        if value and not any(done.command == command for done in memory.commands):
            memory = with_handled(memory, command, value, None)
    return memory
