"""Counts what the model is given and what it answers into the bins of its reference, window by window. No request waits for it.

Requests leave what the model was given in a small queue; once a second the queue is emptied and counted, all at once. What comes while it is full is
passed over and only counted as that: a sample of a busy pod's traffic tells as much.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from treadle.contracts.drift import WINDOWS_KEPT, DriftReport
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.sketch import CategorySketch, FeatureSketch, Reference, Sketch
from treadle.predictors import Model, Prediction, feature_columns, joined
from treadle.runtime._first_window import Columns, FirstWindow
from treadle.runtime._metrics import RuntimeMetrics
from treadle.statistics.drift import stability_index
from treadle.statistics.sketches import counted, places

logger = logging.getLogger("treadle.runtime")

REQUESTS_LIMIT = 100
"""Requests that wait to be counted; as many are counted per second at most."""
NUMBERS_LIMIT = 2_000_000
"""Numbers that wait to be counted: 16 MB."""
SURELY = 4.0
"""Standard deviations: a bin that seems frequent by chance is not."""
REFERENCE_LIMIT = 8 << 20
"""A reference larger than this, in bytes, is not read."""

LEARNING = "no reference was stored with the model: each pod takes its first whole window with 200 requests for one"

Seen = tuple[Any, Columns]


class Drift:
    """What one pod counts. Empty-handed where nothing is watched.

    Args:
        spec: who this pod is, and the length of a window.
        metrics: told how far each whole window is from the reference.
        clock: seconds since 1970; windows are cut by it.
    """

    def __init__(self, spec: RuntimeSpec, metrics: RuntimeMetrics, clock: Callable[[], float] = time.time) -> None:
        self._spec = spec
        self._metrics = metrics
        self._clock = clock
        self._reference, self._trouble = _reference(spec)
        self._first = FirstWindow(sensitive=spec.sensitive) if spec.drift_seconds and self._reference is None else None
        self._began: int | None = None
        self._windows: dict[int, Sketch] = {}
        self._waiting: list[Seen] = []
        self._numbers = 0
        self._passed_over = 0
        self._frequent: dict[str, NDArray[np.bool_]] = {}
        self._lock = threading.Lock()

    @property
    def watches(self) -> bool:
        """Whether anything is counted."""
        return self._reference is not None or self._first is not None

    def seen(self, model: Model, prediction: Prediction) -> None:
        """Note an answer, to be counted later. Called from any thread; returns at once."""
        if not self.watches:
            return
        size = int(getattr(prediction.given, "size", 0))
        with self._lock:
            if len(self._waiting) < REQUESTS_LIMIT and self._numbers + size <= NUMBERS_LIMIT:
                self._waiting.append((prediction.given, model.answer_columns(prediction)))
                self._numbers += size
                return
            self._passed_over += 1
        self._metrics.passed_over.inc()

    def count(self) -> None:
        """Count what waits into the window of now. Not on the event loop: it takes a few milliseconds."""
        with self._lock:
            waiting, self._waiting, self._numbers = self._waiting, [], 0
        try:
            if self._reference is not None:
                self._add(self._reference.emptied(), waiting)
            elif self._first is not None:
                self._learn(self._first, waiting)
        except (ValueError, TypeError) as error:  # values of another kind than the reference's, which only a model without a signature lets through
            logger.warning("%d requests are not counted for drift: %s", len(waiting), type(error).__name__)

    def _learn(self, first: FirstWindow, waiting: Sequence[Seen]) -> None:
        """Without a reference, what is met until a window has ended becomes it."""
        current = self._window()
        if self._began is not None and current > self._began and (reference := first.reference()):
            self._reference, self._trouble, self._first = reference, "", None
            self._add(reference.emptied(), waiting)
        elif waiting:
            self._began = current if self._began is None else self._began
            first.add(*_columns(waiting))

    def _add(self, empty: Sketch, waiting: Sequence[Seen]) -> None:
        added, current = _counted(empty, waiting) if waiting else None, self._window()
        with self._lock:
            began, last = current not in self._windows, max((number for number in self._windows if number < current), default=None)
            whole = self._windows.get(last) if began and last is not None else None
            window = self._windows.get(current, empty)
            self._windows[current] = window.merged(added) if added else window
            self._windows = {number: sketch for number, sketch in self._windows.items() if number >= current - WINDOWS_KEPT}
        if whole:
            self._tell(whole)
            self._frequent = _frequent(self._reference.features, whole.features) if self._reference else {}

    def typical(self) -> Mapping[str, Any]:
        """A value of each feature that says little: the middle of its reference, of a category the most frequent one."""
        return {name: _middle(one) for name, one in self._reference.features.items()} if self._reference else {}

    def unusual(self, features: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Which rows have a value that has become much more frequent than in the reference, by the last whole window."""
        marks = [
            frequent[places(self._reference.features[name], features[name])]
            for name, frequent in self._frequent.items()
            if self._reference and name in features
        ]
        return np.any(marks, axis=0) if marks else np.zeros(0, dtype=np.bool_)

    def report(self, since: int) -> DriftReport:
        """What was counted in the whole windows after the one numbered `since`."""
        through = max(0, self._window() - 1) if self._spec.drift_seconds else 0
        with self._lock:
            fresh = [sketch for number, sketch in self._windows.items() if since < number <= through and sketch.items]
        window = fresh[0] if fresh else None
        for sketch in fresh[1:]:
            window = window.merged(sketch) if window else sketch
        return DriftReport(
            namespace=self._spec.namespace,
            deployment=self._spec.deployment,
            revision=self._spec.revision,
            seconds=self._spec.drift_seconds or 1,
            through=through,
            reference=self._reference if window else None,
            window=window,
            passed_over=self._passed_over,
            trouble=self._trouble,
        )

    def _window(self) -> int:
        return int(self._clock() // (self._spec.drift_seconds or 1))

    def _tell(self, window: Sketch) -> None:
        """How far a whole window of this pod is from the reference, as metrics."""
        assert self._reference is not None
        if window.items:
            self._metrics.drifted(_indices(self._reference.features, window.features), _indices(self._reference.predictions, window.predictions))


def _columns(waiting: Sequence[Seen]) -> tuple[Columns, Columns]:
    """What the model was given and what it answered, of several requests."""
    answers = [columns for _, columns in waiting]
    predictions = {name: np.concatenate([columns[name] for columns in answers]) for name in answers[0] if all(name in columns for columns in answers)}
    return feature_columns(joined([given for given, _ in waiting])), predictions


def _counted(empty: Sketch, waiting: Sequence[Seen]) -> Sketch:
    features, predictions = _columns(waiting)
    return counted(empty, max((len(values) for values in (*features.values(), *predictions.values())), default=0), features, predictions)


def _indices(reference: Mapping[str, FeatureSketch], window: Mapping[str, FeatureSketch]) -> dict[str, float]:
    return {name: stability_index(reference[name].all_counts(), one.all_counts()) for name, one in window.items() if sum(one.all_counts())}


def _frequent(reference: Mapping[str, FeatureSketch], window: Mapping[str, FeatureSketch]) -> dict[str, NDArray[np.bool_]]:
    """Of each feature, the bins that hold more than twice what is expected, and that surely: those of a feature that has none are left out."""
    found = {}
    for name, one in window.items():
        counts, known = np.asarray(one.all_counts(), dtype=np.float64), np.asarray(reference[name].all_counts(), dtype=np.float64)
        if known.sum():
            expected = known / known.sum() * counts.sum()
            found[name] = counts > 2 * expected + SURELY * np.sqrt(expected + 1)
    return {name: marks for name, marks in found.items() if marks.any()}


def _middle(sketch: FeatureSketch) -> Any:
    if isinstance(sketch, CategorySketch):
        return max(zip(sketch.counts, sketch.values, strict=True), default=(0, ""))[1]
    below, half = 0, sum(sketch.counts) / 2
    for count, edge in zip(sketch.counts, sketch.edges, strict=False):
        below += count
        if below >= half:
            return edge
    return sketch.edges[-1] if sketch.edges else 0.0


def _reference(spec: RuntimeSpec) -> tuple[Sketch | None, str]:
    """The reference, or why there is none."""
    if not spec.drift_seconds:
        return None, "drift is not watched"
    if spec.drift_from_first_window:
        return None, LEARNING
    path = Path(spec.reference_file)
    try:
        if path.stat().st_size > REFERENCE_LIMIT:
            return None, f"the reference of drift is larger than {REFERENCE_LIMIT} bytes"
        return Reference.model_validate_json(path.read_bytes()).sketch, ""
    except FileNotFoundError:
        return None, LEARNING
    except (OSError, ValidationError) as error:
        logger.warning("the reference of drift cannot be read: %s", error)
        return None, f"the reference of drift cannot be read: {type(error).__name__}"
