"""All that is known now, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from treadle.api.reasons import Reason
from treadle.plan._refs import Ref

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Question(Generic[Answer]):
    """A fact wanted from outside. Subclasses are frozen, hashable dataclasses in `connections/<role>.py`.

    Nobody sends a question by itself: a connection collects those that are open and asks them in one batch.
    """

    connection: str


@dataclass(frozen=True)
class Unavailable:
    """An outage is an answer: the connection could not tell. Plans say it in a condition and wait.

    Attributes:
        since: when it began.
        reason: why, in words that name the connection.
        cause: why, in one word.
        stalled: a human must act; we go on asking all the same.
    """

    since: datetime
    reason: str
    cause: Reason = Reason.Unreachable
    stalled: bool = False


class Unanswered(Exception):  # noqa: N818  (not an error: the engine parks the key until an answer came)
    """Raised by `World.ask` for a question that was never answered since the process started. Silence is not an answer."""

    def __init__(self, question: Question[Any]) -> None:
        super().__init__(f"never answered yet: {question}")
        self.question = question


class World(Protocol):
    """All that is known now, in memory. Reading is subscribing: whoever read something is woken when it changes."""

    def get(self, ref: Ref) -> Mapping[str, Any] | None:
        """The object as it is known now, or None when it does not exist. Never mutate it."""

    def owned(self, uid: str, kind: str) -> Sequence[Mapping[str, Any]]:
        """Objects of `kind` whose controller ownerReference names this uid, sorted by name."""

    def labelled(self, kind: str, namespace: str, label: str, value: str) -> Sequence[Mapping[str, Any]]:
        """Objects of `kind` in the namespace that carry this label value, sorted by name."""

    def ask(self, question: Question[Answer]) -> Answer | Unavailable:
        """The last answer of the outside.

        Raises:
            Unanswered: when it was never answered since the process started; the engine then plans nothing for this key until it is.
            Trouble: when the connection is not configured, so that there will never be an answer.
        """
