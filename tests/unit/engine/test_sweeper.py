from collections.abc import Collection, Mapping
from typing import Any

from tests.unit.engine.clocks import Ticks
from tests.unit.engine.test_lease import Coordination, candidate
from treadle.connections.installation import Owner
from treadle.connections.tracking import CloseTrackingRun, OpenRun, OpenTrackingRuns
from treadle.engine._sweeper import Sweeper
from treadle.plan import Effect, Object, Question, Ref


class Tracker:
    def __init__(self, *runs: OpenRun) -> None:
        self.runs = runs
        self.closed: list[str] = []

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        return {q: tuple(run for run in self.runs if run.id not in self.closed) for q in questions if isinstance(q, OpenTrackingRuns)}

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        assert isinstance(effect, CloseTrackingRun)
        assert str(effect.status) == "KILLED"
        self.closed.append(effect.run_id)
        return {}

    async def close(self) -> None: ...


class Setting:
    """A cluster in which the sweeper looks: what the cache knows, what there is, and how often it was listed."""

    def __init__(self, tracker: Tracker, namespaces: Collection[str] = ()) -> None:
        self.known: dict[Ref, Object] = {}
        self.live: dict[Ref, Object] = {}
        self.listed = 1
        self.tracker = tracker
        self.namespaces = namespaces

    async def read(self, ref: Ref) -> Object | None:
        return self.live.get(ref)

    async def sweeper(self) -> Sweeper:
        lease = candidate(Coordination(), Ticks(), "a")
        await lease._take_or_renew()
        return Sweeper(
            "mlflow/default",
            self.tracker,
            installation="here",
            namespaces=self.namespaces,
            known=self.known.get,
            live=self.read,
            lists=lambda kind: self.listed,
            lease=lease,
        )


def run_of(name: str, uid: str = "u1", installation: str = "here", namespace: str = "ml") -> OpenRun:
    return OpenRun(f"run-{name}", "7", Owner(installation, namespace, name, uid))


def this(name: str, uid: str = "u1") -> tuple[Ref, Object]:
    return Ref("TrainingRun", "ml", name), {"metadata": {"name": name, "namespace": "ml", "uid": uid}}


async def test_a_run_whose_object_is_gone_is_closed_two_lists_later_and_not_sooner() -> None:
    setting = Setting(Tracker(run_of("gone")))
    sweeper = await setting.sweeper()
    assert await sweeper.sweep() == []
    assert await sweeper.sweep() == []
    setting.listed += 1
    assert await sweeper.sweep() == []
    setting.listed += 1
    assert await sweeper.sweep() == ["run-gone"]
    assert await sweeper.sweep() == []


async def test_a_run_whose_object_is_there_is_left_alone() -> None:
    setting = Setting(Tracker(run_of("here")))
    setting.known.update([this("here")])
    sweeper = await setting.sweeper()
    for _ in range(4):
        assert await sweeper.sweep() == []
        setting.listed += 1


async def test_a_run_of_an_earlier_object_of_the_same_name_is_closed() -> None:
    setting = Setting(Tracker(run_of("again", uid="old")))
    setting.known.update([this("again", uid="new")])
    setting.live.update([this("again", uid="new")])
    sweeper = await setting.sweeper()
    await sweeper.sweep()
    setting.listed += 2
    assert await sweeper.sweep() == ["run-again"]


async def test_a_live_read_has_the_last_word() -> None:
    setting = Setting(Tracker(run_of("hidden")))
    setting.live.update([this("hidden")])
    sweeper = await setting.sweeper()
    await sweeper.sweep()
    setting.listed += 2
    assert await sweeper.sweep() == []


async def test_an_object_that_comes_back_is_suspected_anew() -> None:
    setting = Setting(Tracker(run_of("flaky")))
    sweeper = await setting.sweeper()
    await sweeper.sweep()
    setting.known.update([this("flaky")])
    setting.listed += 2
    assert await sweeper.sweep() == []
    setting.known.clear()
    assert await sweeper.sweep() == []


async def test_runs_of_other_installations_and_of_namespaces_that_are_not_watched_are_never_touched() -> None:
    setting = Setting(Tracker(run_of("a", installation="there"), run_of("b", namespace="other")), namespaces=["ml"])
    sweeper = await setting.sweeper()
    for _ in range(4):
        assert await sweeper.sweep() == []
        setting.listed += 1


async def test_a_second_run_of_an_object_that_is_tracked_as_another_is_closed() -> None:
    setting = Setting(Tracker(run_of("late")))
    ref, owner = this("late")
    setting.known[ref] = setting.live[ref] = owner | {"status": {"tracking": {"id": "run-first"}}}
    sweeper = await setting.sweeper()
    assert await sweeper.sweep() == []
    setting.listed += 2
    assert await sweeper.sweep() == ["run-late"]


async def test_the_run_that_its_object_is_tracked_as_is_left_alone() -> None:
    setting = Setting(Tracker(run_of("own")))
    ref, owner = this("own")
    setting.known[ref] = setting.live[ref] = owner | {"status": {"tracking": {"id": "run-own"}}}
    sweeper = await setting.sweeper()
    for _ in range(4):
        assert await sweeper.sweep() == []
        setting.listed += 1
