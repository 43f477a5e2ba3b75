"""What people see while the demo runs: finished stages, what happens now, what comes next; plain lines when there is no terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


class View:
    """A growing list of stages. Methods may be called from several threads."""

    def __init__(self, started: float) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._started = started
        self._done: list[Text] = []
        self._now = ""
        self._detail = ""
        self._begun = started
        self._next = ""
        self._live = (
            Live(get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True) if self._console.is_terminal else None
        )

    def __enter__(self) -> "View":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def stage(self, name: str, what: str, fact: str, then: str) -> Iterator[None]:
        """Show a stage as running until the block ends; `fact` is what holds afterwards, `then` names the next stage."""
        self.begin(name, what, then)
        yield
        self.finish(name, fact)

    def begin(self, name: str, what: str, then: str = "") -> None:
        """A stage starts."""
        self._now, self._detail, self._next, self._begun = name, what, then, time.monotonic()
        if not self._live:
            self._console.print(f"[{self._clock()}] {name}: {what}")

    def say(self, line: str) -> None:
        """What the running stage does now."""
        if line == self._detail:
            return
        self._detail = line
        if not self._live:
            self._console.print(f"[{self._clock()}]   {line}")

    def finish(self, name: str, what: str) -> None:
        """A stage is done; `what` is the fact to remember of it."""
        line = Text.assemble(("  ✓ ", "green"), (f"{name:<20}", "bold"), f" {what} ", (f"{time.monotonic() - self._begun:.0f} s", "dim"))
        self._console.print(line)

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:02}:{seconds % 60:02}"

    def _render(self) -> Group:
        running = time.monotonic() - self._begun
        lines = [Spinner("dots", Text.assemble((f"{self._now:<20}", "bold"), f" {self._detail} ", (f"{running:.0f} s", "dim")))]
        tail = f"    {self._clock()} since the start" + (f" · next: {self._next}" if self._next else "")
        return Group(*lines, Text(tail, style="dim"))
