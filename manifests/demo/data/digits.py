"""The demo's data: scikit-learn's handwritten digits as PNG files, some to be labelled, some held out to ask the served model about.

Later digits come from another scanner: the ink is pale and the paper is grey. Nobody has told the model.

The file names say nothing about the digits. Pixels are enlarged, so that people see something in the browser; a block of pixels is one number of
the original, so that the truth can be looked up (which is how the simulated annotators and visitors know it).
"""

import io
import random
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

ITEMS = 300
HELD_OUT = 100
ASKED = 100  # by those who use the served model
SIDE = 8  # numbers per row and column of an image
BLOCK = 8  # pixels per number and direction
STEP = 15  # grey levels per step: the numbers go from 0 to 16
PAPER = 100  # grey level of the paper under the other scanner


def items() -> Iterator[tuple[str, bytes]]:
    """File name and PNG of each image to be labelled."""
    images, _ = _digits()
    for number, index in enumerate(_order()[:ITEMS]):
        yield f"{number:04}.png", _png(images[index])


def held_out() -> Iterator[tuple[str, bytes]]:
    """Truth and PNG of images that are in no dataset."""
    images, truths = _digits()
    for index in _order()[ITEMS : ITEMS + HELD_OUT]:
        yield str(truths[index]), _png(images[index])


def scanned() -> Iterator[tuple[str, bytes]]:
    """Truth and PNG of images from the other scanner, which the served model is asked about; they may come back to people."""
    yield from _scanned(ITEMS + HELD_OUT, ASKED)


def scanned_held_out() -> Iterator[tuple[str, bytes]]:
    """Truth and PNG of further images from the other scanner, to measure with."""
    yield from _scanned(ITEMS + HELD_OUT + ASKED, HELD_OUT)


def read(png: bytes) -> str:
    """The digit that an image of ours shows, found by its pixels.

    Raises:
        KeyError: when it is no image of ours.
    """
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("L"))
    return _truth_by_pixels()[pixels[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].tobytes()]


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    loaded = load_digits()
    return (loaded.images * STEP).astype(np.uint8), loaded.target


@cache
def _truth_by_pixels() -> dict[bytes, str]:
    images, truths = _digits()
    return {seen.tobytes(): str(truth) for image, truth in zip(images, truths, strict=True) for seen in (image, _by_other_scanner(image))}


@cache
def _order() -> list[int]:
    """Mixed, since the original is sorted by writer; always the same."""
    order = list(range(len(_digits()[0])))
    random.Random(8).shuffle(order)
    return order


def _scanned(first: int, count: int) -> Iterator[tuple[str, bytes]]:
    images, truths = _digits()
    for index in _order()[first : first + count]:
        yield str(truths[index]), _png(_by_other_scanner(images[index]))


def _by_other_scanner(image: np.ndarray) -> np.ndarray:
    return image // 2 + np.uint8(PAPER)


def _png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)).save(content, "PNG")
    return content.getvalue()
