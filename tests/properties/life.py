"""The life of one object under whatever may happen, as a state machine: the world moves, calls are lost, operators die, strangers meddle.

Every plan is held against the contract of all kinds (`tests/stories/contract.py`): made again it is the same, garbage in what is not memory and
marks of strangers change nothing, only our own things are made and deleted. Beyond that: what is not ours is never changed, spec never is, and once
the world holds still the operator comes to rest.
"""

import asyncio
import copy
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar, cast

from hypothesis import note
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.properties.cluster import Died, InMemoryCluster, Line, Mishap, Outside
from tests.stories.contract import GARBAGE, guarded, memory_fields
from treadle.api import names
from treadle.engine._events import Announcer
from treadle.engine._executor import LiveExecutor
from treadle.engine._lease import Lease
from treadle.engine._memory import Memory, View
from treadle.engine._ports import Answered, Seen
from treadle.engine._reconcile import reconcile
from treadle.plan import Kind, Question, Ref, Trouble, Unavailable, ref_of

Result = TypeVar("Result")

START = datetime(2026, 1, 1, tzinfo=UTC)
RESTLESS = 12
"""Looks after which an operator in a world that holds still must have come to rest."""
SPANS = {"a second": 1, "ten seconds": 10, "a minute": 60, "ten minutes": 600, "some hours": 20_000, "a day": 86_400, "nine days": 777_600}


RESOLVED = (
    "garbage",
    "[]",
    "7",
    "null",
    "[" * 100_000,
    '{"tracking": {"id": [1], "experimentId": {}}, "dataset": 7}',
    '{"tracking": 7, "metrics": 7, "baselines": {}, "uri": 7, "asked": []}',
    '{"asked": {"resources": 7}, "uri": "s3://x", "model": "", "version": "", "run": ""}',
)
"""What somebody may write where we keep what was resolved."""
MISHAPS = some.one_of(some.just({}), some.just({}), some.dictionaries(some.integers(0, 4), some.sampled_from(Mishap), max_size=1))
"""What becomes of the calls of one look, by number; mostly nothing."""


def happens(**drawn: some.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule after which the operator hears of it and looks, unless it is deaf just then; calls may be lost, and it may die."""

    def of(event: Callable[..., None]) -> Callable[..., None]:
        def step(self: "Life", mishaps: dict[int, Mishap], **values: Any) -> None:
            event(self, **values)
            if not self.deaf:
                self.hear()
                self.look(mishaps)

        step.__name__ = event.__name__
        found: Callable[..., None] = rule(mishaps=MISHAPS, **drawn)(step)
        return found

    return of


class Held:
    """The lease of an operator that always leads."""

    def fence(self) -> float:
        return 10.0

    async def guard(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await work


class Life(RuleBasedStateMachine):
    """One object of `kind`, its world and its operator. Subclasses bring the object, and what happens around its kind."""

    kind: ClassVar[Kind[Any]]
    connections: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.line = Line()
        self.cluster = InMemoryCluster(lambda: self.now, self.line)
        self.answers: dict[Question[Any], object] = {}
        self.outside = {name: Outside(self.line, self.answers) for name in self.connections}
        self.guarded = guarded(self.kind)
        self.loop = asyncio.new_event_loop()
        self.foreign: dict[Ref, dict[str, Any]] = {}
        self.deaf = False
        """Whether the watch is cut: the operator does not hear what is new."""
        self.key = Ref(self.kind.name, "ml", "digits")
        self.restart()

    # -- what happens to every kind

    @happens(span=some.sampled_from(sorted(SPANS, key=SPANS.__getitem__)))
    def time_passes(self, span: str) -> None:
        self.now += timedelta(seconds=SPANS[span])

    @rule(mishaps=MISHAPS)
    def the_operator_looks_without_having_heard(self, mishaps: dict[int, Mishap]) -> None:
        self.look(mishaps)

    @rule(deaf=some.sampled_from([False, False, True]))
    def the_watch_is_cut_or_comes_back(self, deaf: bool) -> None:
        self.deaf = deaf

    @happens()
    def the_operator_restarts(self) -> None:
        self.restart()

    @happens()
    def garbage_is_collected(self) -> None:
        self.cluster.collect_garbage()

    @happens(name=some.sampled_from(["argocd.argoproj.io/instance", "team", "treadle.dev/strange"]), which=some.integers(0, 20))
    def a_stranger_puts_a_label(self, name: str, which: int) -> None:
        ours = sorted(ref for ref in self.cluster.objects if ref not in self.foreign)
        if ours:
            self.cluster.change(ours[which % len(ours)], {"metadata": {"labels": {name: "x"}, "annotations": {name: "y"}}})

    @happens(garbage=some.sampled_from(GARBAGE), which=some.integers(0, 30))
    def a_stranger_garbles_the_status(self, garbage: Any, which: int) -> None:
        if (this := self.this) is None:
            return
        fields = sorted({*(this.get("status") or {}), "phase", "conditions", "mood"} - memory_fields(self.kind.name) - {"observedGeneration"})
        self.cluster.put({**this, "status": {**(this.get("status") or {}), fields[which % len(fields)]: garbage}})

    @happens(garbage=some.sampled_from(RESOLVED), which=some.integers(0, 20))
    def a_stranger_garbles_what_was_resolved(self, garbage: str, which: int) -> None:
        if children := children_of(self):
            self.cluster.change(ref_of(children[which % len(children)]), {"metadata": {"annotations": {names.RESOLVED: garbage}}})

    @happens(which=some.integers(0, 20))
    def a_stranger_deletes_a_child(self, which: int) -> None:
        if self.this is not None and (children := self.cluster.controlled(self.this["metadata"]["uid"])):
            self.cluster.remove(ref_of(children[which % len(children)]))

    @happens(dice=some.integers(0, 3), again=some.booleans())
    def the_object_is_deleted(self, dice: int, again: bool) -> None:
        if self.this is not None and dice == 0:
            self.cluster.remove(self.key)
        if self.this is None and again:
            self.cluster.put(self.made())

    @happens(down=some.sampled_from([False, False, True]))
    def connections_go_down_or_come_back(self, down: bool) -> None:
        for connection in self.outside.values():
            connection.down = down

    # -- what always holds

    @invariant()
    def what_is_not_ours_is_as_it_was(self) -> None:
        for ref, before in self.foreign.items():
            assert self.cluster.objects.get(ref) == before, f"{ref} is not ours"

    def teardown(self) -> None:
        """The world holds still: the operator comes to rest."""
        try:
            for connection in self.outside.values():
                connection.down = False
            self.cluster.collect_garbage()
            self.now += timedelta(minutes=10)  # nobody pays any more for children that vanished
            for _ in range(RESTLESS):
                self.hear()
                if not self.look({}):
                    break
            else:
                raise AssertionError(f"it does not come to rest; its last calls were {self.line.calls}")
            self.restart()
            assert not self.look({}), f"a restart with nothing new to do calls {self.line.calls}"
        finally:
            self.loop.close()

    # -- how the operator lives

    @property
    def this(self) -> dict[str, Any] | None:
        """The object as it is."""
        return self.cluster.objects.get(self.key)

    def made(self) -> Mapping[str, Any]:
        """The object as people apply it."""
        raise NotImplementedError

    def fact(self, question: Question[Any]) -> object:
        """What the outside answers to what no wish has changed."""
        return None

    def add_foreign(self, this: Mapping[str, Any]) -> None:
        """Somebody else's object, which must stay as it is."""
        if ref_of(this) not in self.cluster.objects:
            made = self.cluster.put(this)
            self.foreign[ref_of(made)] = copy.deepcopy(made)

    def restart(self) -> None:
        """A new operator, which knows nothing but the world."""
        self.memory = Memory([self.kind.name])
        self.memory.learn([Seen(this) for this in self.cluster.objects.values()])
        self.cluster.news.clear()
        self.view: View = self.memory.view(self.key)
        lease = cast("Lease", Held())
        self.executor = LiveExecutor(
            cluster=self.cluster,  # type: ignore[arg-type]
            connections=self.outside,
            lease=lease,
            announcer=Announcer(self.cluster, lambda: self.now),
            known=self.memory.get,
            ticks=lambda: (self.now - START).total_seconds(),
        )

    def hear(self) -> None:
        """The watch tells what is new."""
        self.memory.learn(self.cluster.news)
        self.cluster.news.clear()

    def look(self, mishaps: dict[int, Mishap]) -> list[str]:
        """The operator looks once, with its questions answered; returns its calls. A trouble is told in the status, and no bug."""
        self.line.calls, self.line.mishaps = [], mishaps
        self._answer(self.memory.questions())
        try:
            for _ in range(20):
                self.loop.run_until_complete(reconcile(self.guarded, self.view, self.executor, lambda: self.now))
                if not (unanswered := [q for q in self.memory.questions() if not self.memory.answered(q)]):
                    break
                self._answer(unanswered)
            else:
                raise AssertionError("it asks for ever")
        except Trouble as trouble:
            note(f"trouble: {trouble}")
        except Died:
            self.restart()
        else:
            self.view.rest()
        note(f"calls: {self.line.calls}")
        return [call for call in self.line.calls if not call.startswith("read ")]

    def _answer(self, questions: Collection[Question[Any]]) -> None:
        for question in questions:
            down = self.outside[question.connection].down if question.connection in self.outside else False
            answer = Unavailable(START, "the outside is down") if down else self.answers.get(question, self.fact(question))
            self.memory.learn([Answered(question, answer)])


def children_of(life: Life, *kinds: str) -> list[dict[str, Any]]:
    """What the life's object controls now."""
    return life.cluster.controlled(life.this["metadata"]["uid"], *kinds) if life.this else []
