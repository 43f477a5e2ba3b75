"""True labels that callers learn later: how often the model was right, counted per version that answered.

Whoever sends an `id` with a request gets back a `feedback_id`. It holds what was answered and by which version, so that any pod understands it: none
needs to remember requests. It is not signed; who may ask the model may also say how well it answered.
"""

import base64
import binascii
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treadle.contracts.drift import VERSION, VERSIONS_LIMIT, WINDOWS_KEPT, LabelledAnswers
from treadle.runtime._errors import Refused
from treadle.runtime._metrics import RuntimeMetrics
from treadle.runtime._traffic import Traffic

FEEDBACK_ID = "feedback_id"
ROWS_LIMIT = 64
"""Answers about more items get no id."""
ID_LIMIT = 16 * 1024  # characters
OTHER = "other"
"""Versions above `VERSIONS_LIMIT`, which nobody but a caller can make up, are counted together."""


def feedback_id(version: str, labels: Sequence[Any]) -> str | None:
    """What a caller sends back with the true labels; None when there are too many."""
    if len(labels) > ROWS_LIMIT:
        return None
    text = json.dumps([secrets.token_hex(4), version, [str(label) for label in labels]], separators=(",", ":"))
    told = base64.urlsafe_b64encode(text.encode()).decode()
    return told if len(told) <= ID_LIMIT else None


class TrueLabels:
    """Counts what callers tell: for good, under the order of now, and by the window in which it was told.

    Args:
        metrics: told of every label.
        traffic: likewise, for the judgement of a canary.
        seconds: length of a window; 0: none are kept.
        clock: seconds since 1970; windows are cut by it.
    """

    def __init__(self, metrics: RuntimeMetrics, traffic: Traffic, seconds: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._metrics = metrics
        self._traffic = traffic
        self._seconds = seconds
        self._clock = clock
        self._versions: set[str] = set()
        self._windows: dict[int, tuple[Counter[str], Counter[str]]] = {}

    def learn(self, body: Mapping[str, Any]) -> int:
        """Compare what was answered with what is true; how many were right.

        Raises:
            Refused: 400 when it is not understood.
        """
        version, answered = _answered(body.get("id"))
        labels = body.get("labels")
        if not isinstance(labels, list) or len(labels) != len(answered) or not all(isinstance(label, str | int) for label in labels):
            raise Refused(400, f"`labels` must be a list of {len(answered)} labels, one for each item that was asked about")
        right = sum(str(label) == answer for label, answer in zip(labels, answered, strict=True))
        self._metrics.labelled(self._named(version), right, len(labels) - right)
        self._traffic.labelled(version, right, len(labels) - right)
        self._note(self._named(version), right, len(labels))
        return right

    def told(self, through: int) -> tuple[LabelledAnswers, ...]:
        """What was told in the last whole windows up to the one numbered `through`, by version."""
        right: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        for number, (of_them, all_) in self._windows.items():
            if through - WINDOWS_KEPT < number <= through:
                right += of_them
                labels += all_
        return tuple(LabelledAnswers(version=version, right=right[version], labels=labels[version]) for version in sorted(labels))

    def _note(self, version: str, right: int, labels: int) -> None:
        if not self._seconds or version == OTHER:
            return
        current = int(self._clock() // self._seconds)
        if current not in self._windows:
            self._windows = {number: counts for number, counts in self._windows.items() if number >= current - WINDOWS_KEPT}
        of_them, all_ = self._windows.setdefault(current, (Counter(), Counter()))
        of_them[version] += right
        all_[version] += labels

    def _named(self, version: str) -> str:
        if version not in self._versions and len(self._versions) >= VERSIONS_LIMIT:
            return OTHER
        self._versions.add(version)
        return version


def _answered(said: object) -> tuple[str, list[str]]:
    """The version and the labels that an id holds."""
    wrong = Refused(400, f"`id` must be the `{FEEDBACK_ID}` of an answer")
    if not isinstance(said, str) or len(said) > ID_LIMIT:
        raise wrong
    try:
        _, version, labels = json.loads(base64.b64decode(said, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise wrong from error
    if not isinstance(version, str) or not re.fullmatch(VERSION, version):
        raise wrong
    if not isinstance(labels, list) or not 0 < len(labels) <= ROWS_LIMIT or not all(isinstance(label, str) for label in labels):
        raise wrong
    return version, labels


__all__ = ["FEEDBACK_ID", "TrueLabels", "feedback_id"]
