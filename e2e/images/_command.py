"""Run the programs that build images: their output goes to a log, a failure becomes one sentence, a silent wait becomes progress."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.images import _cache
from e2e.images._image import ImageError, Progress

EVERY = 20.0
"""Seconds between two lines that say a step is still going on."""


@dataclass(frozen=True)
class Work:
    """The making of one thing (an image, the base): where its programs log and report."""

    name: str
    progress: Progress
    started: float

    @classmethod
    def begin(cls, name: str, progress: Progress) -> Work:
        """Start with an empty log."""
        work = cls(name, progress, time.monotonic())
        work.log.write_text("")
        return work

    @property
    def log(self) -> Path:
        """The file that holds all output of the programs."""
        return _cache.folder("logs") / f"{self.name}.log"

    def say(self, text: str) -> None:
        """Report a line, with the seconds since this work began."""
        self.progress(f"{self.name}: {text} ({time.monotonic() - self.started:.0f} s)")

    def run(self, *command: str, doing: str, limit: float = 900, quick: bool = False) -> str:
        """Run a program to its end and return its standard output.

        `doing` tells people what happens, such as "installing 91 packages"; a quick one is reported only if it is not quick after
        all. `limit` is in seconds.

        Raises:
            ImageError: the program failed or took longer than its limit; the message ends in its last lines.
        """
        if not quick:
            self.say(doing)
        with self.log.open("a") as log, _process(command, log.fileno()) as process:
            deadline = time.monotonic() + limit
            while True:
                try:
                    output, _ = process.communicate(timeout=EVERY)
                    break
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        raise ImageError(f"{self.name}: {doing} took longer than {limit:.0f} s; see {self.log}.") from None
                    self.say(f"still {doing}")
            log.write(output)
        if process.returncode:
            last = "\n".join(self.log.read_text().splitlines()[-15:])
            raise ImageError(f"{self.name}: {doing} failed (exit code {process.returncode}); see {self.log}. Its last lines:\n{last}")
        return output


@contextlib.contextmanager
def _process(command: Sequence[str], log: int) -> Iterator[subprocess.Popen[str]]:
    """Start a program and end it if we leave before it; it shares our terminal, so an interrupt reaches it as well."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
