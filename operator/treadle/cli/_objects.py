"""Reading objects the way commands do: as plain data, tolerant of what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from treadle.api.kinds import KINDS as API_KINDS
from treadle.api.reasons import Reason
from treadle.cli._place import CommandError
from treadle.engine import KubernetesCluster
from treadle.plan import Object

KINDS = tuple(kind.kind for kind in API_KINDS)
ABNORMAL = ("Stalled", "Reconciling", "Queued", "Suspended", "Cancelled", "DriftDetected")
"""Conditions that are true when something is unusual."""
_KINDS_BY_WORD = {word: kind.kind for kind in API_KINDS for word in (kind.singular, kind.plural, kind.short_name)}


async def read_all(cluster: KubernetesCluster, namespace: str | None) -> list[Object]:
    """Every object of the three kinds in a namespace, or in all when it is None.

    Raises:
        Trouble: if the API server does not answer or refuses.
    """
    found: list[Object] = []
    for kind in KINDS:
        objects, _ = await cluster.list(kind, namespace=namespace)
        found += objects
    return found


def chosen(objects: Sequence[Object], wanted: str, *kinds: str) -> list[Object]:
    """The objects called `wanted`: a name, or `kind/name` with the kind's singular, plural or short name in any case. With `kinds`, only of those.

    Raises:
        CommandError: if there is none.
    """
    kind, _, name = wanted.rpartition("/")
    found_kind = _KINDS_BY_WORD.get(kind.lower())
    if kind and found_kind is None:
        raise CommandError(f"unknown kind {kind}: use one of {', '.join(KINDS)}")
    may = [found_kind] if found_kind else kinds or KINDS
    found = [this for this in by_name(objects) if dig(this, "metadata", "name") == name and this["kind"] in may]
    if not found:
        others = ", ".join(sorted({str(dig(this, "metadata", "name")) for this in objects if this["kind"] in may})) or "none"
        raise CommandError(f"no {' or '.join(may)} is called {name} in this namespace (there is: {others})")
    return found


def the_one(objects: Sequence[Object], wanted: str, *kinds: str) -> Object:
    """The only object called so.

    Raises:
        CommandError: if there is none, or more than one.
    """
    found = chosen(objects, wanted, *kinds)
    if len(found) > 1:
        full = " or ".join(f"{this['kind'].lower()}/{wanted}" for this in found)
        raise CommandError(f"{wanted} is the name of several: say {full}")
    return found[0]


def dig(this: Mapping[str, Any], *path: str) -> Any:
    """What lies at a path of an object, or None; a status may hold anything."""
    value: Any = this
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def conditions(this: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The conditions of an object that have a type."""
    listed = dig(this, "status", "conditions")
    return [c for c in listed if isinstance(c, Mapping) and c.get("type")] if isinstance(listed, list) else []


def holds(condition: Mapping[str, Any]) -> bool:
    """Whether a condition says what people want. Most do while they are true; some say by it that something is unusual."""
    if condition["type"] in ABNORMAL:
        return condition.get("status") == "False"
    return condition.get("status") == "True" or condition.get("reason") == str(Reason.RolloutComplete)


def troubles(this: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The conditions that do not hold, or that say that a human must act; those that follow from others are left out."""
    derived = ("Ready", "Reconciling", "Stalled")
    own = [c for c in conditions(this) if c["type"] not in derived and not holds(c)]
    stalled = [c for c in conditions(this) if c["type"] == "Stalled" and c.get("status") == "True"]
    told = {c.get("reason") for c in own}
    return [c for c in stalled if c.get("reason") not in told] + own


def unseen(this: Mapping[str, Any]) -> bool:
    """Whether the operator has not looked at the newest spec."""
    observed = dig(this, "status", "observedGeneration")
    return not isinstance(observed, int) or observed < int(dig(this, "metadata", "generation") or 0)


def by_name(objects: Iterable[Object]) -> list[Object]:
    """Sorted by name."""
    return sorted(objects, key=lambda this: str(dig(this, "metadata", "name")))
