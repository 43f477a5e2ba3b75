"""Waiting for something real, with a deadline and a last word."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], *, timeout: float, describe: Callable[[], object] = lambda: "", every: float = 0.5) -> Found:
    """The first true answer of `look`.

    Raises:
        AssertionError: none within `timeout` seconds; the message holds what `describe` said last.
    """
    deadline = time.monotonic() + timeout
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {timeout:.0f} s: {describe()}")
        time.sleep(every)
    return found
