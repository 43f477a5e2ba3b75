"""The engine's doors: what it needs of a cluster, of a connection, of an executor, and the facts that come back through them."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from treadle.plan import Action, Effect, Object, Question, Ref, Trouble, World


@dataclass(frozen=True)
class Seen:
    """A fact: this object exists, in this state (its uid and resourceVersion are part of it)."""

    object: Object


@dataclass(frozen=True)
class Gone:
    """A fact: the object with this uid exists no more. `uid` None: nothing exists under the name at all.

    Attributes:
        version: the resourceVersion at which a watch or a LIST lost sight of it: it may only have lost the label that it was selected by. None: the
            API server itself said that it is gone.
    """

    ref: Ref
    uid: str | None
    version: int | None = None


@dataclass(frozen=True)
class Answered:
    """A fact: what an outside system said. `answer` may be an `Unavailable`."""

    question: Question[Any]
    answer: object


Fact = Seen | Gone | Answered


def read_live(ref: Ref, uid: str | None, live: Object | None) -> Iterator[Fact]:
    """What a live read of a name teaches about the object that had this uid; None: none was known."""
    if uid is not None and (live is None or live["metadata"]["uid"] != uid):
        yield Gone(ref, uid)
    if live is not None:
        yield Seen(live)


class Moved(Exception):  # noqa: N818  (not an error: the plan was made from an older world)
    """The world is not what the plan was made from. Carries what was learned; the reconcile looks again."""

    def __init__(self, *facts: Fact) -> None:
        super().__init__(f"the world moved: {facts}")
        self.facts = facts


class ConnectionTrouble(Trouble):
    """An effect failed at its connection. Reading still works there, else its plan would not have wished for it; so it is tried again soon."""


class Knowledge(World, Protocol):
    """The engine's side of the world, as one key sees it."""

    def look(self) -> Object | None:
        """Begin a new look: what the last one read is no longer subscribed to. Returns the key's own object as it is known now."""

    def done(self, action: Action) -> bool:
        """Whether what is known already shows the action's result, so that it need not be carried out."""

    def learn(self, facts: Iterable[Fact]) -> None:
        """Take in what an action, a poll or a watch brought to light."""


class Executor(Protocol):
    """The only way out. Crash tests cut here; `kubectl treadle plan` and stories run it dry."""

    async def carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        """Carry out an action planned from `this`; return what it taught.

        Raises:
            Moved: when the world is not what the plan was made from.
            Trouble: when the outside said no, or nothing.
        """

    async def write_status(self, this: Object, status: Mapping[str, Any]) -> Iterable[Fact]:
        """Replace the status of `this`, on the condition that it is still at its resourceVersion; return what it taught: nothing, when the server
        kept the object as it was, because it knows no field for what is new.

        Raises:
            Moved: when it is not.
            Trouble: when the API server said no, or nothing.
        """


class Cluster(Protocol):
    """A Kubernetes API, reduced to what the engine does with it. Objects are plain JSON data. Every call has a timeout and raises only Trouble
    or Conflict; an absent object is None.
    """

    async def get(self, ref: Ref) -> Object | None:
        """A live read."""

    async def list(self, kind: str, *, namespace: str | None = None, selector: str = "") -> tuple[Sequence[Object], str]:
        """All objects of a kind, in chunks, and the resourceVersion of the list."""

    async def create(self, object: Object) -> Object:  # noqa: A002
        """POST. Raises Conflict(existing object) when the name is taken."""

    async def apply(self, object: Object, *, resource_version: str | None) -> Object:  # noqa: A002
        """Server-side apply with our field manager, forced. `None` = it must not exist yet (sent as resourceVersion "1"). Raises Conflict."""

    async def delete(self, ref: Ref, *, uid: str, propagation: str = "Background") -> None:
        """Delete on the precondition of the uid; an object that is gone, or another one, is success."""

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> Object | None:
        """Replace .status on the precondition of the resourceVersion. None: the object is gone. Raises Conflict."""

    async def release_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        """Drop one finalizer on the precondition of the uid and of the list as it was read. None: gone. Raises Conflict."""

    async def add_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        """Add one finalizer, likewise."""

    async def emit_event(self, about: Object, *, type: str, reason: str, message: str, now: datetime) -> None:  # noqa: A002
        """A Kubernetes Event; losing one is not an error."""


class Conflict(Exception):  # noqa: N818
    """409: the precondition of a write did not hold. `existing` is the live object when it was read."""

    def __init__(self, message: str, existing: Object | None = None) -> None:
        super().__init__(message)
        self.existing = existing


class Connection(Protocol):
    """One outside system, as configured by the admin."""

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        """Answer all open questions in as few calls as possible. Raises Trouble when the system cannot tell; then none is answered."""

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        """Make a wish true and return the answers that hold now. Raises Trouble."""

    async def close(self) -> None:
        """Close sockets."""


EventStream = AsyncIterator[tuple[str, Object]]
"""What a watch yields: (type, object), type one of LISTED, ADDED, MODIFIED, DELETED, RELISTED."""
