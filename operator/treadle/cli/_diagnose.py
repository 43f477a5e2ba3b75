"""`kubectl treadle diagnose NAME`: what does not hold, since when, why, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treadle.api.reasons import Reason
from treadle.cli._objects import chosen, dig, troubles, unseen
from treadle.cli._status import tell_condition
from treadle.plan import Object

LOOK_AT_THE_OPERATOR = "Check that the operator runs and leads, and that it watches this namespace."


def tell_diagnosis(objects: Sequence[Object], wanted: str) -> list[str]:
    """A diagnosis of every object called `wanted`: a name, or `kind/name` with the kind's singular in any case.

    Raises:
        CommandError: if there is none.
    """
    return [line for this in chosen(objects, wanted) for line in _told(this)]


def diagnosis_of(this: Object) -> dict[str, Any]:
    """The same as data, for scripts."""
    return {
        "kind": this["kind"],
        "namespace": dig(this, "metadata", "namespace"),
        "name": dig(this, "metadata", "name"),
        "phase": dig(this, "status", "phase"),
        "seen": not unseen(this),
        "findings": [_found(condition) for condition in troubles(this)],
    }


def _found(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A condition that does not hold, with what its reason means; None where this version does not know the reason."""
    reason = Reason.__members__.get(str(condition.get("reason")))
    explained = {"why": reason and reason.meaning, "do": reason and reason.remedy, "page": reason and reason.page}
    return (
        {field: condition.get(field) for field in ("type", "status", "reason", "message")}
        | {"since": condition.get("lastTransitionTime")}
        | explained
    )


def _told(this: Object) -> Iterator[str]:
    found = diagnosis_of(this)
    yield f"{found['kind']} {found['name']}: {found['phase'] or 'no phase yet'}"
    if not found["seen"]:
        yield "  The operator has not looked at the newest spec."
        yield f"  do: {LOOK_AT_THE_OPERATOR}"
    if since := dig(this, "metadata", "deletionTimestamp"):
        yield f"  It is being deleted since {since}."
    for finding in found["findings"]:
        yield from _explained(finding)
    if found["seen"] and not found["findings"]:
        yield "  Every condition holds; there is nothing to do."


def _explained(finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {tell_condition(finding)}"
    if finding["since"]:
        yield f"    since: {finding['since']}"
    if not finding["why"]:
        yield f"    why: {finding['reason']} is a reason that this version of the command does not know."
        yield "    do: Use the command of the operator's version."
        return
    yield f"    why: {finding['why']}"
    yield f"    do: {finding['do']}"
    yield f"    more: {finding['page']}"
