import io

import pytest
from PIL import Image

from treadle.contracts.labels import ImageSize
from treadle.contracts.pairs import TextPair
from treadle.jobs._features import features_of
from treadle.jobs._media import LONGEST_DOCUMENT, LONGEST_TEXT, NotShowable, look, pair, text, words
from treadle.tasks import TASKS


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
        ("Pair", b"", "empty"),
        ("Pair", b"{", "not JSON in UTF-8"),
        ("Pair", b"[" * 100_000, "not JSON in UTF-8"),
        ("Pair", '{"first": "ä", "second": "b"}'.encode("latin-1"), "not JSON in UTF-8"),
        ("Pair", rb'{"first": "\ud83d", "second": "b"}', "not JSON in UTF-8"),
        ("Pair", b'["a", "b"]', "not a JSON object"),
        ("Pair", b'{"first": "a"}', "the field second: it is missing"),
        ("Pair", b'{"first": " \\n", "second": "b"}', "the field first: it is blank"),
        ("Pair", b'{"first": "a", "second": [{"role": "user", "content": "b"}]}', "the field second: it is no text"),
        ("Pair", b'{"first": "a", "second": "b", "prompt": 5}', "the field prompt: it is no text"),
        ("Pair", rb'{"first": "a\u0000", "second": "b"}', "the field first: not a text: it has a zero byte"),
        ("Pair", b'{"first": "a", "second": "%s"}' % (b"b" * LONGEST_TEXT), f"the field second: .* more than {LONGEST_TEXT}"),
        ("Pair", b'{"first": "a", "second": "b"}' + b" " * LONGEST_DOCUMENT, f"more than {LONGEST_DOCUMENT}"),
    ],
)
def test_bytes_that_people_cannot_be_shown_are_told_in_words(media: str, content: bytes, why: str) -> None:
    with pytest.raises(NotShowable, match=why):
        look(media, content)


def test_a_text_is_what_it_says_without_the_mark_that_some_editors_put_first() -> None:
    assert look("Text", "Grüße".encode()) is None
    assert text("Grüße".encode("utf-8-sig")) == "Grüße"


def test_a_pair_is_what_its_two_texts_and_its_prompt_say_and_nothing_else() -> None:
    document = b'\xef\xbb\xbf{"id": 7, "first": "a", "first_model": "digits/3", "second": " b\\n"}'
    assert look("Pair", document) is None
    assert pair(document) == TextPair(first="a", second=" b\n")
    assert pair(b'{"prompt": null, "first": "a", "second": "b"}').prompt == ""


def test_what_is_written_says_its_words_by_the_fields_of_its_labelling_task() -> None:
    contents = {"Text": b"words", "Pair": b'{"first": "a", "second": "b"}'}
    for task in TASKS.values():
        if task.is_written:
            assert tuple(words(task.media, contents[task.media])) == task.fields


def test_pairs_look_alike_by_the_words_of_both_texts_and_not_by_how_these_are_written_down() -> None:
    tea, again, sea = (
        b'{"first": "Green tea, please.", "second": "\\nBlack tea."}',
        b'{"second": "Black tea.", "prompt": "", "first": "Green tea, please."}',
        b'{"first": "The sea is calm.", "second": "The sea is wild."}',
    )
    seen, rows = features_of("Pair", [tea, b"gone", again, sea])
    assert seen == [0, 2, 3]
    assert rows[0] @ rows[1] == pytest.approx(1)
    assert rows[0] @ rows[2] < 0.5


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
