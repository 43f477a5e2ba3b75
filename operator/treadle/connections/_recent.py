"""A memory of bounded size for what a client learnt: it is only ever cheaper to know, never wrong to have forgotten."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

LIMIT = 10_000


class Recent(Generic[Key, Value]):
    """The entries that were set or asked for last.

    Args:
        limit: how many are kept.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """What is remembered under the key."""
        if key not in self._kept:
            return None
        self._kept[key] = self._kept.pop(key)  # a dict keeps the order in which keys were put
        return self._kept[key]

    def put(self, key: Key, value: Value) -> Value:
        """Remember, and return, the value."""
        self._kept.pop(key, None)
        self._kept[key] = value
        while len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]
        return value

    def forget(self, key: Key) -> None:
        """Forget what is remembered under the key."""
        self._kept.pop(key, None)
