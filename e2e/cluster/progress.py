"""Says what is happening now and for how long, to a terminal, a log or a caller's own display."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str], None]
"""Takes one finished line, such as `building etcd (first time, about 4 min) ... 30 s`."""


def printed(line: str) -> None:
    """The usual progress: one line on stderr, flushed, so that logs stay in order."""
    print(line, file=sys.stderr, flush=True)


def silent(line: str) -> None:
    """Progress for callers that want none."""


@contextmanager
def step(progress: Progress, what: str, *, every: float = 30) -> Iterator[None]:
    """Tells `what` at once, again every `every` seconds while it lasts, and at its end how long it took."""
    start, over = time.monotonic(), threading.Event()

    def tell() -> None:
        while not over.wait(every):
            progress(f"{what} ... {time.monotonic() - start:.0f} s")

    progress(f"{what} ...")
    ticking = threading.Thread(target=tell, daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
    progress(f"{what} ... done in {time.monotonic() - start:.1f} s")
