"""One timer for all requests: each has the same time, so that the first to come is the first to be late. One for each costs as much as reading it."""

import asyncio
from types import TracebackType


class Deadline:
    """The time of one request: what the task does within the block is cancelled when it is over.

    Raises:
        TimeoutError: at the end of the block, when the time was over before.
    """

    __slots__ = ("_all", "_cancelling", "at", "late", "task")

    def __init__(self, among: "Deadlines", task: "asyncio.Task[object]", at: float) -> None:
        self._all, self.task, self.at, self.late = among, task, at, False
        self._cancelling = task.cancelling()

    def __enter__(self) -> "Deadline":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._all.over(self)
        # Somebody else may have cancelled the task too; then it ends by that.
        if self.late and self.task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Deadlines:
    """The requests that are under way, the oldest first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Deadline:
        """The time of this task's request begins."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "requests are answered by tasks"
        deadline = Deadline(self, task, loop.time() + self._seconds)
        self._open[deadline] = None
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._ring)
        return deadline

    def over(self, deadline: Deadline) -> None:
        """The request is answered, or given up."""
        self._open.pop(deadline, None)

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for deadline in list(self._open):
            if deadline.at > now:
                self._timer = loop.call_at(deadline.at, self._ring)
                return
            deadline.late = True
            deadline.task.cancel()
            self.over(deadline)
