"""What a brush painted, in Label Studio's encoding: the four channels of every pixel, run-length packed bit by bit (`@thi.ng/rle-pack`).

32 bits: how many values there are; 5 bits: how many bits a value has, less one; four times 4 bits: the widths of counts, less one. Then, until all
values are there: 1 bit, whether one value is repeated; 2 bits, which of the widths the count has; the count less one; one value, or so many.
"""

from collections.abc import Sequence
from itertools import groupby

from treadle.contracts.labels import ImageSize

CHANNELS = 4
OPAQUE = 3  # index of the channel that says how opaque a pixel is
WIDTH = 8  # bits of a value that we write
WIDTHS = (3, 4, 8, 16)  # bits of the counts that we write
LARGEST = 64 * 1024 * 1024  # values: an image of 16 million pixels


class NotABrush(ValueError):  # noqa: N818
    """Numbers that are no such encoding, or of another image; the message says why."""


def runs_of(packed: object, image: ImageSize) -> tuple[int, ...]:
    """Pixels row by row, in turns how many are not painted and how many are; empty when none is.

    Raises:
        NotABrush: for anything that the labelling screen does not write.
    """
    if not isinstance(packed, list) or not all(isinstance(byte, int) and 0 <= byte <= 255 for byte in packed):
        raise NotABrush("it is no list of bytes")
    opaque = _unpacked(bytes(packed), CHANNELS * image.width * image.height)[OPAQUE::CHANNELS]
    runs: list[int] = []
    for painted, pixels in groupby(opaque, key=bool):
        if painted and not runs:
            runs.append(0)
        runs.append(sum(1 for _ in pixels))
    return tuple(runs[: len(runs) // 2 * 2])  # what is left at the end is not painted


def packed(runs: Sequence[int], image: ImageSize) -> list[int]:
    """The inverse of `runs_of`: painted pixels are wholly opaque and white."""
    rest = image.width * image.height - sum(runs)
    bits = f"{CHANNELS * image.width * image.height:032b}{WIDTH - 1:05b}" + "".join(f"{width - 1:04b}" for width in WIDTHS)
    for index, run in enumerate((*runs, rest)):
        left = CHANNELS * run
        while left:
            now = min(left, 1 << WIDTHS[-1])
            bits += f"1{len(WIDTHS) - 1:02b}{now - 1:0{WIDTHS[-1]}b}{255 * (index % 2):0{WIDTH}b}"
            left -= now
    bits += "0" * (-len(bits) % 8)
    return list(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _unpacked(packed: bytes, expected: int) -> bytearray:
    bits = _Bits(packed)
    count = bits.read(32)
    if count != expected or count > LARGEST:
        raise NotABrush(f"it has {count} values, the image has {expected}")
    width = bits.read(5) + 1
    widths = [bits.read(4) + 1 for _ in range(4)]
    values = bytearray()
    while len(values) < count:
        repeated = bits.read(1)
        many = bits.read(widths[bits.read(2)]) + 1
        if repeated:
            values += bytes([bits.read(width) & 255]) * many
        else:
            values += bytes(bits.read(width) & 255 for _ in range(many))
    return values[:count]


class _Bits:
    """A row of bits, read from the left."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def read(self, width: int) -> int:
        """The next so many bits, as a number."""
        first, last = self._at // 8, (self._at + width + 7) // 8
        if last > len(self._content):
            raise NotABrush("it ends too early")
        self._at += width
        word = int.from_bytes(self._content[first:last], "big")
        return word >> (last * 8 - self._at) & ((1 << width) - 1)
