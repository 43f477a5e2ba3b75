"""A pod that is asked for ONNX serves a graph where there is one that answers the same, and the model itself where there is none."""

from pathlib import Path

from tests.unit.predictors.models import save_digits, save_line
from treadle.contracts.serving import RuntimeSpec
from treadle.runtime._server import _loaded


def spec_of(directory: Path, *, onnx: bool) -> RuntimeSpec:
    named = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7"}
    return RuntimeSpec.model_validate(named | {"model_directory": str(directory), "onnx": onnx})


def test_the_wish_is_fulfilled_where_it_can_be(tmp_path: Path) -> None:
    digits, line = save_digits(tmp_path / "digits"), save_line(tmp_path / "line")
    flavours = [_loaded(spec_of(directory, onnx=onnx)).flavour for directory, onnx in ((digits, False), (digits, True), (line, True))]
    assert flavours == ["sklearn", "sklearn+onnx", "sklearn"]
