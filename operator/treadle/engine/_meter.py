"""Counts what objects used up. They tell totals; a counter must survive that objects are deleted, and must not count twice after a restart."""

from treadle.engine._metrics import Metrics
from treadle.plan import Usage


class Meter:
    """Adds up by how much totals grew since they were seen first: what was used before this process began was counted by an earlier one."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seen: dict[str, int] = {}

    def read(self, uid: str, namespace: str, usage: Usage) -> None:
        """Take in what the object with this UID has used up to now."""
        before = self._seen.get(uid, usage.gpu_seconds)
        self._seen[uid] = usage.gpu_seconds
        self._metrics.gpu_seconds.labels(namespace, usage.project, usage.product).inc(max(usage.gpu_seconds - before, 0))

    def forget(self, uid: str) -> None:
        """The object is gone; what it used stays counted."""
        self._seen.pop(uid, None)
