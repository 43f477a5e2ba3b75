"""What the engine knows, and who wants to know when it changes. Reading is subscribing: this is the only wake and poll mechanism.

`Memory` holds objects and answers; `Memory.view(key)` is the world as one key reads it. Whatever a key read in its last look wakes it when it
changes, and a connection polls exactly the questions that some key asked in its last look.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, TypeVar, cast

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine._objects import converged, same_owner
from treadle.engine._ports import Answered, Fact, Gone, Seen
from treadle.engine._store import Entry, Store
from treadle.plan import (
    Action,
    Apply,
    Create,
    Delete,
    Effect,
    HoldFinalizer,
    Object,
    Question,
    Ref,
    ReleaseFinalizer,
    Trouble,
    Unanswered,
    Unavailable,
    ref_of,
)

Answer = TypeVar("Answer")


class Owned(NamedTuple):
    """A topic: the children of a kind that one object controls."""

    kind: str
    uid: str


class Labelled(NamedTuple):
    """A topic: the objects of a kind that carry a label value."""

    kind: str
    namespace: str
    label: str
    value: str


Topic = Ref | Owned | Labelled | Question[Any]


class Memory:
    """All that is known, and its readers.

    Args:
        kinds: names of the kinds that are reconciled; a change of such an object wakes its own key.
        wake: called with the keys that must look again because of what a reconcile of another key learnt.
        connections: names of those that are polled; None means that whatever is asked may be answered some day.
    """

    def __init__(
        self,
        kinds: Iterable[str] = (),
        wake: Callable[[set[Ref]], None] = lambda keys: None,
        connections: Collection[str] | None = None,
    ) -> None:
        self.store = Store()
        self._connections = connections
        self.wake = wake
        self._kinds = frozenset(kinds)
        self._answers: dict[Question[Any], object] = {}
        self._asked: dict[Question[Any], int] = {}
        self._clock = 0
        self._readers: defaultdict[Topic, set[Ref]] = defaultdict(set)
        self._open: defaultdict[str, set[Question[Any]]] = defaultdict(set)
        self._labels_read: Counter[str] = Counter()

    def view(self, key: Ref) -> "View":
        """The world as this key reads it."""
        return View(self, key)

    def mark(self) -> int:
        """A point in time; a poll takes one before it asks, so that its answer cannot replace what an effect taught meanwhile."""
        self._clock += 1
        return self._clock

    def learn(self, facts: Iterable[Fact], asked: int | None = None, since: int = 0) -> set[Ref]:
        """Take in facts; returns the keys that must look again. `asked`: the mark taken before a poll, None for what an effect taught. `since`: the
        store's moment before the API server itself was asked, 0 for what a watch or a LIST told.
        """
        woken: set[Ref] = set()
        for fact in facts:
            match fact:
                case Seen(this):
                    for change in self.store.put(this, since):
                        woken |= self._interested(*change)
                case Gone(ref, uid, version):
                    for change in self.store.remove(ref, uid, version):
                        woken |= self._interested(*change)
                case Answered(question, answer):
                    if self._answered(question, answer, asked):
                        woken |= self._readers.get(question, set())
        return woken

    def learn_list(self, kind: str, namespace: str | None, uids: Collection[str], resource_version: str) -> set[Ref]:
        """Take in which objects a whole LIST of a kind (in one namespace, or all) held, each of them seen already; returns the keys that must look
        again.
        """
        woken: set[Ref] = set()
        for change in self.store.retain(kind, uids, int(resource_version), namespace):
            woken |= self._interested(*change)
        return woken

    def get(self, ref: Ref) -> Object | None:
        """The object as it is known, without subscribing anybody."""
        return self.store.get(ref)

    def knows(self, ref: Ref) -> bool:
        """Whether the object is known to exist."""
        return ref in self.store

    def latest(self, kinds: Iterable[str]) -> list[Ref]:
        """Every known object of these kinds, what changed last first."""
        known = (entry for kind in kinds for entry in self.store.entries(kind))
        return [entry.ref for entry in sorted(known, key=lambda entry: entry.version, reverse=True)]

    def forget_answers(self) -> None:
        """Everything must be asked again: a new leader must not act on what an old one heard."""
        self._answers.clear()

    def open_questions(self, connection: str) -> set[Question[Any]]:
        """What some key wants to know of a connection, as of its last look."""
        return set(self._open[connection])

    def questions(self) -> set[Question[Any]]:
        """What some key wants to know, as of its last look."""
        return {question for questions in self._open.values() for question in questions}

    def answered(self, question: Question[Any]) -> bool:
        """Whether there is an answer, be it an outage."""
        return question in self._answers

    def answer(self, question: Question[Any]) -> object:
        """The last answer.

        Raises:
            Unanswered: when there is none yet.
            Trouble: when there never will be.
        """
        if self._connections is not None and question.connection not in self._connections:
            raise Trouble(Reason.ConnectionNotFound, f"connection {question.connection} is not configured", stalled=True)
        if question not in self._answers:
            raise Unanswered(question)
        return self._answers[question]

    def subscribe(self, key: Ref, topic: Topic) -> None:
        """Note that the key read the topic."""
        if isinstance(topic, Question):
            self._open[topic.connection].add(topic)
        elif isinstance(topic, Labelled) and not self._readers[topic]:
            self._labels_read[topic.kind] += 1
        self._readers[topic].add(key)

    def unsubscribe(self, key: Ref, topics: Collection[Topic]) -> None:
        """Forget that the key read the topics; a question that nobody asks any more is forgotten with its answer."""
        for topic in topics:
            readers = self._readers.get(topic, set())
            readers.discard(key)
            if readers:
                continue
            self._readers.pop(topic, None)
            if isinstance(topic, Question):
                self._open[topic.connection].discard(topic)
                self._forget(topic)
            elif isinstance(topic, Labelled):
                self._labels_read[topic.kind] -= 1

    def forget_unread(self, questions: Iterable[Question[Any]]) -> None:
        """Forget the answers to those of the questions that nobody asks: no poll would ever keep them true."""
        for question in questions:
            if not self._readers.get(question):
                self._forget(question)

    def _forget(self, question: Question[Any]) -> None:
        self._answers.pop(question, None)
        self._asked.pop(question, None)

    def _answered(self, question: Question[Any], answer: object, asked: int | None) -> bool:
        if asked is not None and self._asked.get(question, 0) > asked:
            return False
        self._asked[question] = self.mark() if asked is None else asked
        news = question not in self._answers or self._answers[question] != answer
        self._answers[question] = answer
        return news

    def _interested(self, before: Entry | None, after: Entry | None) -> set[Ref]:
        woken: set[Ref] = set()
        for entry in (before, after):
            if entry is None:
                continue
            ref = entry.ref
            if ref.kind in self._kinds:
                woken.add(ref)
            woken |= self._readers.get(ref, set())
            if entry.owner is not None:
                woken |= self._readers.get(Owned(ref.kind, entry.owner), set())
            if self._labels_read[ref.kind]:
                for label, value in entry.labels.items():
                    woken |= self._readers.get(Labelled(ref.kind, ref.namespace, label, value), set())
        return woken


class View:
    """The world as one key reads it; implements `Knowledge`."""

    __slots__ = ("_key", "_looked", "_memory", "_read", "_read_before", "_taught")

    def __init__(self, memory: Memory, key: Ref) -> None:
        self._memory = memory
        self._key = key
        self._looked = memory.store.moment
        self._read: set[Topic] = set()
        self._read_before: AbstractSet[Topic] = frozenset()
        self._taught: frozenset[Question[Any]] = frozenset()

    def look(self) -> Object | None:
        """Begin a new look; see `Knowledge.look`."""
        self._looked = self._memory.store.moment
        self._memory.unsubscribe(self._key, self._read_before - self._read)
        self._read_before, self._read = self._read, set()
        if (this := self._memory.store.get(self._key)) is None:
            self._memory.unsubscribe(self._key, self._read_before)
            self._read_before = frozenset()
        return this

    def rest(self) -> None:
        """No look follows for now: what only the look before the last one read is no longer subscribed to, so that a finished object asks nothing,
        and what effects taught beside it is forgotten.
        """
        self._memory.unsubscribe(self._key, self._read_before - self._read)
        self._read_before = frozenset()
        self._memory.forget_unread(self._taught)
        self._taught = frozenset()

    def get(self, ref: Ref) -> Object | None:
        """See `World.get`."""
        self._subscribe(ref)
        return self._memory.store.get(ref)

    def owned(self, uid: str, kind: str) -> Sequence[Object]:
        """See `World.owned`."""
        self._subscribe(Owned(kind, uid))
        return self._memory.store.owned(uid, kind)

    def labelled(self, kind: str, namespace: str, label: str, value: str) -> Sequence[Object]:
        """See `World.labelled`."""
        self._subscribe(Labelled(kind, namespace, label, value))
        return self._memory.store.labelled(kind, namespace, label, value)

    def ask(self, question: Question[Answer]) -> Answer | Unavailable:
        """See `World.ask`."""
        self._subscribe(question)
        return cast("Answer | Unavailable", self._memory.answer(question))

    def done(self, action: Action) -> bool:
        """See `Knowledge.done`. An effect never is: plans ask first and wish only for what they found missing."""
        match action:
            case Create(wanted):
                existing = self._memory.store.get(ref_of(wanted))
                return existing is not None and same_owner(existing, wanted)
            case Apply(wanted):
                return converged(self._memory.store.get(ref_of(wanted)), wanted)
            case Delete(ref, uid):
                existing = self._memory.store.get(ref)
                return existing is None or existing["metadata"]["uid"] != uid or "deletionTimestamp" in existing["metadata"]
            case HoldFinalizer(ref, uid) | ReleaseFinalizer(ref, uid):
                existing = self._memory.store.get(ref)
                held = existing is not None and names.FINALIZER in (existing["metadata"].get("finalizers") or ())
                return existing is None or existing["metadata"]["uid"] != uid or held == isinstance(action, HoldFinalizer)
            case Effect():
                return False

    def learn(self, facts: Iterable[Fact]) -> None:
        """See `Knowledge.learn`. What an action taught was asked after the look began. Other keys that read what changed are woken; this one is
        looking anyway.
        """
        facts = tuple(facts)
        self._taught |= {fact.question for fact in facts if isinstance(fact, Answered)}
        if woken := self._memory.learn(facts, since=self._looked) - {self._key}:
            self._memory.wake(woken)

    def _subscribe(self, topic: Topic) -> None:
        self._read.add(topic)
        self._memory.subscribe(self._key, topic)
