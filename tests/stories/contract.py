"""What every plan of every kind keeps to. Each story is told with a guarded kind, so that each plan that any story makes is checked.

A plan is a function of what is remembered, of the world and of the time, and of nothing else: it stays the same when it is made again, when every
field of status that is not memory holds garbage, and when strangers put labels and annotations on the object. It never writes spec, makes only
objects that are ours by label and by owner, with restricted pods, deletes only those, and makes nothing for an object that is being deleted.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from tests.pod_security import violations
from treadle.api import AnnotationProjectMemory, ModelDeploymentMemory, TrainingRunMemory, names
from treadle.api.base import Model
from treadle.api.kinds import KINDS
from treadle.api.reasons import Reason
from treadle.connections.labelling import CloseLabellingProject
from treadle.connections.tracking import CloseTrackingRun
from treadle.engine._status import DERIVED, MESSAGE_LIMIT, TROUBLE
from treadle.plan import Apply, Create, Delete, Effect, HoldFinalizer, Kind, Object, Plan, Ref, ReleaseFinalizer, Unanswered, World, ref_of

MEMORY: Mapping[str, type[Model]] = {
    "AnnotationProject": AnnotationProjectMemory,
    "TrainingRun": TrainingRunMemory,
    "ModelDeployment": ModelDeploymentMemory,
}
CREATES = {"AnnotationProject": {"Job", "TrainingRun"}, "TrainingRun": {"Job", "JobSet"}, "ModelDeployment": set()}
APPLIES = {
    "AnnotationProject": set(),
    "TrainingRun": {"Deployment", "Service"},
    "ModelDeployment": {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PodMonitor", "HTTPRoute", "PrometheusRule"},
}
CLOSING = (Delete, ReleaseFinalizer, CloseTrackingRun, CloseLabellingProject)
"""All that may be done for an object that is being deleted."""
OWN_LABELS = {names.MANAGED_BY, names.COMPONENT, names.QUEUE}
GARBAGE: tuple[Any, ...] = (None, True, -7, 0.5, "garbage", [], ["x", {"type": 7}, None], {}, {"version": [1], "conditions": "x"})
"""Every type of JSON."""
STRANGERS = {
    "labels": {"argocd.argoproj.io/instance": "loop", "app.kubernetes.io/managed-by": "Helm", "treadle.dev/strange": "x"},
    "annotations": {"argocd.argoproj.io/tracking-id": "loop:x", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
}


@dataclass(frozen=True)
class Look:
    """One look at an object: all that a plan is made from."""

    kind: Kind[Any]
    this: Object
    world: World
    now: datetime

    def __repr__(self) -> str:
        return f"{ref_of(self.this)} at {self.now:%H:%M:%S}, {json.dumps(self.this.get('status'))}"

    def plan(self, this: Object | None = None) -> Plan:
        """The plan, or the one for this object in the same world."""
        return self.kind.plan(self.kind.observe(this or self.this, self.world), self.now)


@dataclass(frozen=True)
class Seen:
    """What a guarded kind observes: the kind's own observation, and the look it came from."""

    this: Object
    world: World
    observed: Any


_watchers: list[Callable[[Look], None]] = []


@contextmanager
def watching(note: Callable[[Look], None]) -> Iterator[None]:
    """While it lasts, `note` is called with every look of every story."""
    _watchers.append(note)
    try:
        yield
    finally:
        _watchers.remove(note)


def guarded(kind: Kind[Any]) -> Kind[Any]:
    """The kind, with every plan checked as it is made; the same look is checked once."""
    checked: set[tuple[str, datetime]] = set()

    def observe(this: Object, world: World) -> Seen:
        return Seen(this, world, kind.observe(this, world))

    def plan(seen: Seen, now: datetime) -> Plan:
        made = kind.plan(seen.observed, now)
        if (key := (repr(seen.observed), now)) not in checked:
            checked.add(key)
            look = Look(kind, seen.this, seen.world, now)
            acts_well(look, made)
            speaks_well(made)
            depends_on_nothing_else(look, made)
            for note in _watchers:
                note(look)
        return made

    return replace(kind, observe=observe, plan=plan)


def acts_well(look: Look, plan: Plan) -> None:
    """What a plan may do at all, whatever it was made from.

    Raises:
        AssertionError: naming the rule that is broken.
    """
    deleting = "deletionTimestamp" in look.this["metadata"]
    for action in plan.actions:
        assert not deleting or isinstance(action, CLOSING), f"for an object that is being deleted: {action}"
        match action:
            case Create(made):
                assert made["kind"] in CREATES[look.kind.name], f"{look.kind.name} has no business to {action}"
                is_ours(look, made)
            case Apply(made):
                assert made["kind"] in APPLIES[look.kind.name], f"{look.kind.name} has no business to {action}"
                is_ours(look, made)
            case Delete(ref, uid):
                may_be_deleted(look, ref, uid)
            case HoldFinalizer(ref, uid) | ReleaseFinalizer(ref, uid):
                assert (ref, uid) == (ref_of(look.this), look.this["metadata"]["uid"]), f"a finalizer on something else: {action}"
            case Effect():
                assert action.connection, f"no connection is named: {action}"
    assert plan.actions or plan.wake_at is None or plan.wake_at > look.now, f"it looks again at {plan.wake_at}, which is not after {look.now}"


def depends_on_nothing_else(look: Look, plan: Plan) -> None:
    """The plan is the same when it is made again, with garbage in what is not memory, and with strangers' marks on the object.

    Raises:
        AssertionError: naming what changed the plan.
    """
    before = json.dumps(look.this, sort_keys=True)
    assert look.plan() == plan, "the same look makes another plan"
    assert json.dumps(look.this, sort_keys=True) == before, "the object was changed by looking at it"
    for turn in (0, len(GARBAGE) // 2):
        garbled = forgetful(look, crc32(before.encode()) + turn)
        assert look.plan(garbled) == plan, f"another plan with garbage in what is not memory: {garbled['status']}"
    metadata: dict[str, Any] = dict(look.this["metadata"])
    for field, foreign in STRANGERS.items():
        metadata[field] = {**(metadata.get(field) or {}), **foreign}
    assert look.plan({**look.this, "metadata": metadata}) == plan, "labels or annotations of strangers change the plan"


def forgetful(look: Look, first: int) -> Object:
    """The object with garbage in every field of status that is not memory: of another type in each, which one depends on `first`, so that over many
    looks every field meets every type. `observedGeneration` is kept: it tells whether we ever met.
    """
    if not (status := look.this.get("status")):
        return look.this
    (kind,) = [kind for kind in KINDS if kind.kind == look.kind.name]
    fields = {field.alias or name for name, field in kind.status.model_fields.items()} | set(status) | {"phase", "conditions", "mood"}
    others = sorted(fields - memory_fields(look.kind.name) - {"observedGeneration"})
    return {**look.this, "status": status | {name: GARBAGE[(first + n) % len(GARBAGE)] for n, name in enumerate(others)}}


def memory_fields(kind: str) -> set[str]:
    """Names on the wire of what a kind remembers."""
    return {field.alias or name for name, field in MEMORY[kind].model_fields.items()}


def is_ours(look: Look, made: Object) -> None:
    """An object that is made is ours by label and owner, has a legal name, and runs restricted pods.

    Raises:
        AssertionError: naming what is wrong.
    """
    ref, metadata, parent = ref_of(made), made["metadata"], look.this["metadata"]
    assert ref.namespace == parent["namespace"], f"{ref} is in another namespace"
    assert len(ref.name) <= names.LABEL_VALUE_LIMIT, f"the name of {ref} is too long"
    assert "status" not in made, f"{ref} has a status"
    assert metadata["labels"][names.MANAGED_BY] == names.MANAGED_BY_VALUE, f"{ref} is not marked as ours"
    strange = {label for label in metadata["labels"] if label not in OWN_LABELS and not label.startswith(f"{names.GROUP}/")}
    assert not strange, f"{ref} has labels that are not ours: {strange}"
    assert all(key.startswith(f"{names.GROUP}/") for key in metadata.get("annotations", {})), f"{ref} has annotations that are not ours"
    assert "finalizers" not in metadata, f"{ref} has finalizers"
    if ref.kind == "TrainingRun":
        assert "ownerReferences" not in metadata, f"{ref} is a record and outlives its project"
        assert metadata["labels"][names.PROJECT] == parent["name"], f"{ref} does not name its project"
        assert metadata["labels"][names.INSTALLATION], f"{ref} does not name our installation"
        return
    assert metadata["ownerReferences"] == [names.controller_reference(look.this)], f"{ref} is not owned by the object"
    for template in pod_templates(made):
        assert template["metadata"]["labels"][names.MANAGED_BY] == names.MANAGED_BY_VALUE, f"pods of {ref} are not marked as ours"
        assert violations(template) == [], f"pods of {ref} are not restricted"


def pod_templates(made: Object) -> list[Any]:
    """Every pod template in an object that is made."""
    spec = made.get("spec") or {}
    return [*([spec["template"]] if "template" in spec else []), *(job["template"]["spec"]["template"] for job in spec.get("replicatedJobs") or ())]


def may_be_deleted(look: Look, ref: Ref, uid: str) -> None:
    """Only what the object controls is deleted, or a TrainingRun that was made from it.

    Raises:
        AssertionError: if it is something else.
    """
    assert ref.kind in CREATES[look.kind.name] | APPLIES[look.kind.name], f"{look.kind.name} has no business to delete {ref}"
    existing = look.world.get(ref)
    if existing is None or existing["metadata"]["uid"] != uid:
        return
    labels = existing["metadata"].get("labels") or {}
    if ref.kind == "TrainingRun":
        assert labels.get(names.PROJECT) == look.this["metadata"]["name"], f"{ref} was not made from this project"
        assert labels.get(names.INSTALLATION), f"{ref} was not made by us"
        return
    owners = [owner["uid"] for owner in existing["metadata"].get("ownerReferences") or () if owner.get("controller")]
    assert owners == [look.this["metadata"]["uid"]], f"{ref} is not ours to delete"


def speaks_well(plan: Plan) -> None:
    """Each condition is said once, with a reason of the table and a message that fits; what the engine derives is left to it.

    Raises:
        AssertionError: naming the condition.
    """
    types = [condition.type for condition in plan.conditions]
    assert len(types) == len(set(types)), f"conditions are said twice: {types}"
    assert not set(types) & {*DERIVED, TROUBLE}, f"conditions that the engine says: {types}"
    for condition in plan.conditions:
        assert isinstance(condition.reason, Reason), condition
        assert condition.message.strip() == condition.message != "", condition
        assert len(condition.message) <= MESSAGE_LIMIT, condition
    if plan.status is not None:
        assert not {"conditions", "phase", "observedGeneration"} & set(plan.status.model_dump(by_alias=True, exclude_none=True)), plan.status


def still(look: Look) -> Look:
    """The look with a copy of its world, which stays as it is while the story goes on."""
    return replace(look, this=copy.deepcopy(look.this), world=copy.deepcopy(look.world))


def planned(look: Look, this: Object) -> Plan | None:
    """The plan for an object in the same world; None when it asks what was never answered."""
    try:
        return look.plan(this)
    except Unanswered:
        return None


__all__ = ["GARBAGE", "Look", "acts_well", "forgetful", "guarded", "memory_fields", "planned", "still", "watching"]
