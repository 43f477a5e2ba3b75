"""How long a canary is waited for before the stable version answers in its place: so that its caller still gets an answer in time."""

LEAST_SECONDS = 5.0
"""So long even a version that has only just started may take."""
TIMES = 4.0
"""Of the longest that the stable version took lately."""
FORGOTTEN = 0.99
"""Of that time, so much still counts at its next answer."""


class Patience:
    """Learns from what the stable version takes; knowing nothing it waits for half of the time that a request has, and never for longer."""

    def __init__(self, request_seconds: float) -> None:
        self._most = request_seconds / 2
        self._longest: float | None = None

    @property
    def seconds(self) -> float:
        """What the canary gets."""
        return self._most if self._longest is None else min(self._most, max(LEAST_SECONDS, TIMES * self._longest))

    def took(self, seconds: float) -> None:
        """The stable version answered, after so long."""
        self._longest = max(seconds, (self._longest or 0.0) * FORGOTTEN)


__all__ = ["LEAST_SECONDS", "Patience"]
