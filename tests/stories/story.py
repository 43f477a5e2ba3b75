"""Stories: the goldens of Treadle. A title, moments on a timeline, and under each what the operator would do and say.

A story runs the real `reconcile` over a world in memory. `check` compares its text with the golden file, then tells it again with a crash before and
after each action and status write; the world after the moment of the crash must be the same as without it. Then all that follows is the same too,
since each moment is looked at by a fresh operator that knows nothing but the world. Each plan that is made is held against `contract.py`.

    story = Story("A run is launched once", kind, make_run("digits"))
    story.at("0s", "applied")
    story.at("3s", "its pod is ready", digits_1=running())
    story.at("9m", "MLflow is down", answers={TrackingRunState(...): Unavailable(...)})
    story.check("training/launched_once.yaml")

A keyword names an object (underscores stand for dashes): a mapping with `kind` is put as a whole, another one is merged into the object of that name,
None removes it; where several have one name, the kind leads: `Deployment__digits`. `this` is merged into the story's own object; a change of its
spec counts up its generation. A question that the story never answered has the answer None. Write goldens anew with TREADLE_UPDATE_STORIES=1.
"""

import asyncio
import copy
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.stories import sight
from tests.stories.contract import guarded
from treadle.engine._dry import DryExecutor, told
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Fact, Gone, Seen
from treadle.engine._reconcile import reconcile
from treadle.plan import Action, Kind, Object, Question, Ref, Trouble, ref_of

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline: when, what happens, and how it changes the world."""

    after: str
    text: str
    objects: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    whole: tuple[Mapping[str, Any], ...] = ()
    this: Mapping[str, Any] | None = None
    recreated: Object | None = None
    answers: Mapping[Question[Any], object] = field(default_factory=dict)

    @property
    def time(self) -> datetime:
        """The moment on the clock."""
        return START + sum((timedelta(seconds=int(n) * UNITS[u]) for n, u in re.findall(r"(\d+)([smhd])", self.after)), timedelta())


class Crash(Exception):
    """The operator dies here."""


class Truth:
    """The world outside the operator: it survives a crash. What it holds is replaced, never changed, so that copies share it."""

    def __init__(self) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
        self.answers: dict[Question[Any], object] = {}
        self.versions = 0

    def copy(self) -> "Truth":
        """A world of its own from here on."""
        other = Truth()
        other.objects, other.answers, other.versions = dict(self.objects), dict(self.answers), self.versions
        return other

    def put(self, this: Mapping[str, Any]) -> None:
        self.versions += 1
        made = copy.deepcopy(dict(this))
        uid = f"uid-{made['kind']}-{made['metadata']['name']}".lower()
        made["metadata"] = {"uid": uid} | made["metadata"] | {"resourceVersion": str(self.versions)}
        made["metadata"].setdefault("creationTimestamp", START.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.objects[ref_of(made)] = made

    def learn(self, facts: Iterable[Fact]) -> list[Fact]:
        """What an action did, done to the truth; returned as the operator learns it."""
        learnt: list[Fact] = []
        for fact in facts:
            match fact:
                case Seen(this):
                    self.put(this)
                    learnt.append(Seen(self.objects[ref_of(this)]))
                case Gone(ref, uid):
                    if uid is None or (ref in self.objects and self.objects[ref]["metadata"]["uid"] == uid):
                        self._collect(str(self.objects.pop(ref)["metadata"]["uid"]))
                    learnt.append(fact)
                case Answered(question, answer):
                    self.answers[question] = answer
                    learnt.append(fact)
        return learnt

    def remove(self, ref: Ref) -> None:
        self._collect(str(self.objects.pop(ref)["metadata"]["uid"]))

    def _collect(self, uid: str) -> None:
        """Garbage collection: what the gone object controlled goes too."""
        for ref, this in tuple(self.objects.items()):
            if ref in self.objects and any(r["uid"] == uid for r in this["metadata"].get("ownerReferences") or ()):
                self.remove(ref)

    def snapshot(self) -> dict[str, Any]:
        """What must be the same with and without a crash: everything but versions."""
        objects = {}
        for ref, this in self.objects.items():
            metadata = {k: v for k, v in this["metadata"].items() if k not in ("resourceVersion", "generation")}
            objects[str(ref)] = {**this, "metadata": metadata}
        return {"objects": objects, "answers": {str(q): a for q, a in self.answers.items() if a is not None}}


class StoryExecutor:
    """The dry executor, with a truth behind it and perhaps a crash before or after one of its calls."""

    def __init__(self, truth: Truth, now: datetime, crash: "Crashing") -> None:
        self._dry = DryExecutor(now, truth.objects.get)
        self._truth = truth
        self._crash = crash
        self.lines = self._dry.lines

    async def carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        self._crash.before()
        learnt = self._truth.learn(await self._dry.carry_out(action, this))
        self._crash.after()
        return learnt

    async def write_status(self, this: Object, status: Mapping[str, Any]) -> Iterable[Fact]:
        self._crash.before()
        learnt = self._truth.learn(await self._dry.write_status(this, status))
        self._crash.after()
        return learnt


@dataclass
class Crashing:
    """Counts calls; raises Crash before or after the call number `at` (from 1)."""

    at: int | None = None
    late: bool = False
    calls: int = 0

    def before(self) -> None:
        self.calls += 1
        if self.calls == self.at and not self.late:
            raise Crash

    def after(self) -> None:
        if self.calls == self.at and self.late:
            raise Crash


class Told(NamedTuple):
    """A moment as it was told: its lines, the world after and before it, and which calls it made (first exclusive)."""

    title: str
    lines: tuple[str, ...]
    world: dict[str, Any]
    before: Truth
    first: int
    last: int


class Story:
    """A title, one object of a kind, and moments. `others` are objects that exist from the beginning."""

    def __init__(
        self, title: str, kind: Kind[Any], this: Object, *, others: Iterable[Object] = (), answers: Mapping[Question[Any], object] | None = None
    ) -> None:
        self.title, self.kind, self.first = title, guarded(kind), this
        self.others, self.answers = tuple(others), dict(answers or {})
        self.moments: list[Moment] = []

    def at(
        self,
        after: str,
        text: str,
        *,
        objects: Iterable[Mapping[str, Any]] = (),
        this: Mapping[str, Any] | None = None,
        recreated: Object | None = None,
        answers: Mapping[Question[Any], object] | None = None,
        **named: Mapping[str, Any] | None,
    ) -> None:
        """Add a moment; see the module. `recreated`: the story's own object is deleted and this one made in its place, with another uid."""
        by_name = {name.replace("_", "-"): value for name, value in named.items()}
        self.moments.append(Moment(after, text, by_name, tuple(objects), this, recreated, dict(answers or {})))

    def tell(self) -> dict[str, list[str]]:
        """The story without a crash: lines by moment."""
        return {told_.title: list(told_.lines) for told_ in self._told(Crashing())}

    def objects(self) -> dict[str, Any]:
        """The objects that there are at the end."""
        found: dict[str, Any] = self._told(Crashing())[-1].world["objects"]
        return found

    def check(self, golden: str) -> None:
        """Compare with the golden file (path under tests/stories), then tell each moment again with every crash.

        Raises:
            AssertionError: if the text differs, or the world after a crashed moment does.
        """
        moments = self._told(Crashing())
        text = yaml.safe_dump({self.title: {t.title: list(t.lines) for t in moments}}, sort_keys=False, width=220, allow_unicode=True)
        path = HERE / golden
        if os.environ.get("TREADLE_UPDATE_STORIES"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{golden} does not exist; write it with TREADLE_UPDATE_STORIES=1"
        assert text == path.read_text(), f"{golden} differs:\n{text}"
        self._crash_everywhere(moments)

    def crash_everywhere(self) -> None:
        """Tell each moment again with a crash before and after each of its calls.

        Raises:
            AssertionError: if the world after a crashed moment differs.
        """
        self._crash_everywhere(self._told(Crashing()))

    def _crash_everywhere(self, moments: list[Told]) -> None:
        for moment, (title, _, world, before, first, last) in zip(self.moments, moments, strict=True):
            for call in range(1, last - first + 1):
                for late in (False, True):
                    truth = before.copy()
                    self._lines(truth, moment, Crashing(call, late))
                    assert truth.snapshot() == world, (
                        f"{self.title}: after a crash {'after' if late else 'before'} call {call} at {title!r} the world differs"
                    )

    def _told(self, crashing: Crashing) -> list[Told]:
        truth = Truth()
        for this in (*self.others, self.first):
            truth.put({**this, "metadata": {"generation": 1, **this["metadata"]}})
        truth.answers.update(self.answers)
        result = []
        for moment in self.moments:
            self._change(truth, moment)
            before, first = truth.copy(), crashing.calls
            lines = self._lines(truth, moment, crashing)
            if (left := truth.objects.get(ref_of(self.first))) is not None:
                sight.held(left)
            result.append(Told(f"{moment.after}, {moment.text}", lines, truth.snapshot(), before, first, crashing.calls))
        return result

    def _change(self, truth: Truth, moment: Moment) -> None:
        for this in moment.whole:
            truth.put(this)
        for name, change in moment.objects.items():
            if change and "kind" in change:
                truth.put(change)
                continue
            kind, _, own_name = name.rpartition("--")
            (ref,) = [r for r in truth.objects if r.name == own_name and kind in ("", r.kind) and r != ref_of(self.first)]
            if change is None:
                truth.remove(ref)
            else:
                truth.put(merged(truth.objects[ref], change))
        own = ref_of(self.first)
        if moment.this is not None:
            changed = merged(truth.objects[own], moment.this)
            if changed.get("spec") != truth.objects[own].get("spec"):
                changed["metadata"]["generation"] = changed["metadata"].get("generation", 1) + 1
            truth.put(changed)
        if moment.recreated is not None:
            if own in truth.objects:
                truth.remove(own)
            truth.put({**moment.recreated, "metadata": {"generation": 1, **moment.recreated["metadata"]}})
        truth.answers.update(moment.answers)

    def _lines(self, truth: Truth, moment: Moment, crashing: Crashing) -> tuple[str, ...]:
        """One moment: a fresh operator looks, asks what it wants to know, acts and speaks; after a crash another one does."""
        while True:
            executor = StoryExecutor(truth, moment.time, crashing)
            try:
                return self._looked(truth, moment, executor)
            except Crash:
                continue

    def _looked(self, truth: Truth, moment: Moment, executor: StoryExecutor) -> tuple[str, ...]:
        memory = Memory([self.kind.name])
        memory.learn([Seen(this) for this in truth.objects.values()])
        view = memory.view(ref_of(self.first))
        for _ in range(20):
            try:
                wake_at = asyncio.run(reconcile(self.kind, view, executor, lambda: moment.time))
            except Trouble as trouble:
                return (*executor.lines, f"trouble: {trouble}")
            if not (open_ := [q for q in memory.questions() if not memory.answered(q)]):
                return told(executor.lines, wake_at, moment.time)
            memory.learn([Answered(question, truth.answers.get(question)) for question in open_])
        raise AssertionError(f"{self.title}: {moment.text}: asks for ever")


def merged(this: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch, applied to a copy."""
    result = copy.deepcopy(dict(this))
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key) or {}, value) if isinstance(value, Mapping) else copy.deepcopy(value)
    return result
