"""Whether objects are as wanted: what `--check` and `--wait` turn into an exit code."""

from collections.abc import Iterable

from treadle.cli._objects import conditions, dig, unseen
from treadle.plan import Object

HOLDS, GOES_ON, FAILS = 0, 3, 4
"""Exit codes: all is as wanted; it is under way; a human must act, or a run has failed."""


def health(objects: Iterable[Object]) -> int:
    """The worst of all objects; `HOLDS` when there is none."""
    return max(map(_health, objects), default=HOLDS)


def _health(this: Object) -> int:
    said = {condition["type"]: condition.get("status") for condition in conditions(this)}
    if unseen(this):
        return GOES_ON
    if said.get("Stalled") == "True" or dig(this, "status", "result", "outcome") in ("Failed", "Cancelled"):
        return FAILS
    return HOLDS if said.get("Succeeded" if this["kind"] == "TrainingRun" else "Ready") == "True" else GOES_ON
