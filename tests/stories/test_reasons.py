"""Every reason in the table is one that people can meet: a golden story or an integration test shows it, or it is listed here with why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from treadle.api.reasons import Reason

ROOT = Path(__file__).parents[2]
ELSEWHERE: dict[Reason, tuple[str, str]] = {
    Reason.Progressing: ("tests/unit/engine/test_status.py", "the engine says it in Ready, which stories leave out because it is derived"),
    Reason.InvalidObject: ("tests/unit/engine/test_refusals.py", "only an API server refuses, and it accepts what we build"),
    Reason.ModelFlavourNotSupported: ("tests/stories/serving/test_obstacle_stories.py", "the runtime says it from its pod; told without a golden"),
    Reason.ModelTypesNotTrusted: ("tests/stories/serving/test_obstacle_stories.py", "the runtime says it from its pod; told without a golden"),
}


def read(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))


def told() -> set[str]:
    """Reasons of conditions and of troubles in golden stories; YAML folds long lines."""
    goldens = " ".join(read("tests/stories/**/*.yaml").split())
    return set(re.findall(r"(?:=True|=False|=Unknown|trouble:) (\w+):", goldens))


def met() -> set[str]:
    """Reasons that tests against real servers name."""
    named = re.findall(r'\bReason\.(\w+)|"(\w+)"', read("tests/integration/test_*.py"))
    return {member or text for member, text in named}


STORIES, SERVERS = told(), met()
SOURCE = re.findall(r"\bReason\.(\w+)", read("operator/treadle/**/*.py"))


def test_stories_say_only_what_is_in_the_table() -> None:
    assert len(STORIES) > 50
    assert {reason.name for reason in Reason} >= STORIES


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_reached(reason: Reason) -> None:
    assert reason.name in SOURCE, "nothing says it: remove it"
    assert reason.name in STORIES | SERVERS or reason in ELSEWHERE, "no story reaches it: tell one, or say in ELSEWHERE why there is none"


@pytest.mark.parametrize("reason", ELSEWHERE, ids=str)
def test_the_list_of_exceptions_is_as_short_as_can_be(reason: Reason) -> None:
    place, why = ELSEWHERE[reason]
    assert reason.name not in STORIES | SERVERS, "it is reached: take it from the list"
    assert why
    assert re.search(rf"\b{reason.name}\b", (ROOT / place).read_text()), f"{place} does not know it"
