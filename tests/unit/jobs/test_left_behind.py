"""What a user's own image leaves behind is measured like the answers of a model that we load: classes, boxes, or plain metrics."""

import json
from pathlib import Path

import pytest

from treadle.contracts.dataset import ITEMS, FetchedItem
from treadle.contracts.evaluate import DETAILS_FILE, REFERENCE_FILE, EvaluateSpec, EvaluationDetails, ModelToMeasure
from treadle.contracts.labels import Box, Boxes, ClassLabel, Label, Span, Spans
from treadle.contracts.model import ClassPrediction, PredictedItem, Prediction
from treadle.contracts.sketch import Reference
from treadle.jobs._failure import JobFailure
from treadle.jobs.evaluate import evaluate

METRICS = ("accuracy", "map50", "f1", "items", "recall/source/night", "bleu")


class Folder:
    """A fetched dataset, and where a user's image left what it measured."""

    def __init__(self, folder: Path, *labels: Label) -> None:
        self.dataset, self.answers, self.output = folder / "dataset", folder / "answers", folder / "found"
        self.dataset.mkdir()
        self.answers.mkdir()
        lines = [
            FetchedItem(
                key=str(at), uri=f"s3://raw/{at}", sha256="a" * 64, label=label, split="test", path=str(at), source="night" if at % 2 else "day"
            )
            for at, label in enumerate(labels)
        ]
        (self.dataset / ITEMS).write_text("".join(line.to_json() + "\n" for line in lines))
        self.spec = EvaluateSpec(
            dataset=str(self.dataset),
            models=(ModelToMeasure(directory="/nowhere", answers=str(self.answers)),),
            metrics=METRICS,
            output=str(self.output),
        )

    def predicts(self, *predictions: Prediction) -> None:
        lines = [PredictedItem(key=str(at), prediction=prediction) for at, prediction in enumerate(predictions)]
        (self.answers / "predictions.jsonl").write_text("".join(line.to_json() + "\n" for line in lines))

    def measured(self) -> dict[str, float | None]:
        (found,) = evaluate(self.spec).measured
        return dict(zip(METRICS, found.values, strict=True))


@pytest.fixture
def letters(tmp_path: Path) -> Folder:
    return Folder(tmp_path, *(ClassLabel(label=name) for name in "aabb"))


def test_predictions_of_classes_are_measured_and_sketched(letters: Folder) -> None:
    letters.predicts(*(ClassPrediction(label=name, score=0.5 + at / 10) for at, name in enumerate("abbb")))
    assert letters.measured() == {"accuracy": 0.75, "map50": None, "f1": 0.733333, "items": 4.0, "recall/source/night": 0.5, "bleu": None}
    details = EvaluationDetails.model_validate_json((letters.output / DETAILS_FILE).read_text())
    (model,) = details.models
    assert model.confusion is not None
    assert (model.confusion.labels, model.confusion.counts) == (("a", "b"), ((1, 1), (0, 2)))
    reference = Reference.model_validate_json((letters.output / REFERENCE_FILE).read_text())
    assert reference.sketch.predictions["label"].all_counts() == (1, 3, 0, 0)
    assert reference.sketch.features == {}


def test_predictions_of_boxes_are_measured(tmp_path: Path) -> None:
    box = Box(label="can", x=0, y=0, width=10, height=10)
    folder = Folder(tmp_path, Boxes(boxes=(box,)), Boxes())
    folder.predicts(Boxes(boxes=(box.model_copy(update={"score": 0.9}),)), Boxes(boxes=(box.model_copy(update={"score": 0.1}),)))
    measured = folder.measured()
    assert (measured["map50"], measured["f1"], measured["accuracy"]) == (1.0, 0.666667, None)
    reference = Reference.model_validate_json((folder.output / REFERENCE_FILE).read_text())
    assert set(reference.sketch.predictions) == {"boxes", "label", "score"}


def test_predictions_of_spans_are_measured_and_counted_for_drift(tmp_path: Path) -> None:
    def names(*spans: tuple[str, int, int]) -> Spans:
        return Spans(spans=tuple(Span(label=label, start=start, end=end, score=0.5) for label, start, end in spans))

    texts = Folder(tmp_path, names(("person", 0, 4)), names(("place", 3, 9), ("person", 10, 14)))
    texts.predicts(names(("person", 0, 4)), names(("place", 3, 8)))
    assert texts.measured() == {"accuracy": None, "map50": None, "f1": 0.4, "items": 2.0, "recall/source/night": 0.0, "bleu": None}
    sketch = Reference.model_validate_json((texts.output / REFERENCE_FILE).read_text()).sketch
    assert sorted(sketch.predictions) == ["label", "score", "spans"]


def test_metrics_alone_are_taken_as_they_are_said(letters: Folder) -> None:
    (letters.answers / "metrics.json").write_text('{"bleu": 0.4, "f1": 1, "other": null}')
    assert letters.measured() == {"accuracy": None, "map50": None, "f1": 1.0, "items": 4.0, "recall/source/night": None, "bleu": 0.4}
    assert evaluate(letters.spec).reference is None


def test_metrics_beside_predictions_count_before_ours(letters: Folder) -> None:
    letters.predicts(*(ClassPrediction(label=name, score=1) for name in "aabb"))
    (letters.answers / "metrics.json").write_text('{"f1": 0.25}')
    assert (letters.measured()["accuracy"], letters.measured()["f1"]) == (1.0, 0.25)


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("metrics.json", '{"f1": "high"}', "NothingMeasured"),
        ("metrics.json", "[1]", "NothingMeasured"),
        ("metrics.json", json.dumps({f"m{number}": number for number in range(1001)}), "more than 1000"),
        ("predictions.jsonl", '{"key": "0"}', "prediction: Field required"),
        ("predictions.jsonl", '{"key": "0", "prediction": {"shape": "Class", "label": "a", "score": 1}}', "no answer for 3 of 4 items"),
        ("other.txt", "", "neither metrics.json nor predictions.jsonl"),
    ],
)
def test_what_cannot_be_used_is_told(letters: Folder, file: str, content: str, why: str) -> None:
    (letters.answers / file).write_text(content)
    with pytest.raises(JobFailure, match=why):
        evaluate(letters.spec)


def test_boxes_are_no_answer_to_a_question_for_one_label(letters: Folder) -> None:
    letters.predicts(*(Boxes() for _ in range(4)))
    with pytest.raises(JobFailure, match="another shape"):
        evaluate(letters.spec)
