"""Many requests at once: stores answer slowly, and sixteen at a time take a sixteenth of the time. Never more at once than fit into memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

SIDE_BY_SIDE = 16
AHEAD = 1000
"""So many of a list are begun before the first of them has to be done, so that a slow one does not hold up the others."""

Given = TypeVar("Given")
Found = TypeVar("Found")


def in_turn(work: Callable[[Given], Found], given: Iterable[Given], *, at_once: int = SIDE_BY_SIDE, ahead: int = 0) -> Iterator[Found]:
    """What the work makes of each, in their order, one after the other as they are asked for.

    Whatever is asked for slowly is not made faster: no more than `ahead` are begun and not yet handed on, so that of very many contents only these
    are held. The first failure ends all of it; what has not begun then never does, and neither does it when nobody asks any more.

    Args:
        work: is done by several threads at a time.
        given: is read no further ahead than that.
        at_once: how many threads.
        ahead: how many may be begun and not yet handed on; at least one for each thread, which is what it is without a word.
    """
    most = max(ahead, at_once)
    begun: deque[Future[Found]] = deque()
    pool = ThreadPoolExecutor(at_once)
    try:
        for each in given:
            begun.append(pool.submit(work, each))
            if len(begun) == most:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def side_by_side(work: Callable[[Given], Found], given: Iterable[Given]) -> list[Found]:
    """The same as a list, where what is made is small, or is wanted as a whole. It is done when this returns."""
    return list(in_turn(work, given, ahead=AHEAD))
