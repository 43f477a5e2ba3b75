"""Items as rows of numbers, for a plain model: small pictures of images, and counts of words and parts of words of texts."""

import io
import re
import zlib
from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from treadle.jobs._media import NotShowable, words

SIDE = 14
"""Pixels of the small picture, across and down: enough to tell shapes and colours, and 100,000 of them fit in memory."""
BUCKETS = 2048
"""Columns that words and parts of words are hashed to."""
PART = 4  # letters of a part of a word

Matrix = NDArray[np.float32]


def features_of(media: str, contents: Iterable[bytes]) -> tuple[list[int], Matrix]:
    """One row per item that can be read, and which these are."""
    row = _image if media == "Image" else partial(_written, media)
    seen, rows = [], []
    for index, content in enumerate(contents):
        found = row(content)
        if found is not None:
            seen.append(index)
            rows.append(found)
    width = SIDE * SIDE * 3 if media == "Image" else BUCKETS
    data = np.stack(rows) if rows else np.zeros((0, width), dtype=np.float32)
    return seen, data if media == "Image" else _weighed(data)


def _image(content: bytes) -> Matrix | None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded at a fraction of its size
            small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX if min(image.size) >= SIDE else Image.Resampling.BILINEAR)
            return np.asarray(small, dtype=np.float32).reshape(-1) / np.float32(255)
    except Exception:  # Pillow raises what its decoders raise; sync has told of what cannot be read
        return None


def _written(media: str, content: bytes) -> Matrix | None:
    try:
        said = re.findall(r"\w+", " ".join(words(media, content).values()).lower())
    except NotShowable:  # it is gone, or has changed; sync has told of what cannot be read
        return None
    if not said:
        return None
    counts = np.zeros(BUCKETS, dtype=np.float32)
    for word in said:
        marked = f"<{word}>"
        for part in {marked, *(marked[at : at + PART] for at in range(len(marked) - PART + 1))}:
            counts[zlib.crc32(part.encode()) % BUCKETS] += 1
    return counts


def _weighed(counts: Matrix) -> Matrix:
    """Logarithms of counts, rare columns first (inverse document frequency), each row of length 1."""
    if not len(counts):
        return counts
    frequency = np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0)))
    rows = np.log1p(counts) * frequency
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0), dtype=np.float32)
