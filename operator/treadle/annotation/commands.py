"""The command `release`: a human releases what a certain quality run measured, whatever bounds and counts say."""

from datetime import datetime

from treadle.annotation.project import Project
from treadle.api import HandledCommand, names
from treadle.api.reasons import Reason
from treadle.plan import Plan, say

SHORTEST = 8
"""Digits of a digest that name it well enough."""
SHORT = 12
"""Digits of a digest that people are told."""


def released(project: Project, digest: str) -> bool:
    """Whether a human released what was measured under this digest, and that is remembered."""
    return any(
        command.command == "release" and command.handled_at is not None and _names(command.value, digest) for command in project.memory.commands
    )


def noted(project: Project, now: datetime) -> tuple[HandledCommand, ...]:
    """The commands to remember: one that fits the last quality run is taken up; one found on an object never reconciled before is only recorded."""
    commands, value, report = project.memory.commands, project.release_command, project.memory.quality
    if not value or any(command.command == "release" and command.value == value for command in commands):
        return commands
    others = tuple(command for command in commands if command.command != "release")
    if project.fresh:
        return (*others, HandledCommand(command="release", value=value))
    if report is not None and _names(value, report.digest):
        return (*others, HandledCommand(command="release", value=value, handled_at=now))
    return commands


def tell_release(project: Project) -> Plan:
    """Said only while a release is commanded of what was not measured, so that nobody waits for it."""
    value, report = project.release_command, project.memory.quality
    noted_before = any(command.command == "release" and command.value == value for command in project.memory.commands)
    if not value or project.fresh or noted_before or (report is not None and _names(value, report.digest)):
        return Plan()
    there = f"the last is {report.digest[:SHORT]}" if report else "there is none yet"
    return say("CommandsFit", False, Reason.CommandIgnored, f'{names.RELEASE}: "{value[:40]}" names no quality run: {there}')


def _names(value: str, digest: str) -> bool:
    return len(value) >= SHORTEST and digest.startswith(value)
