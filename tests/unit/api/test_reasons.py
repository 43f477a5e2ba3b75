"""Every reason explains itself, and the page that lists them is the generated one."""

from pathlib import Path

import pytest

from treadle.api import Reason
from treadle.api.generate import reasons_page

PAGE = Path(__file__).parents[3] / "docs" / "reasons.md"


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_says_what_is_the_case_and_what_to_do(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert reason.remedy.endswith(".")
    assert "\n" not in reason.meaning + reason.remedy
    assert str(reason)[0].isupper()
    assert str(reason).isalnum()


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text() == reasons_page(), "run `make generate`"


def test_the_page_lists_every_reason_once() -> None:
    rows = [line.split("|")[1].strip() for line in reasons_page().splitlines() if line.startswith("| <a ")]
    assert rows == [f'<a id="{reason.lower()}"></a>`{reason}`' for reason in sorted(str(reason) for reason in Reason)]
