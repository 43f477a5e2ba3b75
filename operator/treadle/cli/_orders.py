"""Commands that people give an object: approve, cancel, promote, abort, pin, unpin, undo, release, restore, suspend and
resume.

Each annotation names its target, which is read from status here: a command can neither hit another version or attempt nor be carried out twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.cli._objects import conditions, dig
from treadle.cli._place import CommandError
from treadle.plan import Object, Ref, ref_of

QUALITY_DIGITS = 12
"""Digits of a quality digest that name it; messages show as many."""


@dataclass(frozen=True)
class Order:
    """What to change of an object, as a JSON merge patch, and what it means in words."""

    ref: Ref
    patch: Mapping[str, Any]
    told: str


def approve(run: Object) -> Order:
    """Approve what the last attempt of a run made.

    Raises:
        CommandError: if the run does not wait for approval.
    """
    if not any(condition.get("reason") == str(Reason.AwaitingApproval) for condition in conditions(run)):
        raise CommandError(f"{_name(run)} does not wait for approval ({_phase(run)})")
    attempt = str(dig(run, "status", "attempts")[-1]["number"])
    return _annotated(run, names.APPROVE, attempt, f"attempt {attempt} is approved")


def cancel(run: Object) -> Order:
    """Cancel a run with its current attempt.

    Raises:
        CommandError: if the run is over, or has not begun.
    """
    if outcome := dig(run, "status", "result", "outcome"):
        raise CommandError(f"{_name(run)} is over: {outcome}")
    attempt = _attempt(run)
    return _annotated(run, names.CANCEL, attempt, f"attempt {attempt} is cancelled")


def promote(deployment: Object, version: str | None) -> Order:
    """Let a version take over without further proof: the one that is proving itself, unless told.

    Raises:
        CommandError: if none is proving itself and none was named.
    """
    chosen = version or _coming(deployment)
    if chosen is None:
        raise CommandError(f"no version of {_name(deployment)} is proving itself: name the one that shall take over")
    return _annotated(deployment, names.PROMOTE, chosen, f"version {chosen} takes over")


def abort(deployment: Object) -> Order:
    """Give up the version that is proving itself.

    Raises:
        CommandError: if there is none.
    """
    coming = _coming(deployment)
    if coming is None:
        raise CommandError(f"no version of {_name(deployment)} is proving itself ({_phase(deployment)})")
    return _annotated(deployment, names.ABORT, coming, f"version {coming} is given up")


def pin(deployment: Object, version: str) -> Order:
    """Serve a version now, whatever the alias says, until it is unpinned."""
    return _annotated(deployment, names.PIN, version, f"version {version} is pinned; `kubectl treadle unpin` ends that")


def unpin(deployment: Object) -> Order:
    """Follow the alias again.

    Raises:
        CommandError: if no version is pinned.
    """
    pinned = dig(deployment, "metadata", "annotations", names.PIN)
    if not pinned:
        raise CommandError(f"{_name(deployment)} is not pinned")
    return _annotated(deployment, names.PIN, None, f"version {pinned} is not pinned any more")


def undo(deployment: Object) -> Order:
    """Pin the version that served before the present one.

    Raises:
        CommandError: if no earlier version is remembered.
    """
    stable = dig(deployment, "status", "stable", "version")
    earlier = [entry["version"] for entry in dig(deployment, "status", "previous") or () if entry.get("version") not in (None, stable)]
    if not earlier:
        raise CommandError(f"no version is remembered that served before: kubectl treadle pin {deployment['metadata']['name']} VERSION chooses one")
    return pin(deployment, earlier[-1])


def release(project: Object) -> Order:
    """Release what the last quality run measured, whatever bounds and counts say.

    Raises:
        CommandError: if quality was never measured.
    """
    digest = dig(project, "status", "quality", "digest")
    if not digest:
        raise CommandError(f"nothing of {_name(project)} was measured yet ({_phase(project)})")
    short = str(digest)[:QUALITY_DIGITS]
    return _annotated(project, names.RELEASE, short, f"what quality run {short} measured is released")


def restore(project: Object, digest: str | None) -> Order:
    """Bring back the answers of a snapshot that people have not given again since: of the one before the last incident, unless told.

    Raises:
        CommandError: if nothing happened and no snapshot was named.
    """
    before = [dig(incident, "snapshot", "sha256") for incident in dig(project, "status", "incidents") or ()]
    chosen = digest or next((str(sha256) for sha256 in reversed(before) if sha256), None)
    if chosen is None:
        raise CommandError(f"nothing is known to be lost of {_name(project)}: name the snapshot whose answers shall come back")
    return _annotated(project, names.RESTORE, chosen, f"the answers of snapshot {chosen[:QUALITY_DIGITS]} are brought back at the next sync")


def suspend(this: Object, *, resume: bool = False) -> Order:
    """Suspend an object or, with `resume`, end that.

    Raises:
        CommandError: if it is a run that is over.
    """
    if outcome := dig(this, "status", "result", "outcome"):
        raise CommandError(f"{_name(this)} is over: {outcome}")
    return Order(ref_of(this), {"spec": {"suspend": None if resume else True}}, "goes on" if resume else "is suspended")


def _annotated(this: Object, annotation: str, value: str | None, told: str) -> Order:
    return Order(ref_of(this), {"metadata": {"annotations": {annotation: value}}}, told)


def _attempt(run: Object) -> str:
    attempt = dig(run, "status", "attempt")
    if not attempt:
        raise CommandError(f"{_name(run)} has no attempt yet ({_phase(run)}): suspend or delete it")
    return str(attempt)


def _coming(deployment: Object) -> str | None:
    canary = dig(deployment, "status", "canary") or {}
    return None if canary.get("stage") == "Leaving" else canary.get("version") or canary.get("revision")


def _name(this: Object) -> str:
    return f"{this['kind']} {this['metadata']['name']}"


def _phase(this: Object) -> str:
    return str(dig(this, "status", "phase") or "not looked at yet")
