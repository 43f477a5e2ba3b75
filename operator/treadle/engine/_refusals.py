"""What the API server's refusals mean, worded for people."""

from collections.abc import Mapping
from typing import Any

from treadle.api.reasons import Reason
from treadle.plan import Trouble

RETRY_AFTER_DEFAULT = 1.0


def trouble_of(status: int, body: Mapping[str, Any], what: str) -> Trouble:
    """The trouble that a refused request is.

    Args:
        status: the HTTP status.
        body: the `Status` object that came with it; empty when it was something else.
        what: the request in words, e.g. `create Job digits-1`.
    """
    message = str(body.get("message") or f"HTTP {status}")
    told = f"the API server refused to {what}: {message}"
    match status:
        case 401:
            return Trouble(Reason.Unauthorized, told, stalled=True)
        case 403 if "exceeded quota" in message:
            return Trouble(Reason.QuotaExceeded, told)
        case 403:
            return Trouble(Reason.Forbidden, told, stalled=True)
        case 404:
            return Trouble(Reason.UnexpectedAnswer, told)
        case 400 | 413 | 415 | 422:
            return Trouble(Reason.InvalidObject, told, stalled=True)
        case 429:
            return Trouble(Reason.Unreachable, f"the API server asks to slow down: {message}")
        case _ if status >= 500:
            return Trouble(Reason.Unreachable, f"the API server could not {what}: {message}")
        case _:
            return Trouble(Reason.UnexpectedAnswer, told)


def retry_after(headers: Mapping[str, str], body: Mapping[str, Any]) -> float:
    """Seconds that the server asks us to wait."""
    said = headers.get("Retry-After") or (body.get("details") or {}).get("retryAfterSeconds")
    try:
        return max(0.0, float(said)) if said is not None else RETRY_AFTER_DEFAULT
    except ValueError:
        return RETRY_AFTER_DEFAULT
