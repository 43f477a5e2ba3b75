"""The loop: act until nothing is left to do, then speak; stop when there is neither."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from treadle.engine._ports import Executor, Knowledge, Moved
from treadle.engine._status import interrupted, settle
from treadle.plan import Kind, Object, Trouble, Unanswered

ROUNDS = 10


async def reconcile(kind: Kind[Any], world: Knowledge, executor: Executor, clock: Callable[[], datetime]) -> datetime | None:
    """Bring one object to where its plan wants it.

    Returns:
        When to look again at the latest; None when only a change can bring news (also while a question was never answered).

    Raises:
        Trouble: the outside said no, or nothing; it is told in the status already, the caller backs off.
        AssertionError: a bug in a kind: its plan does not settle.
    """
    plan = None
    for _ in range(ROUNDS):
        if (this := world.look()) is None:
            return None
        now = clock()
        try:
            plan = kind.plan(kind.observe(this, world), now)
        except Unanswered:
            return None
        except Trouble as trouble:
            await _tell(world, executor, this, interrupted(this, kind, now, trouble.condition))
            raise
        try:
            if todo := [action for action in plan.actions if not world.done(action)]:
                for action in todo:
                    world.learn(await executor.carry_out(action, this))
                continue  # the world moved: look again before speaking
            if (status := settle(this, plan, kind, now)) is None:  # nothing new to say either
                return plan.wake_at
            if not (facts := tuple(await executor.write_status(this, status))):
                return plan.wake_at  # an older server keeps less than is said: it would not help to say it again
            world.learn(facts)  # what waited to be remembered may happen now
        except Moved as moved:
            world.learn(moved.facts)
            return now
        except Trouble as trouble:
            await _tell(world, executor, this, settle(this, plan, kind, now, trouble.condition))
            raise
    raise AssertionError(f"{kind.name} does not settle: {plan}")


async def _tell(world: Knowledge, executor: Executor, this: Object, status: Mapping[str, Any] | None) -> None:
    if status is None:
        return
    try:
        world.learn(await executor.write_status(this, status))
    except Moved as moved:
        world.learn(moved.facts)
