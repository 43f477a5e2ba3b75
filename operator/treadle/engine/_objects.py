"""Questions that the engine asks about plain objects: whose they are, how new, and whether they already are as wanted."""

from collections.abc import Mapping, Sequence
from typing import Any

from treadle.api import names
from treadle.plan import Object


def version(this: Object) -> int:
    """The resourceVersion as a number. etcd's are; of two versions of one object the greater is the newer.

    Raises:
        ValueError: if it is not a number.
    """
    return int(this["metadata"].get("resourceVersion") or 0)


def controller_uid(this: Object) -> str | None:
    """The uid of the object that controls this one, if any does."""
    return next((str(r["uid"]) for r in this["metadata"].get("ownerReferences") or () if r.get("controller")), None)


def same_owner(existing: Object, wanted: Object) -> bool:
    """Whether an object that exists is the record that was wanted.

    A child with a controller: the same controller uid. A record without one (a generated TrainingRun): the same installation and project labels.
    """
    if (uid := controller_uid(wanted)) is not None:
        return controller_uid(existing) == uid
    theirs, ours = existing["metadata"].get("labels") or {}, wanted["metadata"].get("labels") or {}
    return all(key in ours and theirs.get(key) == ours[key] for key in (names.INSTALLATION, names.PROJECT))


def stamped(wanted: Object) -> dict[str, Any]:
    """The object with the digest of its wanted content as an annotation: what `Apply` sends."""
    metadata = wanted["metadata"]
    annotations = {**(metadata.get("annotations") or {}), names.SPEC_HASH: names.digest(wanted, 16)}
    return {**wanted, "metadata": {**metadata, "annotations": annotations}}


def converged(existing: Object | None, wanted: Object) -> bool:
    """Whether the live object already is what `Apply` would send: the same digest, and every wanted field still there."""
    return existing is not None and contains(existing, stamped(wanted))


def contains(live: Any, wanted: Any) -> bool:
    """Whether every wanted field is in the live value; fields of others do not matter.

    Lists of named things (containers, env, ports) are compared by name, other lists as a whole. What the API server leaves out because it is
    empty counts as there.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return not wanted and live is None
        return all(contains(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        if not isinstance(live, Sequence) or isinstance(live, str):
            return not wanted and live is None
        if wanted and all(isinstance(item, Mapping) and "name" in item for item in wanted):
            named = {item.get("name"): item for item in live if isinstance(item, Mapping)}
            return all(contains(named.get(item["name"]), item) for item in wanted)
        return len(live) == len(wanted) and all(contains(a, b) for a, b in zip(live, wanted, strict=True))
    return bool(live == wanted)


def conditions_of(status: object) -> dict[str, Mapping[str, Any]]:
    """The conditions in a status by type; what is none, because somebody else wrote it, is left out."""
    written = status.get("conditions") if isinstance(status, Mapping) else None
    found = (c for c in (written if isinstance(written, list) else ()) if isinstance(c, Mapping))
    return {kind: condition for condition in found if isinstance(kind := condition.get("type"), str)}
