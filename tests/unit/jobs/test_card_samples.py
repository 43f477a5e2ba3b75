"""The few items that a version's card shows: which ones, and how they look."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, Label, Point, Points, Region, Regions, Span, Spans
from treadle.jobs._samples import EACH, LONG_SIDE, MOST, chosen, passage, picture, samples_of
from treadle.jobs._store import NotThere, Store

NAMES = ("can", "jar")
RED = (230, 25, 75)


def item(number: int, label: Label) -> DatasetItem:
    return DatasetItem(key=str(number), uri=f"s3://b/{number}", sha256=f"{number:064x}", label=label, split="train")


def png(width: int = 100, height: int = 50) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(content, "PNG")
    return content.getvalue()


def shown(looks: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(looks.partition("base64,")[2].removesuffix('">')))).convert("RGB")


def is_red(image: Image.Image, x: int, y: int) -> bool:
    found = cast("tuple[int, int, int]", image.getpixel((x, y)))
    return all(abs(one - other) < 60 for one, other in zip(found, RED, strict=True))


def test_every_label_has_its_turn_and_none_fills_the_card() -> None:
    items = [item(number, ClassLabel(label="can")) for number in range(50)] + [item(99, ClassLabel(label="jar"))]
    assert [each.key for each in chosen(NAMES, items)] == ["0", "99", "1", "2"]
    many = [item(number, ClassLabel(label=f"label {number % 20}")) for number in range(200)]
    assert len(chosen([f"label {number}" for number in range(20)], many)) == MOST
    assert len(chosen(NAMES, items[:50])) == EACH


@pytest.mark.parametrize(
    ("label", "place"),
    [
        (Boxes(boxes=(Box(label="can", x=10, y=10, width=40, height=30),)), (20, 50)),
        (Points(points=(Point(label="can", x=50, y=25, scale=70),)), (100, 50)),
        (Regions(regions=(Region(label="can", points=((10, 10), (60, 10), (60, 40)), image=ImageSize(width=100, height=50)),)), (70, 20)),
    ],
)
def test_what_is_marked_in_an_image_is_drawn_where_it_is(label: Label, place: tuple[int, int]) -> None:
    found = shown(picture(png(), label, NAMES))
    assert found.size == (LONG_SIDE, LONG_SIDE // 2)
    assert is_red(found, *place)
    assert not is_red(found, 190, 90)


def test_painted_pixels_shine_through() -> None:
    region = Region(label="can", runs=(0, 100 * 25), image=ImageSize(width=100, height=50))
    found = shown(picture(png(), Regions(regions=(region,)), NAMES))
    above, below = (cast("tuple[int, int, int]", found.getpixel((100, y))) for y in (20, 80))
    assert above[1] < 200 < below[1]


def test_a_tiny_image_is_enlarged_and_one_that_lies_on_its_side_is_turned() -> None:
    assert shown(picture(png(8, 8), ClassLabel(label="can"), NAMES)).size == (LONG_SIDE, LONG_SIDE)
    content = io.BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (100, 50)).save(content, "JPEG", exif=turned)
    assert shown(picture(content.getvalue(), ClassLabel(label="can"), NAMES)).size == (LONG_SIDE // 2, LONG_SIDE)


def test_names_are_marked_in_a_text_and_everything_is_escaped() -> None:
    label = Spans(spans=(Span(label="<who>", start=0, end=3), Span(label="inside", start=1, end=2), Span(label="place", start=13, end=19)))
    assert passage("Ada moved to <Rome>.", label) == (
        "<p><mark>Ada<small>&lt;who&gt;</small></mark> moved to <mark>&lt;Rome&gt;<small>place</small></mark>.</p>"
    )


def test_of_a_pair_each_text_is_shown_under_its_name_and_no_prompt_where_there_is_none() -> None:
    pair = {"prompt": "", "first": "<i>One</i>", "second": "Two"}
    store: Any = SimpleNamespace(read=lambda _: json.dumps(pair).encode())
    (sample,) = samples_of(cast("Store", store), "Pair", NAMES, [item(1, ClassLabel(label="can"))])
    assert sample.looks == "<p class=note>first</p><p>&lt;i&gt;One&lt;/i&gt;</p><p class=note>second</p><p>Two</p>"


def test_of_a_long_text_the_beginning_or_the_surroundings_of_the_first_name_are_shown() -> None:
    assert passage("x" * 1000, ClassLabel(label="can")) == f"<p>{'x' * 280}…</p>"
    far = passage("x" * 900 + "Rome" + "y" * 900, Spans(spans=(Span(label="place", start=900, end=904),)))
    assert far.startswith("<p>…x")
    assert "<mark>Rome" in far


def test_what_cannot_be_shown_is_no_reason_to_have_no_card() -> None:
    def read(uri: str) -> bytes:
        if uri.endswith("1"):
            raise NotThere(uri)
        return b"no image"

    store: Any = SimpleNamespace(read=read)
    items = [item(1, ClassLabel(label="can")), item(2, ClassLabel(label="jar"))]
    assert [sample.looks for sample in samples_of(cast("Store", store), "Image", NAMES, items)] == ["", ""]
    assert [sample.looks for sample in samples_of(cast("Store", store), "Audio", NAMES, items)] == ["", ""]
