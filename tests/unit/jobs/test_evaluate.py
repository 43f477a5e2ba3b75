"""The evaluation Job on real models and real images, in one process: what it measures, and what it says when it cannot."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.predictors.models import LABELS, PIXEL_SIGNATURE, PIXELS, png, save, save_digits, save_line
from tests.unit.predictors.test_propose import picture, save_detector
from treadle.contracts.dataset import DESCRIPTION, ITEMS, FetchedDataset, FetchedItem, Split
from treadle.contracts.evaluate import (
    METRICS_FILE,
    METRICS_LIMIT,
    MODELS_LIMIT,
    REFERENCE_FILE,
    EvaluateResult,
    EvaluateSpec,
    Measured,
    ModelToMeasure,
    Smoke,
)
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, Rating
from treadle.contracts.sketch import Reference
from treadle.jobs._answers import answers_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import contents_of, tree_digest
from treadle.jobs.evaluate import evaluate

HELD_OUT = range(1500, 1560)
METRICS = ("accuracy", "items", "f1", "f1/7", "f1/unheard-of", "accuracy/source/even")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Held-out digits in the split test, as the init container leaves them, and one digit in the split train."""
    directory = tmp_path_factory.mktemp("dataset")
    lines = []
    for index in (*HELD_OUT, 0):
        (directory / f"{index}.png").write_bytes(png(index))
        split: Split = "test" if index else "train"
        digest = hashlib.sha256(png(index)).hexdigest()
        item = FetchedItem(
            key=f"{index:04}", uri=f"s3://raw/{index}.png", sha256=digest, label=ClassLabel(label=LABELS[index]), split=split, path=f"{index}.png",
            source="odd" if index % 2 else "even",
        )  # fmt: skip
        lines.append(item.to_json())
    (directory / ITEMS).write_text("\n".join(lines) + "\n")
    return directory


def spec_of(dataset: Path, *models: ModelToMeasure, split: Split = "test", sensitive: bool = False) -> EvaluateSpec:
    output = str(Path(models[0].directory).parent / "found")
    return EvaluateSpec(dataset=str(dataset), split=split, models=models, metrics=METRICS, sensitive=sensitive, output=output)


def save_worse(directory: Path) -> Path:
    """A classifier that has seen 30 digits only."""
    from sklearn.linear_model import LogisticRegression

    estimator = LogisticRegression(max_iter=300).fit(PIXELS[:30], LABELS[:30])
    return save(directory, estimator, signature=PIXEL_SIGNATURE, metadata={"treadle.input": "image/grayscale/8x8"})


def test_two_models_are_measured_on_the_same_items(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_digits(tmp_path / "own")))
    champion = ModelToMeasure(version="4", directory=str(save_worse(tmp_path / "champion")))
    found = evaluate(spec_of(dataset, own, champion))
    assert found.items == len(HELD_OUT)
    ours, theirs = (dict(zip(METRICS, model.values, strict=True)) for model in found.measured)
    assert ours["items"] == theirs["items"] == len(HELD_OUT)
    assert ours["f1"] is not None
    assert theirs["f1"] is not None
    assert ours["f1"] > 0.85 > theirs["f1"]
    assert ours["f1/unheard-of"] is None
    assert 0 < (ours["accuracy/source/even"] or 0) <= 1
    assert found.smoke is not None
    index = int(Path(found.smoke.uri).stem)
    assert found.smoke.label == LABELS[index]
    assert found.smoke.sha256 == hashlib.sha256(png(index)).hexdigest()
    assert found.model == tree_digest(contents_of(tmp_path / "own"))


def test_the_reference_of_drift_holds_what_the_model_was_given_and_what_it_answered(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_digits(tmp_path / "own")))
    found = evaluate(spec_of(dataset, own))
    content = (tmp_path / "found" / REFERENCE_FILE).read_bytes()
    assert found.reference == hashlib.sha256(content).hexdigest()
    sketch = Reference.model_validate_json(content).sketch
    assert sketch.items == len(HELD_OUT)
    assert len(sketch.features) == 64
    assert set(sketch.predictions) == {"label", "score"}
    assert {sum(one.all_counts()) for one in sketch.predictions.values()} == {len(HELD_OUT)}
    assert {sum(one.all_counts()) for one in sketch.features.values()} == {len(HELD_OUT) + 1}, "with the item of the training"


def test_texts_are_measured(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = ["kept cold, größer als gedacht", "cold and good", "it leaks", "it leaks again"]
    labels = ["praise", "praise", "complaint", "complaint"]
    estimator = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, labels)
    signature = {"inputs": '[{"type": "string", "required": true}]', "outputs": None}
    own = ModelToMeasure(directory=str(save(tmp_path / "own", estimator, signature=signature)))
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.txt").write_text(text)
    items = [
        FetchedItem(key=str(at), uri=f"s3://raw/{at}", sha256="a" * 64, label=ClassLabel(label=label), split="test", path=f"{at}.txt")
        for at, label in enumerate(labels)
    ]
    (tmp_path / ITEMS).write_text("".join(item.to_json() + "\n" for item in items))
    found = evaluate(spec_of(tmp_path, own))
    assert dict(zip(METRICS, found.measured[0].values, strict=True))["accuracy"] == 1.0
    sketch = Reference.model_validate_json((tmp_path / "found" / REFERENCE_FILE).read_bytes()).sketch
    assert set(sketch.features) == {"item.characters", "item.words"}


def test_a_version_that_cannot_be_loaded_is_told_and_stops_nothing(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_digits(tmp_path / "own")))
    champion = ModelToMeasure(version="4", directory=str(save_digits(tmp_path / "champion")))
    (tmp_path / "champion" / "MLmodel").unlink()
    ours, theirs = evaluate(spec_of(dataset, own, champion)).measured
    assert ours.values
    assert not theirs.values
    assert "MLmodel" in theirs.trouble


def test_of_sensitive_data_no_example_is_kept(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_digits(tmp_path / "own")))
    assert evaluate(spec_of(dataset, own, sensitive=True)).smoke is None


def test_a_model_that_takes_no_items_is_refused(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_line(tmp_path / "own")))
    with pytest.raises(JobFailure, match="ItemsNotAccepted"):
        evaluate(spec_of(dataset, own))


def test_an_empty_split_is_refused(dataset: Path, tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_digits(tmp_path / "own")))
    with pytest.raises(JobFailure, match="SplitEmpty"):
        evaluate(spec_of(dataset, own, split="validation"))


def test_the_longest_result_fits_a_termination_message() -> None:
    values = tuple(float(value) for value in -np.full(METRICS_LIMIT, 1.23456e-05))
    measured = tuple(Measured(version="9" * 20, values=values) for _ in range(MODELS_LIMIT))
    smoke = Smoke(uri="s3://b/" + "x" * 1000, sha256="f" * 64, label="l" * 128, score=0.123456)
    result = EvaluateResult(items=10**9, measured=measured, smoke=smoke, model="f" * 64, not_stored="x" * 256)
    assert json.loads(result.to_message())["items"] == 10**9
    result = EvaluateResult(items=10**9, measured=measured, smoke=smoke, model="f" * 64, reference="f" * 64, details="f" * 64)
    assert json.loads(result.to_message())["items"] == 10**9


def test_the_jobs_image_needs_nothing_that_loads_models() -> None:
    program = "import sys, treadle.jobs.__main__; sys.exit(str({'pandas', 'sklearn', 'skops'} & set(sys.modules) or '') or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("left", ["[" * 100_000, f'{{"f1": {10**400}}}', '{"f1": "good"}', "7"], ids=["deep", "huge", "text", "number"])
def test_metrics_that_are_none_are_told(left: str, tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).write_text(left)
    with pytest.raises(JobFailure, match="not an object of numbers"):
        answers_of(ModelToMeasure.model_construct(answers=str(tmp_path), directory="", version=""), tmp_path, [])


def test_a_detector_is_measured_by_its_boxes(tmp_path: Path) -> None:
    own = ModelToMeasure(directory=str(save_detector(tmp_path / "own")))
    there, elsewhere = Box(label="can", x=10, y=10, width=30, height=20), Box(label="can", x=0, y=30, width=5, height=5)
    items = []
    for number, (shade, boxes) in enumerate([(255, (there,)), (51, (there, elsewhere)), (102, (elsewhere,))]):
        (tmp_path / f"{number}.png").write_bytes(picture(shade))
        item = FetchedItem(
            key=str(number), uri=f"s3://raw/{number}.png", sha256="a" * 64, label=Boxes(boxes=boxes), split="test", path=f"{number}.png",
            image=ImageSize(width=60, height=40),
        )  # fmt: skip
        items.append(item.to_json() + "\n")
    (tmp_path / ITEMS).write_text("".join(items))
    metrics = ("items", "recall", "precision", "map50", "ap50/can")
    found = evaluate(spec_of(tmp_path, own).model_copy(update={"metrics": metrics}))
    told = dict(zip(metrics, found.measured[0].values, strict=True))
    # It finds one box in each of three images, and is surest of a right one; there are four.
    assert (told["items"], told["recall"], told["precision"]) == (3, 0.5, pytest.approx(2 / 3, abs=1e-5))
    assert told["map50"] == told["ap50/can"] == pytest.approx((26 + 25 * 2 / 3) / 101, abs=1e-5)
    sketch = Reference.model_validate_json((tmp_path / "found" / REFERENCE_FILE).read_bytes()).sketch
    assert set(sketch.predictions) == {"boxes", "label", "score"}
    assert {sum(one.all_counts()) for one in sketch.features.values()} == {3}


def test_a_classifier_of_the_steps_of_a_scale_is_measured_as_a_rating(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, names = ["leaks and smells", "leaks", "fine", "fine and cold"], ["bad", "poor", "fair", "good"]
    estimator = make_pipeline(CountVectorizer(), LogisticRegression(C=100)).fit(texts, names)
    signature = {"inputs": '[{"type": "string", "required": true}]', "outputs": None}
    own = ModelToMeasure(directory=str(save(tmp_path / "own", estimator, signature=signature)))
    truths = ["bad", "poor", "fair", "fair"]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.txt").write_text(text)
    items = [
        FetchedItem(
            key=str(at), uri=f"s3://raw/{at}", sha256="a" * 64, label=Rating(step=1 + names.index(name), label=name), split="test", path=f"{at}.txt"
        )
        for at, name in enumerate(truths)
    ]
    (tmp_path / ITEMS).write_text("".join(item.to_json() + "\n" for item in items))
    described = FetchedDataset(version=1, digest="0" * 64, uri="s3://sets/v1/", format="Jsonl", labels=tuple(names), splits={"test": 4})
    (tmp_path / DESCRIPTION).write_text(described.to_json())
    metrics = ("accuracy", "mae")
    found = evaluate(spec_of(tmp_path, own).model_copy(update={"metrics": metrics}))
    assert found.measured[0].values == (0.75, 0.25)
