"""What the shell offers behind `kubectl treadle`."""

from pathlib import Path

import pytest

from treadle.cli import complete


def offered(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert complete(words) == 0
    *candidates, directive = capsys.readouterr().out.splitlines()
    assert directive == ":4"
    return candidates


def test_commands_are_offered_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert offered(capsys, "ro") == ["rollout"]
    assert offered(capsys, "rollout", "") == ["abort", "promote", "status", "undo"]


def test_options_are_offered_once_one_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert offered(capsys, "status", "--ch") == ["--check"]


def test_nothing_is_said_when_the_cluster_cannot_be_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert offered(capsys, "approve", "") == []


def test_every_command_is_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "kubectl.md").read_text()
    commands = [*offered(capsys, ""), *(f"rollout {word}" for word in ("status", "undo"))]
    assert [
        word for word in commands if f"`kubectl treadle {word}" not in page and f"`{word}`" not in page and word != "rollout" and word != "undo"
    ] == []
