"""Items and a program that redacts: nothing leaves the pod that the program has not written."""

import hashlib
from pathlib import Path

from treadle.contracts.feedback import FeedbackNote
from treadle.jobs._redaction import WAITING_LIMIT, hand_over, redacted


def spool(directory: Path, *items: bytes) -> list[str]:
    digests = []
    for item in items:
        digest = hashlib.sha256(item).hexdigest()
        at, told = (
            "2026-01-01T10:00:00+00:00",
            {"when": "Random", "deployment": "ml/d", "model_version": "7", "revision": "abc123", "extension": "txt"},
        )
        (directory / f"{digest}.item").write_bytes(item)
        (directory / f"{digest}.json").write_text(FeedbackNote.model_validate(told | {"at": at, "digest": digest}).to_json())
        digests.append(digest)
    return digests


def out(directory: Path, digest: str, content: bytes) -> None:
    (directory / "redaction/out" / digest).write_bytes(content)


def test_what_the_program_wrote_takes_the_place_of_the_item(tmp_path: Path) -> None:
    (digest,) = spool(tmp_path, b"Ann, 3 March")
    assert list(redacted(tmp_path)) == []
    hand_over(tmp_path)
    assert (tmp_path / "redaction/in" / digest).read_bytes() == b"Ann, 3 March"
    assert list(redacted(tmp_path)) == [], "the program has not answered yet"
    out(tmp_path, digest, b"XXX, 3 March")
    ((path, note),) = redacted(tmp_path)
    assert path.with_suffix(".item").read_bytes() == b"XXX, 3 March"
    assert note.digest == hashlib.sha256(b"XXX, 3 March").hexdigest()
    assert not (tmp_path / "redaction/in" / digest).exists()


def test_an_item_that_the_program_takes_away_or_empties_is_dropped(tmp_path: Path) -> None:
    first, second = spool(tmp_path, b"one", b"two")
    hand_over(tmp_path)
    (tmp_path / "redaction/in" / first).unlink()
    out(tmp_path, second, b"")
    assert list(redacted(tmp_path)) == []
    assert list(tmp_path.glob("*.waiting")) == []
    assert not (tmp_path / "redaction/in" / second).exists()


def test_a_link_that_the_program_leaves_is_not_followed(tmp_path: Path) -> None:
    (digest,) = spool(tmp_path, b"one")
    hand_over(tmp_path)
    (tmp_path / "secret").write_bytes(b"another's")
    (tmp_path / "redaction/out" / digest).symlink_to(tmp_path / "secret")
    assert list(redacted(tmp_path)) == []


def test_while_the_program_does_not_run_a_bounded_number_waits_for_it(tmp_path: Path) -> None:
    spool(tmp_path, *(str(number).encode() for number in range(WAITING_LIMIT + 5)))
    hand_over(tmp_path)
    hand_over(tmp_path)
    assert len(list((tmp_path / "redaction/in").iterdir())) == WAITING_LIMIT
    assert len(list(tmp_path.glob("*.json"))) == 5


def test_a_round_that_was_cut_short_brings_what_was_redacted(tmp_path: Path) -> None:
    (digest,) = spool(tmp_path, b"Ann")
    hand_over(tmp_path)
    out(tmp_path, digest, b"XXX")
    assert len(list(redacted(tmp_path))) == 1
    ((path, _),) = redacted(tmp_path)
    assert path.with_suffix(".item").read_bytes() == b"XXX"


def test_a_hand_over_that_was_cut_short_brings_nothing(tmp_path: Path) -> None:
    (digest,) = spool(tmp_path, b"Ann")
    hand_over(tmp_path)
    (tmp_path / f"{digest}.waiting").rename(tmp_path / f"{digest}.json")
    hand_over(tmp_path)
    assert list(redacted(tmp_path)) == []
    assert list(tmp_path.glob("*.json")) == []
