"""Which parts of an input made the model decide as it did: each part is covered in turn, and the change of the score is told (occlusion).

It needs nothing of the model but its answers (Zeiler and Fergus, 2014, Visualizing and understanding convolutional networks, section 2.1): a column
of a table gets its typical value, a patch of an image the image's own mean, a word of a text is left out (Li, Monroe and Jurafsky, 2016,
Understanding neural networks through representation erasure). What is told holds for this one input, one part at a time: parts that say the same
together may each seem to say nothing. Boosted trees tell themselves what each column contributed, in one call.
"""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from treadle.contracts.model import ITEM, LABEL, SCORE
from treadle.predictors._errors import BadInput
from treadle.predictors._model import Model

GRID = 8
"""An image is covered in at most so many times so many patches."""
COLUMNS_LIMIT = 200
LARGEST = 20
"""Columns that are told, those with the largest change."""
DIGITS = 6
WORDS_LIMIT = 200
"""A text of more words is covered in so many pieces of several words."""
CHARACTERS_LIMIT = 100_000
"""A longer text is not explained: all its covered forms are in memory at once."""


@dataclass(frozen=True)
class Word:
    """A word of a text, or a piece of several: where it begins, and how far the score falls without it."""

    text: str
    start: int
    change: float


@dataclass(frozen=True)
class Explanation:
    """The decision, and how much its score falls when a part is covered; negative where the part spoke against it.

    Attributes:
        method: how it was found. Of contributions, numbers are log odds for the decision that add up over the columns, not scores.
        columns: by name, the largest first; empty of an image or a text.
        patches: of an image, row by row; None of anything else.
        picture: the patches over the image as a PNG in base64, red for what spoke for the decision and blue for what spoke against it.
        words: of a text, in its order; None of anything else.
    """

    label: str
    score: float
    method: Literal["Occlusion", "Contributions"]
    columns: Mapping[str, float]
    patches: NDArray[np.float64] | None = None
    picture: str = ""
    words: Sequence[Word] | None = None


def explain(model: Model, inputs: Mapping[str, NDArray[Any]], typical: Mapping[str, Any]) -> Explanation:
    """Explain the decision about the only item in `inputs`. `typical` are values of columns that say nothing; 0 where none is given.

    Raises:
        BadInput: when there is not exactly one item, or the model is no classifier that tells how sure it is.
    """
    known = model.infer(inputs)
    if known.rows != 1:
        raise BadInput(f"one item is explained at a time, the request has {known.rows}")
    if SCORE not in known.outputs:
        raise BadInput("only classifiers that tell how sure they are can be explained")
    label, score = str(known.outputs[LABEL][0]), float(known.outputs[SCORE][0])
    if model.items is not None and ITEM in inputs:
        return _image(model, inputs[ITEM][0], known.given, label, score)
    if model.takes_texts and (text := _only_text(inputs)) is not None:
        return _text(model, text, label, score)
    if hasattr(model.estimator, "contributions"):
        return _contributed(model, known.given, label, score)
    if not hasattr(known.given, "columns"):
        raise BadInput("tables, images and texts are explained, arrays of numbers are not")
    return _table(model, known.given, typical, label, score)


def _contributed(model: Model, row: Any, label: str, score: float) -> Explanation:
    """What the model itself says of each column."""
    told = model.estimator.contributions(row)  # type: ignore[attr-defined]  # asked for by the caller
    names = [str(name) for name in row.columns] if hasattr(row, "columns") else [f"x[{index}]" for index in range(len(told))]
    return Explanation(label, score, "Contributions", _largest(names, told))


def _largest(names: Sequence[str], changes: NDArray[np.float64]) -> Mapping[str, float]:
    found = sorted(zip(names, changes.tolist(), strict=True), key=lambda entry: -abs(entry[1]))[:LARGEST]
    return {name: round(change, DIGITS) for name, change in found}


def _table(model: Model, row: Any, typical: Mapping[str, Any], label: str, score: float) -> Explanation:
    names = [str(name) for name in row.columns[:COLUMNS_LIMIT]]
    covered = {name: np.repeat(row[name].to_numpy(), len(names)) for name in row.columns}
    for place, name in enumerate(names):
        values = covered[name].copy()
        values[place] = typical.get(name, "" if values.dtype.kind == "O" else 0)
        covered[name] = values
    return Explanation(label, score, "Occlusion", _largest(names, _changes(model, covered, label, score)))


def _image(model: Model, item: bytes, given: Any, label: str, score: float) -> Explanation:
    items = model.items
    assert items is not None
    pixels = items.decode([item])[0].reshape(items.height, items.width, -1)
    down, across = (np.array_split(np.arange(size), min(GRID, size)) for size in (items.height, items.width))
    covered = []
    for rows in down:
        for columns in across:
            patched = pixels.copy()
            patched[np.ix_(rows, columns)] = pixels.mean(axis=(0, 1))
            covered.append(patched.reshape(-1))
    changes = _changes_given(model, np.stack(covered), given, label, score).reshape(len(down), len(across))
    return Explanation(label, score, "Occlusion", {}, np.round(changes, DIGITS), _picture(pixels, changes))


def _only_text(inputs: Mapping[str, NDArray[Any]]) -> str | None:
    """The text of a request that holds one, and nothing else.

    Raises:
        BadInput: for bytes that are no text, which a model may pass over.
    """
    values = [value for tensor in inputs.values() for value in np.asarray(tensor, dtype=object).ravel().tolist()]
    if len(values) != 1:
        return None
    try:
        return values[0].decode("utf-8-sig") if isinstance(values[0], bytes) else str(values[0])
    except UnicodeDecodeError as error:
        raise BadInput(f"only texts in UTF-8 are explained: {error.reason}") from error


def _text(model: Model, text: str, label: str, score: float) -> Explanation:
    """Each word left out in turn, or each of `WORDS_LIMIT` pieces where there are more."""
    if len(text) > CHARACTERS_LIMIT:
        raise BadInput(f"texts of up to {CHARACTERS_LIMIT:,} characters are explained, this one has {len(text):,}")
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    if not spans:
        return Explanation(label, score, "Occlusion", {}, words=())
    groups = np.array_split(np.arange(len(spans)), min(WORDS_LIMIT, len(spans)))
    pieces = [(spans[group[0]][0], spans[group[-1]][1]) for group in groups]
    left = np.asarray([text[:start] + text[end:] for start, end in pieces], dtype=object)
    changes = _changes(model, _as_asked(model, left), label, score)
    words = [Word(text[start:end], start, round(float(change), DIGITS)) for (start, end), change in zip(pieces, changes, strict=True)]
    return Explanation(label, score, "Occlusion", {}, words=words)


def _as_asked(model: Model, texts: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """Texts as a request carries them: as items, unless the model has an input of its own with that name."""
    (wanted,) = model.signature.inputs
    return {ITEM: texts.reshape(-1, *wanted.shape[1:]) if wanted.name == ITEM else texts}


def _changes(model: Model, inputs: Mapping[str, NDArray[Any]], label: str, score: float) -> NDArray[np.float64]:
    answer = model.infer(inputs).outputs
    return _fallen(answer, label, score)


def _changes_given(model: Model, rows: NDArray[np.float64], given: Any, label: str, score: float) -> NDArray[np.float64]:
    """The same for rows in the form in which the estimator was given the image."""
    if hasattr(given, "columns"):
        return _changes(model, {str(name): rows[:, place] for place, name in enumerate(given.columns)}, label, score)
    (wanted,) = model.signature.inputs or (None,)
    name = wanted.name if wanted is not None else "pixels"
    return _changes(model, {name: rows.reshape(len(rows), *np.asarray(given).shape[1:])}, label, score)


def _fallen(answer: Mapping[str, NDArray[Any]], label: str, score: float) -> NDArray[np.float64]:
    """How far the score of a label has fallen. Where another one is more likely now, at least so far: what that one leaves."""
    scores = np.asarray(answer[SCORE], dtype=np.float64)
    same = np.asarray([str(other) == label for other in answer[LABEL]])
    return score - np.where(same, scores, np.minimum(1.0 - scores, scores))


def _picture(pixels: NDArray[np.float64], changes: NDArray[np.float64]) -> str:
    height, width = pixels.shape[:2]
    gray = pixels.mean(axis=2)
    strength = np.abs(changes).max() or 1.0
    heat = np.asarray(Image.fromarray((changes / strength).astype(np.float32)).resize((width, height), Image.Resampling.NEAREST))
    colours = np.stack([gray * (1 - np.clip(-heat, 0, 1)), gray * (1 - np.abs(heat)), gray * (1 - np.clip(heat, 0, 1))], axis=2)
    colours += np.stack([255 * np.clip(heat, 0, 1), np.zeros_like(heat), 255 * np.clip(-heat, 0, 1)], axis=2) * 0.5
    file = io.BytesIO()
    Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


__all__ = ["Explanation", "Word", "explain"]
