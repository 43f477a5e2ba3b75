"""An API server and outside systems in memory: they keep every precondition that the engine relies on, and calls can be lost on either way."""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from treadle.api.reasons import Reason
from treadle.engine._dry import merged
from treadle.engine._objects import controller_uid
from treadle.engine._ports import Conflict, Fact, Gone, Seen
from treadle.plan import Effect, Object, Question, Ref, Trouble, ref_of

OWN_KINDS = ("AnnotationProject", "TrainingRun", "ModelDeployment")


class Mishap(Enum):
    """What becomes of one call."""

    LOST = "the request is lost"
    UNHEARD = "it is carried out, and the answer is lost"
    DEATH = "the operator dies before it"
    LATE_DEATH = "the operator dies after it"


class Died(Exception):
    """The operator is gone."""


class Line:
    """The way from the operator to everything outside. `mishaps` tells by number what becomes of the next calls."""

    def __init__(self) -> None:
        self.mishaps: dict[int, Mishap] = {}
        self.calls: list[str] = []

    def call(self, what: str, carry_out: Callable[[], Any]) -> Any:
        """Carry a call out, or not."""
        mishap = self.mishaps.get(len(self.calls))
        self.calls.append(what)
        if mishap is Mishap.LOST:
            raise Trouble(Reason.Unreachable, f"could not {what}: lost")
        if mishap is Mishap.DEATH:
            raise Died
        answer = carry_out()
        if mishap is Mishap.UNHEARD:
            raise Trouble(Reason.Unreachable, f"could not {what}: no answer")
        if mishap is Mishap.LATE_DEATH:
            raise Died
        return answer


class InMemoryCluster:
    """Implements the engine's `Cluster`. What changes is news, until somebody takes it."""

    def __init__(self, clock: Callable[[], datetime], line: Line) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
        self.news: list[Fact] = []
        self._clock = clock
        self._line = line
        self._version = 0

    # -- the world's side

    def put(self, this: Mapping[str, Any]) -> dict[str, Any]:
        """Store an object; a new one gets a uid of its own."""
        self._version += 1
        made = copy.deepcopy(dict(this))
        metadata = {"creationTimestamp": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"), "generation": 1, "uid": f"uid-{self._version}"}
        made["metadata"] = metadata | made["metadata"] | {"resourceVersion": str(self._version)}
        before = self.objects.get(ref_of(made))
        if before is not None and before.get("spec") != made.get("spec"):
            made["metadata"]["generation"] = before["metadata"]["generation"] + 1
        self.objects[ref_of(made)] = made
        self.news.append(Seen(made))
        return made

    def change(self, ref: Ref, change: Mapping[str, Any]) -> None:
        """Merge a change into an object."""
        self.put(merged(self.objects[ref], change))

    def remove(self, ref: Ref) -> None:
        """An object goes; what it controlled stays until the garbage is collected. One with a finalizer waits for it."""
        this = self.objects[ref]
        if this["metadata"].get("finalizers"):
            self.put(merged(this, {"metadata": {"deletionTimestamp": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")}}))
            return
        del self.objects[ref]
        self._version += 1
        self.news.append(Gone(ref, this["metadata"]["uid"]))

    def collect_garbage(self) -> None:
        """What was controlled by something that is gone goes too."""
        uids = {this["metadata"]["uid"] for this in self.objects.values()}
        while orphans := [ref for ref, this in self.objects.items() if (owner := controller_uid(this)) and owner not in uids]:
            for ref in orphans:
                uids.discard(self.objects[ref]["metadata"]["uid"])
                self.objects[ref]["metadata"].pop("finalizers", None)
                self.remove(ref)

    def controlled(self, uid: str, *kinds: str) -> list[dict[str, Any]]:
        """What an object controls, by name."""
        found = [this for this in self.objects.values() if controller_uid(this) == uid and (not kinds or this["kind"] in kinds)]
        return sorted(found, key=lambda this: (this["kind"], this["metadata"]["name"]))

    # -- the engine's side

    async def get(self, ref: Ref) -> Object | None:
        return self._line.call(f"read {ref}", lambda: self.objects.get(ref))

    async def list(self, kind: str, *, namespace: str | None = None, selector: str = "") -> tuple[Sequence[Object], str]:
        raise NotImplementedError

    def pages(self, kind: str, *, namespace: str | None = None, selector: str = "") -> Any:
        raise NotImplementedError

    async def create(self, object: Object) -> Object:  # noqa: A002
        def create() -> Object:
            if (existing := self.objects.get(ref_of(object))) is not None:
                raise Conflict("it exists", existing)
            assert "status" not in object
            return self.put(object)

        return self._line.call(f"create {ref_of(object)}", create)

    async def apply(self, object: Object, *, resource_version: str | None) -> Object:  # noqa: A002
        ref = ref_of(object)
        assert ref.kind not in OWN_KINDS, f"{ref} is the user's"

        def apply() -> Object:
            existing = self.objects.get(ref)
            if (existing["metadata"]["resourceVersion"] if existing else None) != resource_version:
                raise Conflict("it has changed", existing)
            return self.put(merged(existing, object) if existing else object)

        return self._line.call(f"apply {ref}", apply)

    async def delete(self, ref: Ref, *, uid: str, propagation: str = "Background") -> None:
        def delete() -> None:
            if (existing := self.objects.get(ref)) is not None and existing["metadata"]["uid"] == uid:
                self.remove(ref)

        self._line.call(f"delete {ref}", delete)

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> Object | None:
        def patch() -> Object | None:
            if (existing := self.objects.get(ref)) is None:
                return None
            if existing["metadata"]["resourceVersion"] != resource_version:
                raise Conflict("it has changed", existing)
            return self.put({**existing, "status": status})

        return self._line.call(f"write the status of {ref}", patch)

    async def release_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        return self._line.call(f"release {ref}", lambda: self._refinalize(ref, uid, lambda held: [f for f in held if f != finalizer]))

    async def add_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        return self._line.call(f"hold {ref}", lambda: self._refinalize(ref, uid, lambda held: [*held, finalizer]))

    async def emit_event(self, about: Object, *, type: str, reason: str, message: str, now: datetime) -> None:  # noqa: A002
        raise NotImplementedError

    def _refinalize(self, ref: Ref, uid: str, change: Callable[[Sequence[str]], Sequence[str]]) -> Object | None:
        this = self.objects.get(ref)
        if this is None or this["metadata"]["uid"] != uid:
            return None
        held = [*change(this["metadata"].get("finalizers") or ())]
        changed = self.put({**this, "metadata": {**this["metadata"], "finalizers": held}})
        if not held and "deletionTimestamp" in changed["metadata"]:
            self.remove(ref)
        return changed


class Outside:
    """Implements `Connection`: every wish comes true as a dry run assumes it, unless it is down."""

    def __init__(self, line: Line, answers: dict[Question[Any], object]) -> None:
        self.down = False
        self._line = line
        self._answers = answers

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        raise NotImplementedError

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        if self.down:
            raise Trouble(Reason.Unreachable, "the outside is down")

        def come_true() -> Mapping[Question[Any], object]:
            learnt = self.learnt(effect)
            self._answers.update(learnt)
            return learnt

        made: Mapping[Question[Any], object] = self._line.call(str(effect), come_true)
        return made

    def learnt(self, effect: Effect) -> Mapping[Question[Any], object]:
        """What is so once the wish is carried out."""
        return effect.assumed()

    async def close(self) -> None:
        pass
