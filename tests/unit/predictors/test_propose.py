"""Models as proposers: every class with its score, and boxes in the pixels of the image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.unit.predictors.models import LABELS, png, save_digits, save_line
from treadle.contracts.labels import Boxes, ImageSize
from treadle.contracts.model import ClassPrediction
from treadle.predictors import BadInput, NotLoadable, load_model
from treadle.predictors._boxes import BoxOutputs, read_outputs
from treadle.predictors._items import ImageItems

INPUT = ImageItems("RGB", 100, 50)
SIZE = ImageSize(width=200, height=200)
CORNERS = BoxOutputs(corners=True, labels=["", "can"])


def test_a_classifier_says_how_likely_each_label_is(tmp_path: Path) -> None:
    answers = load_model(save_digits(tmp_path)).propose([png(number) for number in range(1500, 1520)], [None] * 20)
    assert all(isinstance(answer, ClassPrediction) and answer.scores for answer in answers)
    for answer in answers:
        assert isinstance(answer, ClassPrediction)
        assert answer.scores
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-4)
        assert answer.score == max(answer.scores.values())
    assert np.mean([answer.label == LABELS[1500 + at] for at, answer in enumerate(answers) if isinstance(answer, ClassPrediction)]) > 0.8


def test_a_model_of_numbers_proposes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="neither classes nor boxes"):
        load_model(save_line(tmp_path)).propose([b"x"], [None])


def outputs(boxes: Any, labels: Any, scores: Any) -> dict[str, Any]:
    return {"boxes": np.array(boxes, dtype=np.float32), "labels": np.array(labels), "scores": np.array(scores, dtype=np.float32)}


def test_boxes_are_told_in_the_pixels_of_the_image() -> None:
    found = CORNERS.read(outputs([[[10, 5, 30, 25], [0, 0, 9, 9]]], [[1, 0]], [[0.75, 0.9]]), INPUT, SIZE)
    (box,) = found.boxes
    assert (box.label, box.x, box.y, box.width, box.height, box.score) == ("can", 20, 20, 40, 80, 0.75)
    extent = BoxOutputs(corners=False, labels=["", "can"]).read(outputs([[10, 5, 20, 20]], [1], [0.75]), INPUT, SIZE)
    assert extent == found


def test_boxes_are_cut_at_the_edge_and_those_outside_are_left_out() -> None:
    found = CORNERS.read(outputs([[-10, -10, 10, 10], [200, 200, 300, 300], [5, 5, 5, 9], [np.nan, 0, 1, 1]], [1] * 4, [0.5] * 4), INPUT, SIZE)
    (box,) = found.boxes
    assert (box.x, box.y, box.width, box.height) == (0, 0, 20, 40)
    assert CORNERS.read(outputs(np.zeros((0, 4)), [], []), INPUT, SIZE) == Boxes()


def test_outputs_that_are_not_as_declared_are_refused() -> None:
    with pytest.raises(BadInput, match="no output scores"):
        CORNERS.read({"boxes": np.zeros((1, 4)), "labels": np.ones(1)}, INPUT, SIZE)
    with pytest.raises(BadInput, match="1 boxes, 2 labels and 2 scores"):
        CORNERS.read(outputs([[0, 0, 1, 1]], [1, 1], [0.5, 0.5]), INPUT, SIZE)


@pytest.mark.parametrize(
    "metadata", [{"treadle.output": "boxes"}, {"treadle.output": "boxes/xyxy"}, {"treadle.output": "boxes/xyxy", "treadle.labels": "can"}]
)
def test_a_declaration_that_is_not_understood_is_refused(metadata: dict[str, Any]) -> None:
    with pytest.raises(NotLoadable, match=r"treadle\.(output|labels)"):
        read_outputs(metadata)


def test_a_declaration_is_read() -> None:
    assert read_outputs({}) is None
    assert read_outputs({"treadle.output": "boxes/xyxy", "treadle.labels": ["", "can"]}) == CORNERS


def save_detector(directory: Path) -> Path:
    """An ONNX graph that always finds one box, and is as sure of it as the image is bright."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Constant", [], ["boxes"], value=helper.make_tensor("b", TensorProto.FLOAT, [1, 4], [1.0, 1.0, 4.0, 3.0])),
        helper.make_node("Constant", [], ["labels"], value=helper.make_tensor("l", TensorProto.INT64, [1], [1])),
        helper.make_node("Constant", [], ["white"], value=helper.make_tensor("w", TensorProto.FLOAT, [], [255.0])),
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["share"]),
        helper.make_node("Constant", [], ["flat"], value=helper.make_tensor("f", TensorProto.INT64, [1], [1])),
        helper.make_node("Reshape", ["share", "flat"], ["scores"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 4, 6, 3])
    answers = [("boxes", TensorProto.FLOAT, [1, 4]), ("labels", TensorProto.INT64, [1]), ("scores", TensorProto.FLOAT, [1])]
    graph = helper.make_graph(nodes, "detector", [image], [helper.make_tensor_value_info(*each) for each in answers])
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), directory / "model.onnx")
    inputs = '[{"name": "image", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4, 6, 3]}}]'
    metadata = {"treadle.input": "image/rgb/6x4", "treadle.output": "boxes/xyxy", "treadle.labels": ["", "can"]}
    manifest = {"flavors": {"onnx": {"data": "model.onnx", "onnx_version": onnx.__version__}}, "metadata": metadata, "signature": {"inputs": inputs}}
    (directory / "MLmodel").write_text(yaml.safe_dump(manifest))
    return directory


def picture(shade: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (60, 40), (shade, shade, shade)).save(content, "PNG")
    return content.getvalue()


def test_a_detector_is_asked_image_by_image(tmp_path: Path) -> None:
    answers = load_model(save_detector(tmp_path)).propose([picture(255), picture(51)], [ImageSize(width=60, height=40)] * 2)
    found = [answer.boxes[0] for answer in answers if isinstance(answer, Boxes)]
    assert [(box.label, box.x, box.y, box.width, box.height) for box in found] == [("can", 10, 10, 30, 20)] * 2
    assert [box.score for box in found] == [1.0, pytest.approx(0.2, abs=1e-3)]
