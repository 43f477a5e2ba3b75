import io

import pytest
from PIL import Image

from treadle.contracts.labels import ImageSize
from treadle.jobs._media import LONGEST_TEXT, NotShowable, look, text


def picture(kind: str, orientation: int | None = None) -> bytes:
    content = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", (40, 30)).save(content, kind, exif=exif)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_an_image_has_the_size_that_people_see(kind: str) -> None:
    assert look("Image", picture(kind)) == ImageSize(width=40, height=30)


@pytest.mark.parametrize(("orientation", "across"), [(1, 40), (3, 40), (6, 30), (8, 30)])
def test_a_photo_that_lies_on_its_side_is_turned(orientation: int, across: int) -> None:
    found = look("Image", picture("JPEG", orientation))
    assert found
    assert found.width == across


@pytest.mark.parametrize(
    ("media", "content", "why"),
    [
        ("Image", b"", "empty"),
        ("Image", b"no image", "not an image"),
        ("Image", picture("PNG")[:60], "not an image"),
        ("Text", b"", "empty"),
        ("Text", b" \n\t", "blank"),
        ("Text", "grüße".encode("latin-1"), "not a text in UTF-8"),
        ("Text", b"a\0b", "zero byte"),
        ("Text", b"a" * (LONGEST_TEXT + 1), "more than"),
    ],
)
def test_bytes_that_people_cannot_be_shown_are_told_in_words(media: str, content: bytes, why: str) -> None:
    with pytest.raises(NotShowable, match=why):
        look(media, content)


def test_a_text_is_what_it_says_without_the_mark_that_some_editors_put_first() -> None:
    assert look("Text", "Grüße".encode()) is None
    assert text("Grüße".encode("utf-8-sig")) == "Grüße"


@pytest.mark.parametrize("content", [b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC\0", b"ID3\x04", b"\xff\xfb\x90", b"\0\0\0\x20ftypM4A "])
def test_recordings_are_known_by_their_first_bytes(content: bytes) -> None:
    assert look("Audio", content) is None
    with pytest.raises(NotShowable, match="not a recording"):
        look("Audio", b"x" + content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("time,value\n0,1.5\n1,2\n1,3\n", ""),
        ("\ufefftime,other,value\n0,x,1.5\n", ""),
        ("time;value\n0;1\n", "no column time, value"),
        ("time,value\n", "no line"),
        ("time,value\n2,1\n1,1\n", "do not rise"),
        ("time,value\n0,a\n", "not a series of numbers"),
        ("time,value\n0\n", "not a series of numbers"),
    ],
)
def test_a_series_has_rising_times_and_numbers(content: str, why: str) -> None:
    if not why:
        assert look("Series", content.encode()) is None
        return
    with pytest.raises(NotShowable, match=why):
        look("Series", content.encode())
