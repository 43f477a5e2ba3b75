"""Where Treadle is brought up: what is missing is said before anything takes minutes."""

from pathlib import Path

import pytest

from e2e.cluster import Problem, preflight
from e2e.environment import things
from e2e.environment.target import Embedded, Existing, Kind, Target


def little_room(wanted: int) -> None:
    raise Problem(f"{wanted} GB are wanted")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Embedded("check"), "GB are wanted"),
        (Kind("check"), "`kind` is not installed"),
        (Existing(Path("kubeconfig")), "set TREADLE_REGISTRY"),
    ],
    ids=["embedded", "kind", "existing"],
)
def test_what_is_missing_is_told_before_any_image_is_built(target: Target, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(preflight, "check_room", little_room)
    monkeypatch.setattr(things, "built", lambda *_: begun.append("images"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TREADLE_REGISTRY", raising=False)
    with pytest.raises(Problem, match=words):
        things.prepare(target, begun.append)
    assert begun == []
