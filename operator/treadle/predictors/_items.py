"""How an item (the bytes of an image) becomes what a model of numbers takes, as the model's author declared it.

The author logs the model with `metadata={"treadle.input": "image/grayscale/8x8"}`; then a request may carry images (input `item`, PNG, JPEG, ...)
instead of numbers. Each is converted to the colour space, resized to WIDTHxHEIGHT if it has another size, and flattened row by row (rgb: red,
green and blue of each pixel side by side) to float64 numbers from 0 to 255. Scaling is the model's own matter.
"""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from treadle.api.reasons import Reason
from treadle.predictors._errors import BadInput, NotLoadable

KEY = "treadle.input"
MODES = {"grayscale": "L", "rgb": "RGB"}
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
PIXEL_LIMIT = 50_000_000
"""Images with more pixels than this are refused before they are decoded, and none are made."""

# Pillow's own limits warn, by filters that all threads share; ours refuses.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class ImageItems:
    """The declared form of image items."""

    mode: str
    width: int
    height: int

    @property
    def numbers(self) -> int:
        """How many numbers an image becomes."""
        return self.width * self.height * Image.getmodebands(self.mode)

    def decode(self, items: Sequence[bytes]) -> NDArray[np.float64]:
        """One row of numbers per image.

        Raises:
            BadInput: when bytes are not an image; the message says the position of the item.
        """
        return np.stack([self._row(item, index) for index, item in enumerate(items)])

    def _row(self, item: bytes, index: int) -> NDArray[np.float64]:
        try:
            with Image.open(io.BytesIO(item), formats=FORMATS) as image:
                if image.width * image.height > PIXEL_LIMIT:
                    raise BadInput(f"item {index}: the image has {image.width}x{image.height} pixels, more than {PIXEL_LIMIT} are not decoded")
                converted = image.convert(self.mode)
                sized = converted if converted.size == (self.width, self.height) else converted.resize((self.width, self.height))
                return np.asarray(sized, dtype=np.float64).reshape(-1)
        except UnidentifiedImageError as error:
            raise BadInput(f"item {index}: the bytes are not an image ({', '.join(FORMATS)} are read)") from error
        except BadInput:
            raise
        except Exception as error:  # Pillow raises what its decoders raise: OSError, SyntaxError, ValueError, struct.error ...
            raise BadInput(f"item {index}: the image cannot be decoded: {error}") from error


def read_items(metadata: Mapping[str, Any]) -> ImageItems | None:
    """What the model's metadata declares, None when it declares nothing.

    Raises:
        NotLoadable: when the declaration is not understood.
    """
    declared = metadata.get(KEY)
    if declared is None:
        return None
    match = re.fullmatch(r"image/(grayscale|rgb)/([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", str(declared))
    if not match:
        known = "image/grayscale/WIDTHxHEIGHT and image/rgb/WIDTHxHEIGHT"
        raise NotLoadable(Reason.ModelNotReadable, f"metadata {KEY} is {declared!r}; understood are {known}")
    if int(match[2]) * int(match[3]) > PIXEL_LIMIT:
        raise NotLoadable(Reason.ModelNotReadable, f"metadata {KEY} is {declared}; images of more than {PIXEL_LIMIT} pixels are not made")
    return ImageItems(MODES[match[1]], int(match[2]), int(match[3]))
