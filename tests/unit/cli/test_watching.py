"""`--watch` goes on whatever happens: whoever watches wants to see how it goes on."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.api.reasons import Reason
from treadle.cli import _command
from treadle.cli._handlers import Told
from treadle.plan import Trouble


class Enough(Exception):
    """The test has seen what it wanted."""


async def test_an_error_is_told_once_and_what_follows_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_command, "LOOK_AGAIN", 0)
    away = Trouble(Reason.Unreachable, "the API server does not answer")
    looks: Iterator[Told | Exception] = iter([Told(["a"]), away, away, Told(["a"]), Told(["a"]), Told(["b"]), Enough()])

    async def look() -> Told:
        seen = next(looks)
        if isinstance(seen, Exception):
            raise seen
        return seen

    with pytest.raises(Enough):
        await _command._watch(Told(["a"]), look)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["a", "b"], "what is as it was is printed again only after an error"
    assert printed.err.count("error:") == 1
    assert "the API server does not answer" in printed.err


def test_who_reads_no_further_ends_the_command_in_peace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def carried_out(*_: object) -> Told:
        _command._print(Told(["a"]))
        return Told([])

    (tmp_path / "config").write_text("{}")
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(_command, "_carried_out", carried_out)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert _command.main(["status", f"--kubeconfig={tmp_path / 'config'}"]) == 0
    assert capsys.readouterr().err == ""
