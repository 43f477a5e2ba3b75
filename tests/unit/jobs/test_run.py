"""A Job's last words, whatever happens in it."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from treadle.contracts import ExitCode, JobSpec
from treadle.jobs._label_studio import LabellingTask
from treadle.jobs._run import KINDS, run, work_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODELS_OF_KINDS = {"treadle.api.annotation_project", "treadle.api.training_run", "treadle.api.model_deployment"}
PROCESSES = {"treadle.jobs.__main__": MODELS_OF_KINDS | {"treadle.jobs.sync", "numpy", "pandas"}, "treadle.runtime.__main__": MODELS_OF_KINDS}


class Spec(JobSpec):
    kind: str = "strange"
    contract: int = 1


def failing(spec: Spec) -> None:
    raise KeyError("Mrs. Miller's diagnosis")


@pytest.mark.parametrize(("sensitive", "words"), [(False, 'KeyError: "Mrs. Miller\'s diagnosis"'), (True, "KeyError")])
def test_a_defect_quotes_nothing_of_sensitive_data(tmp_path: Path, sensitive: bool, words: str) -> None:
    code = run(Spec(sensitive=sensitive).to_variable(), tmp_path / "log", lambda kind: (Spec, failing))  # type: ignore[arg-type, return-value]
    assert code is ExitCode.BUG
    assert json.loads((tmp_path / "log").read_text()) == {"kind": "failure", "reason": "JobDefect", "message": words}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_job_finds_who_does_it(kind: str) -> None:
    spec, work = work_of(kind, NOW)
    assert spec.model_fields["kind"].default == kind
    assert callable(work)


def test_a_job_of_another_version_of_treadle_is_told_what_this_image_has(tmp_path: Path) -> None:
    code = run(Spec().to_variable(), tmp_path / "log", partial(work_of, now=NOW))
    assert code is ExitCode.BAD_INPUT
    assert json.loads((tmp_path / "log").read_text())["message"].startswith('this image has no job "strange"; it has sync, ')


def test_a_process_of_ours_starts_without_what_it_does_not_need() -> None:
    for process, not_needed in PROCESSES.items():
        loaded = f"import sys, {process}; print(*sorted(set(sys.modules) & {not_needed!r}))"
        assert subprocess.check_output([sys.executable, "-c", loaded], text=True).split() == [], process


def test_an_answer_that_is_not_understood_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        LabellingTask.model_validate({"id": "Mrs. Miller", "data": {}})
    assert "Miller" not in str(caught.value)
