"""The example of the evaluation is asked before a pod is ready: who answers otherwise does not serve; what cannot be asked hinders nobody."""

import logging
from pathlib import Path

import pytest

from tests.unit.predictors.models import LABELS, png, save_digits, save_iris, save_line
from treadle.api.reasons import Reason
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.smoke import ITEM_LIMIT, KnownAnswer
from treadle.predictors import NotLoadable, load_model
from treadle.runtime._server import _loaded
from treadle.runtime._smoke import ask

INDEX = 1500


def example(folder: Path, label: str = LABELS[INDEX], content: bytes | None = None) -> KnownAnswer:
    file = folder / "example"
    file.write_bytes(png(INDEX) if content is None else content)
    return KnownAnswer(file=str(file), label=label)


def spec_of(folder: Path, known: KnownAnswer | None, **told: object) -> RuntimeSpec:
    named = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7"}
    return RuntimeSpec.model_validate(named | {"model_directory": str(save_digits(folder / "model")), "smoke": known} | told)


@pytest.mark.parametrize("onnx", [False, True])
def test_a_model_that_answers_as_it_did_serves(tmp_path: Path, onnx: bool) -> None:
    assert _loaded(spec_of(tmp_path, example(tmp_path), onnx=onnx)).estimator.classifies


def test_a_model_that_answers_otherwise_does_not_serve_and_says_what_it_answers(tmp_path: Path) -> None:
    with pytest.raises(NotLoadable, match=f"answers '{LABELS[INDEX]}' to the example that it answered 'seven' when it was evaluated") as failure:
        _loaded(spec_of(tmp_path, example(tmp_path, "seven")))
    assert failure.value.reason is Reason.SmokeFailed


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_model_that_cannot_answer_it_any_more_does_not_serve(tmp_path: Path, sensitive: bool) -> None:
    with pytest.raises(NotLoadable, match="cannot answer the example") as failure:
        _loaded(spec_of(tmp_path, example(tmp_path, content=b"no image"), sensitive=sensitive))
    assert ("not an image" in str(failure.value)) is not sensitive


def test_what_cannot_be_asked_is_said_in_the_log_and_hinders_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "treadle.runtime")
    digits, known = load_model(save_digits(tmp_path / "digits")), example(tmp_path)
    ask(digits, None)
    assert caplog.messages == []
    ask(digits, KnownAnswer(file=str(tmp_path / "gone"), label="3"))
    ask(load_model(save_iris(tmp_path / "iris")), known)
    ask(load_model(save_line(tmp_path / "line")), known)
    ask(digits, example(tmp_path, content=bytes(ITEM_LIMIT + 1)))
    assert [message.split(":")[0] for message in caplog.messages] == ["the smoke example is not asked"] * 4
