"""The one error that clients raise."""

from treadle.api.reasons import Reason
from treadle.plan._plan import Condition


class Trouble(Exception):  # noqa: N818  (worded for people: "in trouble")
    """The outside said no, or nothing. Worded as the condition that tells it to people; always retried with backoff."""

    def __init__(self, reason: Reason, message: str, *, stalled: bool = False) -> None:
        super().__init__(f"{reason}: {message}")
        self.condition = Condition("Reconciled", False, reason, message, stalled)
