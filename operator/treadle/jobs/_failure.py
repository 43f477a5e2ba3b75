"""The one error that Jobs raise on purpose: why the work cannot be done, and whether the same again may work."""

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode


class JobFailure(Exception):  # noqa: N818  (worded for people)
    """Ends the Job with this reason and message in its termination message, and with this exit code."""

    def __init__(self, reason: Reason, message: str, exit_code: ExitCode = ExitCode.BAD_INPUT) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.exit_code = exit_code


def unavailable(message: str, reason: Reason = Reason.Unreachable) -> JobFailure:
    """An outside system does not answer, or not now."""
    return JobFailure(reason, message, ExitCode.UNAVAILABLE)
