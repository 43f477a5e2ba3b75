"""A Job's last words, whatever happens in it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from treadle.contracts import ExitCode, JobSpec
from treadle.jobs._label_studio import LabellingTask
from treadle.jobs._run import run


class Spec(JobSpec):
    kind: str = "strange"
    contract: int = 1


def failing(spec: Spec) -> None:
    raise KeyError("Mrs. Miller's diagnosis")


@pytest.mark.parametrize(("sensitive", "words"), [(False, 'KeyError: "Mrs. Miller\'s diagnosis"'), (True, "KeyError")])
def test_a_defect_quotes_nothing_of_sensitive_data(tmp_path: Path, sensitive: bool, words: str) -> None:
    code = run(Spec(sensitive=sensitive).to_variable(), {"strange": (Spec, failing)}, tmp_path / "log")  # type: ignore[dict-item]
    assert code is ExitCode.BUG
    assert json.loads((tmp_path / "log").read_text()) == {"kind": "failure", "reason": "JobDefect", "message": words}


def test_an_answer_that_is_not_understood_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        LabellingTask.model_validate({"id": "Mrs. Miller", "data": {}})
    assert "Miller" not in str(caught.value)
