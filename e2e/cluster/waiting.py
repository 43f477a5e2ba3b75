"""Waiting for something to become true, always with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

from e2e.cluster.problem import Ended, Problem

Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], *, timeout: float, remedy: str = "", every: float = 0.1) -> Found:
    """The first answer of `look` that counts as true.

    Args:
        what: Ends the sentence "... did not happen within N s: ".
        look: Asked again and again; a `Problem` it raises is an answer that may still change.
        timeout: Seconds.
        remedy: What the reader should do.
        every: Seconds between two looks.

    Raises:
        Problem: The time is over, or `look` says that waiting is in vain.
    """
    deadline, last = time.monotonic() + timeout, ""
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except Ended:
            raise
        except Problem as problem:
            last = f" ({problem})"
        time.sleep(every)
    raise Problem(f"{what} did not happen within {timeout:.0f} s{last}. {remedy}".rstrip())
