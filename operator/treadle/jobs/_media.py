"""What the bytes of an item are: whether people can be shown them as the task type needs it, and how large they look."""

import csv
import io
import math
from itertools import pairwise

from PIL import Image, UnidentifiedImageError

from treadle.contracts.labels import ImageSize
from treadle.tasks.time_series import TIME, VALUE

LONGEST_TEXT = 200 * 1024
"""Bytes of a text: it travels inside of its labelling task, hundreds of them in one request."""
SOUNDS = (b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9")
"""First bytes of recordings: FLAC, Ogg, WebM, MP3 with and without a tag, AAC."""
ORIENTATION = 0x0112  # EXIF tag
TURNED = (5, 6, 7, 8)  # its values for images that lie on their side


class NotShowable(Exception):  # noqa: N818
    """The bytes are not what the task type needs; the message says why."""


def look(media: str, content: bytes) -> ImageSize | None:
    """The size of an image, None for other media.

    Raises:
        NotShowable: for bytes that are something else.
    """
    if not content:
        raise NotShowable("it is empty")
    match media:
        case "Image":
            return _image(content)
        case "Text":
            text(content)
        case "Audio":
            _audio(content)
        case "Series":
            _series(content)
    return None


def text(content: bytes) -> str:
    """The bytes as text.

    Raises:
        NotShowable: for bytes that are no text, or a very long one.
    """
    if len(content) > LONGEST_TEXT:
        raise NotShowable(f"it has {len(content)} bytes, more than {LONGEST_TEXT} of text are not shown")
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotShowable(f"not a text in UTF-8: {error.reason} at byte {error.start}") from error
    if "\0" in found:
        raise NotShowable("not a text: it has a zero byte")
    if not found.strip():
        raise NotShowable("it is blank")
    return found


def _audio(content: bytes) -> None:
    """What browsers play is told by its first bytes; whether it plays is not."""
    wave = content[:4] == b"RIFF" and content[8:12] == b"WAVE"
    mp4 = content[4:8] == b"ftyp"
    if not (wave or mp4 or content.startswith(SOUNDS)):
        raise NotShowable("not a recording that browsers play: neither WAV, FLAC, Ogg, WebM, MP3 nor MP4")


def _series(content: bytes) -> None:
    try:
        lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if missing := {TIME, VALUE} - set(lines.fieldnames or ()):
            raise NotShowable(f"its header names no column {', '.join(sorted(missing))}")
        times = [float(line[TIME]) for line in lines if math.isfinite(float(line[VALUE]))]
    except (ValueError, TypeError, csv.Error) as error:
        raise NotShowable(f"not a series of numbers: {error}") from error
    if not times or any(after < before for before, after in pairwise(times)):
        raise NotShowable("its times do not rise" if times else "it has no line")


def _image(content: bytes) -> ImageSize:
    try:
        with Image.open(io.BytesIO(content)) as image:
            across, down = image.size
            # Pillow decodes a whole PNG to look for its EXIF, and cannot verify it any more; cameras write no PNG.
            turned = image.format != "PNG" and image.getexif().get(ORIENTATION) in TURNED
            image.verify()
    except UnidentifiedImageError as error:  # it names our buffer by its address, and the same object would be told in other words each time
        raise NotShowable("not an image: of no kind that Pillow knows") from error
    except Exception as error:  # Pillow raises what its decoders raise: OSError, SyntaxError, ValueError, struct.error ...
        raise NotShowable(f"not an image: {type(error).__name__}: {error}") from error
    return ImageSize(width=down, height=across) if turned else ImageSize(width=across, height=down)
