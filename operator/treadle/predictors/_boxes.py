"""Boxes that a detector answers, as its author declared them.

The author logs an ONNX graph with `metadata={"treadle.input": "image/rgb/640x640", "treadle.output": "boxes/xyxy", "treadle.labels": ["", "can"]}`.
It takes one image (height, width, channels, as `treadle.input` says) and has three outputs by name, as detectors are commonly exported: `boxes`
(left, top, right, bottom in pixels of that input; with `boxes/xywh` left, top, width, height), `labels` (places in `treadle.labels`) and `scores`.
A first dimension of 1 is passed over. A box whose label has no name is background, and left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.contracts.labels import MOST_BOXES, Box, Boxes, ImageSize
from treadle.predictors._chances import in_unit
from treadle.predictors._errors import BadInput, NotLoadable
from treadle.predictors._items import ImageItems

KEY = "treadle.output"
LABELS_KEY = "treadle.labels"
FORMS = ("boxes/xyxy", "boxes/xywh")
DIGITS = 3  # of a pixel


@dataclass(frozen=True)
class BoxOutputs:
    """The declared form of boxes.

    Attributes:
        corners: two corners rather than a corner and an extent.
        labels: names by number; an empty one is background.
    """

    corners: bool
    labels: Sequence[str]

    def read(self, outputs: Mapping[str, NDArray[Any]], items: ImageItems, size: ImageSize) -> Boxes:
        """The boxes of one image, in its own pixels; of very many those with the highest scores.

        Raises:
            BadInput: when the outputs are not as declared.
        """
        if missing := [name for name in ("boxes", "labels", "scores") if name not in outputs]:
            raise BadInput(f"the model has no output {', '.join(missing)}, which its `{KEY}` needs; it has {', '.join(outputs)}")
        scores, labels = np.asarray(outputs["scores"], dtype=np.float64).ravel(), outputs["labels"].ravel()
        places = np.asarray(outputs["boxes"], dtype=np.float64)
        if places.size != 4 * len(scores) or len(labels) != len(scores):
            raise BadInput(f"the model answers {places.size / 4:g} boxes, {len(labels)} labels and {len(scores)} scores")
        across, down = size.width / items.width, size.height / items.height
        edges = self._edges(places.reshape(-1, 4)) * np.array([across, down, across, down])
        best = np.argsort(-scores, kind="stable")
        found = (self._box(edges[at], int(labels[at]), float(scores[at]), size) for at in best)
        return Boxes(boxes=tuple(_first(found, MOST_BOXES)))

    def _edges(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        return places if self.corners else np.hstack([places[:, :2], places[:, :2] + places[:, 2:]])

    def _box(self, edges: NDArray[np.float64], label: int, score: float, size: ImageSize) -> Box | None:
        """The part of the box inside the image; None for background, and for what is empty or no number."""
        name = self.labels[label] if 0 <= label < len(self.labels) else ""
        if not name or not np.isfinite(edges).all():
            return None
        left, right = np.clip(edges[[0, 2]], 0, size.width).round(DIGITS).tolist()
        top, bottom = np.clip(edges[[1, 3]], 0, size.height).round(DIGITS).tolist()
        if right <= left or bottom <= top:
            return None
        wide, high = round(right - left, DIGITS), round(bottom - top, DIGITS)
        return Box(label=name, x=left, y=top, width=wide, height=high, score=in_unit(score)) if wide > 0 and high > 0 else None


def read_outputs(metadata: Mapping[str, Any]) -> BoxOutputs | None:
    """What the model's metadata declares of its answers; None when it declares nothing.

    Raises:
        NotLoadable: when the declaration is not understood.
    """
    declared = metadata.get(KEY)
    if declared is None:
        return None
    labels = metadata.get(LABELS_KEY)
    if declared not in FORMS:
        raise NotLoadable(Reason.ModelNotReadable, f"metadata {KEY} is {declared!r}; understood are {' and '.join(FORMS)}")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise NotLoadable(Reason.ModelNotReadable, f"metadata {KEY} needs {LABELS_KEY}: a list of the labels' names by number")
    return BoxOutputs(corners=declared == FORMS[0], labels=labels)


def _first(found: Iterator[Box | None], limit: int) -> Iterator[Box]:
    for box in found:
        if box is not None and limit > 0:
            limit -= 1
            yield box
