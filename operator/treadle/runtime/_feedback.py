"""Keeps telling items, so that people can label them: chosen beside the requests, spooled for the container that has the keys. No request waits.

An item is what the contract of tasks knows: an image or a text. It is kept once, at most so many a day, and only while there is room in the spool.
"""

import hashlib
import os
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.contracts import Failure
from treadle.contracts.feedback import ITEM as ITEM_SUFFIX
from treadle.contracts.feedback import NOTE, TROUBLE_FILE, FeedbackNote, FeedbackSettings, When
from treadle.contracts.model import ITEM, LABEL, SCORE
from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import Model, Prediction, feature_columns
from treadle.runtime._drift import Drift
from treadle.runtime._metrics import RuntimeMetrics

WAITING_LIMIT = 100
"""Requests that wait to be looked at; as many are looked at per second at most."""
WAITING_BYTES = 32 << 20
ITEMS_LIMIT = 64
"""Items of one request that are looked at."""
SPOOLED_LIMIT = 100
"""Items in the spool; while it is full none are kept."""
ITEM_BYTES = 16 << 20
KNOWN_LIMIT = 10_000
"""Items that are known to be kept already."""
BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"RIFF": "webp",
}
"""What the files of images begin with; all else that is an item is text."""


@dataclass(frozen=True)
class _Seen:
    """An answered request."""

    items: list[bytes]
    prediction: Prediction
    disputed: bool = False


class Feedback:
    """What one pod keeps. Nothing, where the operator did not say what.

    Args:
        spec: who this pod is, and what is to be kept.
        drift: knows which values have become frequent.
        metrics: told what is kept and dropped.
        clock: seconds since 1970.
        chance: a number from 0 to 1.
    """

    def __init__(
        self,
        spec: RuntimeSpec,
        drift: Drift,
        metrics: RuntimeMetrics,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spec, self._drift, self._metrics = spec, drift, metrics
        self._clock, self._chance = clock, chance
        self._lock = threading.Lock()
        self._waiting: list[_Seen] = []
        self._bytes = 0
        self._known: OrderedDict[str, None] = OrderedDict()
        self._day, self._kept = "", 0
        self._takes_items = True

    @property
    def keeps(self) -> bool:
        """Whether anything is to be kept."""
        return self._spec.feedback is not None

    def begin(self, model: Model) -> None:
        """The model is loaded; only what takes items can be fed back."""
        self._takes_items = bool(model.items) or model.takes_texts

    def seen(self, inputs: Mapping[str, NDArray[Any]], prediction: Prediction) -> None:
        """Note an answer, to be looked at later. Called from any thread; returns at once."""
        if self._spec.feedback is not None:
            self._note(inputs, prediction)

    def disputed(self, inputs: Mapping[str, NDArray[Any]], prediction: Prediction) -> None:
        """Another version answered this request differently: its items are kept, if spec says so. Returns at once."""
        if self._spec.feedback is not None and any(choice.when == "Disputed" for choice in self._spec.feedback.choices):
            self._note(inputs, prediction, disputed=True)

    def choose(self) -> None:
        """Look at what waits, and spool what is to be kept. Not on the event loop."""
        settings = self._spec.feedback
        if settings is None:
            return
        with self._lock:
            waiting, self._waiting, self._bytes = self._waiting, [], 0
        for seen in waiting:
            for when, index in self._chosen(settings, seen):
                self._keep(settings, seen, when, index)

    def trouble(self) -> Failure | None:
        """Why nothing comes back to people, if something is to and does not."""
        if self._spec.feedback is None:
            return None
        if not self._takes_items:
            return Failure.of(Reason.SignatureNotSupported, "the model takes neither images nor texts as items: nobody could label them")
        try:
            return Failure.from_message((Path(self._spec.feedback.directory) / TROUBLE_FILE).read_text())
        except (OSError, ValueError):
            return None

    def _note(self, inputs: Mapping[str, NDArray[Any]], prediction: Prediction, *, disputed: bool = False) -> None:
        """Let its items wait, if it has any."""
        if ITEM in inputs:
            items = [item.encode() if isinstance(item, str) else item for item in inputs[ITEM].ravel()[:ITEMS_LIMIT].tolist()]
            self._wait(_Seen([item for item in items if isinstance(item, bytes)], prediction, disputed))

    def _wait(self, seen: _Seen) -> None:
        size = sum(map(len, seen.items))
        with self._lock:
            if seen.items and len(self._waiting) < WAITING_LIMIT and self._bytes + size <= WAITING_BYTES:
                self._waiting.append(seen)
                self._bytes += size
                return
        self._metrics.feedback_dropped.inc()

    def _chosen(self, settings: FeedbackSettings, seen: _Seen) -> Iterator[tuple[When, int]]:
        scores = seen.prediction.outputs.get(SCORE)
        asked = any(choice.when == "Drifted" for choice in settings.choices)
        drifted = self._drift.unusual(feature_columns(seen.prediction.given)) if asked else None
        for index in range(len(seen.items)):
            for choice in settings.choices:
                fits = {
                    "Uncertain": scores is not None and index < len(scores) and float(scores[index]) < choice.below,
                    "Drifted": drifted is not None and index < len(drifted) and bool(drifted[index]),
                    "Disputed": seen.disputed,
                    "Random": not seen.disputed and self._chance() * 100 < choice.percent,
                }
                if fits[choice.when]:
                    yield choice.when, index
                    break

    def _keep(self, settings: FeedbackSettings, seen: _Seen, when: When, index: int) -> None:
        item = seen.items[index]
        digest = hashlib.sha256(item).hexdigest()
        if digest in self._known:
            return
        now = datetime.fromtimestamp(self._clock(), UTC)
        day, directory = now.date().isoformat(), Path(settings.directory)
        if day != self._day:
            self._day, self._kept = day, 0
        if self._kept >= settings.per_day or len(item) > ITEM_BYTES or sum(1 for _ in directory.glob(f"*{NOTE}")) >= SPOOLED_LIMIT:
            self._metrics.feedback_dropped.inc()
            return
        outputs = seen.prediction.outputs
        note = FeedbackNote(
            when=when,
            at=now.isoformat(timespec="seconds"),
            deployment=f"{self._spec.namespace}/{self._spec.deployment}",
            model_version=self._spec.model_version,
            revision=self._spec.revision,
            label=str(outputs[LABEL][index]) if LABEL in outputs else None,
            score=float(outputs[SCORE][index]) if SCORE in outputs else None,
            digest=digest,
            extension=next((extension for beginning, extension in BEGINNINGS.items() if item.startswith(beginning)), "txt"),
        )
        (directory / f"{digest}{ITEM_SUFFIX}").write_bytes(item)
        partial = directory / f"{digest}.partial"
        partial.write_text(note.to_json())
        os.replace(partial, directory / f"{digest}{NOTE}")
        self._kept += 1
        self._known[digest] = None
        if len(self._known) > KNOWN_LIMIT:
            self._known.popitem(last=False)
        self._metrics.feedback_kept(when)
