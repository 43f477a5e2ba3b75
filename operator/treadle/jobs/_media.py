"""What the bytes of an item are: whether people can be shown them as the task type needs it, and how large they look."""

import csv
import io
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from PIL import Image, UnidentifiedImageError

from treadle.contracts.labels import ImageSize
from treadle.contracts.pairs import TextPair
from treadle.contracts.sync import SourceFields
from treadle.tasks.time_series import TIME, VALUE

TEXT = "text"
"""What a text is called where words have names."""
LONGEST_TEXT = 200 * 1024
"""Bytes of a text, or of a pair of them: it travels inside of its labelling task, hundreds of them in one request."""
LONGEST_DOCUMENT = 6 * LONGEST_TEXT
"""Bytes of a pair as JSON, where each letter may be written as an escape; a file may be anything, and is read only up to here."""
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
        case "Pair":
            pair(content)
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


def pair(content: bytes) -> TextPair:
    """The bytes as two texts to compare.

    Raises:
        NotShowable: for bytes that are no such document; the message names the field that is at fault.
    """
    if len(content) > LONGEST_DOCUMENT:
        raise NotShowable(f"it has {len(content)} bytes, more than {LONGEST_DOCUMENT} are not read for a pair of texts")
    return pair_of(json_object(content), SourceFields())


def pair_of(said: Mapping[str, object], fields: SourceFields) -> TextPair:
    """Two texts to compare, from a document or a row in which they have these names.

    Raises:
        NotShowable: a text is missing, blank, none or very long; the message names its field.
    """
    names = {"prompt": fields.prompt, "first": fields.first, "second": fields.second}
    found = TextPair(**{part: _part(said, name, needed=part != "prompt") for part, name in names.items()})
    if (size := len(found.to_json().encode())) > LONGEST_TEXT:
        longest = max(names, key=lambda part: len(getattr(found, part)))
        raise NotShowable(f"the field {names[longest]}: it is the longest of a pair with {size} bytes, more than {LONGEST_TEXT} are not shown")
    return found


def words(media: str, content: bytes) -> Mapping[str, str]:
    """What a written item says, by the names that its parts have in labelling tasks and in tables.

    Raises:
        NotShowable: for bytes that are something else.
    """
    return pair(content).model_dump() if media == "Pair" else {TEXT: text(content)}


def json_object(content: bytes) -> Mapping[str, Any]:
    """The bytes as an object of JSON, of which every word can be written again.

    Raises:
        NotShowable: for bytes that are something else.
    """
    try:
        found = json.loads(content.decode("utf-8-sig"))
        json.dumps(found, ensure_ascii=False).encode()  # an escape may stand for half a character, which nothing could be written with
    except (ValueError, RecursionError) as error:
        raise NotShowable(f"not JSON in UTF-8: {error}") from error
    if not isinstance(found, dict):
        raise NotShowable("not a JSON object")
    return found


def _part(said: Mapping[str, object], name: str, *, needed: bool) -> str:
    value = said.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise NotShowable(f"the field {name}: {'it is missing' if value is None else 'it is no text'}")
    if "\0" in value:
        raise NotShowable(f"the field {name}: not a text: it has a zero byte")
    if needed and not value.strip():
        raise NotShowable(f"the field {name}: it is blank")
    return value


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
