"""A few items of a version as its card shows them: small pictures with what is marked in them, texts with what is named in them."""

import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice, zip_longest

from PIL import Image, ImageColor, ImageDraw, ImageOps

from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Boxes, Label, Points, Region, Regions, Span, Spans
from treadle.jobs._changes import words_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._media import NotShowable, words
from treadle.jobs._store import NotThere, Store
from treadle.statistics.raster import painted

MOST = 12
EACH = 3
"""So many samples of a label at most."""
LONG_SIDE = 200
"""Pixels of a picture; smaller ones are enlarged, so that digits of 8 x 8 can be seen."""
LONGEST_TEXT = 280
"""Characters of a text."""
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000")


@dataclass(frozen=True)
class Sample:
    """One item: what it is called, where it is, and how it looks, as HTML; empty where it cannot be shown."""

    words: str
    split: str
    key: str
    looks: str


def samples_of(store: Store, media: str, names: Sequence[str], items: Sequence[DatasetItem]) -> list[Sample]:
    """Some items of each label, the same ones for the same version. What cannot be read any more is shown by its label alone."""
    return [Sample(words_of(item.label), item.split, item.key, _looks(store, media, names, item)) for item in chosen(names, items)]


def chosen(names: Sequence[str], items: Sequence[DatasetItem]) -> list[DatasetItem]:
    """In turns the items of each label with the smallest digests, those that show none last."""
    by_label: dict[str, list[DatasetItem]] = {name: [] for name in (*names, "")}
    for item in items:
        few = by_label.setdefault(next(iter(item.label.names), ""), [])
        few.append(item)
        few.sort(key=lambda item: (item.sha256, item.key))
        del few[EACH:]
    return list(islice((item for turn in zip_longest(*by_label.values()) for item in turn if item is not None), MOST))


def _looks(store: Store, media: str, names: Sequence[str], item: DatasetItem) -> str:
    if media not in ("Image", "Text", "Pair"):
        return ""
    try:
        content = store.read(item.held or item.uri)
        return picture(content, item.label, names) if media == "Image" else passages(words(media, content), item.label)
    except (NotThere, NotShowable, JobFailure, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""  # a card without a picture is better than no version


def picture(content: bytes, label: Label, names: Sequence[str]) -> str:
    """An image, small, with its boxes, outlines and points, each label in a colour of its own."""
    with Image.open(io.BytesIO(content)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    size = image.size
    factor = LONG_SIDE / max(size)
    across, down = (max(1, round(side * factor)) for side in size)
    image = image.resize((across, down), Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS)
    colour = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    for region in label.regions if isinstance(label, Regions) else ():
        image = _with_mask(image, region, colour.get(region.label, COLOURS[0]))
    _draw(ImageDraw.Draw(image), label, factor, colour)
    return _embedded(image)


def _draw(pen: ImageDraw.ImageDraw, label: Label, factor: float, colour: Mapping[str, str]) -> None:
    match label:
        case Boxes(boxes=boxes):
            for box in boxes:
                corners = [box.x * factor, box.y * factor, (box.x + box.width) * factor, (box.y + box.height) * factor]
                pen.rectangle(corners, outline=colour.get(box.label, COLOURS[0]), width=2)
        case Points(points=points):
            for point in points:
                x, y = point.x * factor, point.y * factor
                pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colour.get(point.label, COLOURS[0]))
        case Regions(regions=regions):
            for region in regions:
                if len(region.points) > 1:
                    outline = [(x * factor, y * factor) for x, y in region.points]
                    pen.line([*outline, outline[0]], fill=colour.get(region.label, COLOURS[0]), width=2)


def _with_mask(image: Image.Image, region: Region, colour: str) -> Image.Image:
    """The image with the painted pixels of a region in its colour, half transparent."""
    if not region.runs:
        return image
    found = painted(region.runs, region.image)
    whole = Image.new("L", (region.image.width, region.image.height))
    whole.paste(Image.fromarray((found.pixels * 128).astype("uint8")), (found.left, found.top))
    return Image.composite(Image.new("RGB", image.size, ImageColor.getrgb(colour)), image, whole.resize(image.size).point(lambda share: share))


def _embedded(image: Image.Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{b64encode(content.getvalue()).decode()}">'


def passages(said: Mapping[str, str], label: Label) -> str:
    """What a written item says; of several parts each under its name."""
    if len(said) == 1:
        return "".join(passage(text, label) for text in said.values())
    return "".join(f"<p class=note>{escape(name)}</p>{passage(text, label)}" for name, text in said.items() if text)


def passage(text: str, label: Label) -> str:
    """The beginning of a text, or the surroundings of what is first named in it, with names marked."""
    ordered = sorted(label.spans if isinstance(label, Spans) else (), key=lambda span: (span.start, -span.end))
    begin = max(0, ordered[0].start - LONGEST_TEXT // 4) if ordered and ordered[0].start > LONGEST_TEXT // 2 else 0
    end = begin + LONGEST_TEXT
    return f"<p>{'…' if begin else ''}{''.join(_marked(text, ordered, begin, end))}{'…' if end < len(text) else ''}</p>"


def _marked(text: str, spans: Sequence[Span], begin: int, end: int) -> Iterator[str]:
    at = begin
    for span in spans:
        if span.start < at or span.start >= end:  # inside of another one, or behind the end
            continue
        stop = min(span.end, end)
        yield escape(text[at : span.start])
        yield f"<mark>{escape(text[span.start : stop])}<small>{escape(span.label)}</small></mark>"
        at = stop
    yield escape(text[at:end])
