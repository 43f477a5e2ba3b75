"""Lines of a user's program: numbered as an editor does, and told when they are wrong without being quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.contracts.check import RefusedLabel
from treadle.jobs._written import Miswritten, NotWritten, written

NAME = "refused.jsonl"


def read(folder: Path, content: str) -> list[tuple[int, str]]:
    (folder / NAME).write_text(content)
    return [(number, line.key) for number, line in written(folder, NAME, RefusedLabel)]


def test_empty_lines_say_nothing_but_count(tmp_path: Path) -> None:
    assert read(tmp_path, '{"key": "a"}\n\n  \n{"key": "b"}') == [(1, "a"), (4, "b")]
    assert read(tmp_path, "") == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "it: Invalid JSON"),
        ("[]", "it: "),
        ('{"message": "secret"}', "key: Field required"),
        ('{"key": {"secret": 1}}', "key: "),
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_not_quoted(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(Miswritten) as found:
        read(tmp_path, f'{{"key": "a"}}\n\n{line}\n')
    assert found.value.number == 3
    assert found.value.why.startswith(why)
    assert "secret" not in str(found.value)


def test_a_file_that_is_not_there_or_leads_elsewhere_was_not_written(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text('{"key": "a"}')
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(NotWritten):
        list(written(inside, NAME, RefusedLabel))
    (inside / NAME).symlink_to(tmp_path / "outside")
    with pytest.raises(NotWritten):
        list(written(inside, NAME, RefusedLabel))
