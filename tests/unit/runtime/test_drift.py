"""What a pod counts for drift: real models, windows cut by a clock that is turned by hand, and a queue that never makes a request wait."""

from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.predictors.models import PIXELS, save_digits, save_iris, save_line
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.sketch import Reference
from treadle.predictors import Model, feature_columns, load_model
from treadle.runtime._drift import REQUESTS_LIMIT, Drift
from treadle.runtime._first_window import FirstWindow
from treadle.runtime._metrics import RuntimeMetrics
from treadle.statistics.sketches import sketch_of

HOUR = 3600
PETAL = "petal length (cm)"


class Clock:
    """Stands still until it is turned."""

    def __init__(self, now: float = 100 * HOUR) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Pod:
    """A model with its reference, and what counts for it."""

    def __init__(self, directory: Path, model: Model, inputs: dict[str, np.ndarray], **spec: object) -> None:
        self.model = model
        known = model.infer(inputs)
        reference = Reference(split="test", sketch=sketch_of(known.rows, feature_columns(known.given), model.answer_columns(known)))
        (directory / "reference.json").write_text(reference.to_json())
        told = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7", "drift_seconds": HOUR}
        self.spec = RuntimeSpec.model_validate(told | {"reference_file": str(directory / "reference.json")} | spec)
        self.metrics = RuntimeMetrics(self.spec)
        self.clock = Clock()
        self.drift = Drift(self.spec, self.metrics, self.clock)

    def ask(self, inputs: dict[str, np.ndarray]) -> None:
        self.drift.seen(self.model, self.model.infer(inputs))

    def metric(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(self.metrics.exposition().decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name and labels.items() <= sample.labels.items()]
        return samples[0].value


def rows(*petals: float) -> dict[str, np.ndarray]:
    names = ["sepal length (cm)", "sepal width (cm)", PETAL, "petal width (cm)"]
    return {name: np.asarray(petals if name == PETAL else [1.5] * len(petals)) for name in names}


@pytest.fixture
def iris(tmp_path: Path) -> Pod:
    return Pod(tmp_path, load_model(save_iris(tmp_path / "model")), rows(*np.linspace(1, 7, 200)))


def test_whole_windows_are_told_and_the_current_one_is_not(iris: Pod) -> None:
    iris.ask(rows(1.5, 6.5))
    iris.ask(rows(2.5))
    iris.drift.count()
    assert iris.drift.report(0).window is None
    iris.clock.now += HOUR
    report = iris.drift.report(0)
    assert report.through == 100
    assert report.window
    assert report.window.items == 3
    assert sum(report.window.features[PETAL].all_counts()) == 3
    assert report.reference
    assert report.reference.items == 200


def test_what_is_known_already_is_not_told_again_and_windows_add_up(iris: Pod) -> None:
    for _ in range(3):
        iris.ask(rows(1.5, 6.5))
        iris.drift.count()
        iris.clock.now += HOUR
    counted = [report.window.items if (report := iris.drift.report(since)).window else 0 for since in (0, 100, 101, 102)]
    assert counted == [6, 4, 2, 0]
    assert iris.drift.report(102).reference is None


def test_windows_of_more_than_a_day_ago_are_forgotten(iris: Pod) -> None:
    iris.ask(rows(1.5))
    iris.drift.count()
    iris.clock.now += 26 * HOUR
    iris.drift.count()
    assert iris.drift.report(0).window is None


def test_requests_above_the_bound_are_passed_over_and_counted_as_that(iris: Pod) -> None:
    for _ in range(REQUESTS_LIMIT + 5):
        iris.ask(rows(1.5))
    iris.drift.count()
    iris.ask(rows(1.5))
    iris.drift.count()
    iris.clock.now += HOUR
    report = iris.drift.report(0)
    assert report.window
    assert (report.window.items, report.passed_over) == (REQUESTS_LIMIT + 1, 5)
    assert iris.metric("treadle_serving_drift_passed_over_total") == 5


def test_a_whole_window_is_told_to_prometheus(iris: Pod) -> None:
    iris.ask(rows(*[6.9] * 500))
    iris.drift.count()
    iris.clock.now += HOUR
    iris.ask(rows(1.5))
    iris.drift.count()
    assert iris.metric("treadle_serving_feature_psi", feature=PETAL) > 1
    assert iris.metric("treadle_serving_prediction_psi", output="label") > 0.5


def test_both_protocols_and_images_are_counted(tmp_path: Path) -> None:
    pod = Pod(tmp_path, load_model(save_digits(tmp_path / "model")), {"input-0": PIXELS[:300]})
    pod.drift.seen(pod.model, pod.model.infer({"input-0": PIXELS[300:400]}))
    pod.drift.seen(pod.model, pod.model.predict({"input-0": PIXELS[400:500]}))
    pod.drift.count()
    pod.clock.now += HOUR
    window = pod.drift.report(0).window
    assert window
    assert window.items == 200
    assert sum(window.predictions["label"].all_counts()) == 200
    assert sum(window.predictions["score"].all_counts()) == 0, "MLflow's own predict tells no score, so that none is counted of a mixture"


@pytest.mark.parametrize("spec", [{"reference_file": "/none/reference.json"}, {"reference_file": __file__}, {"drift_from_first_window": True}])
def test_without_a_reference_the_first_whole_window_becomes_it(tmp_path: Path, spec: dict[str, object]) -> None:
    pod = Pod(tmp_path, load_model(save_iris(tmp_path / "model")), rows(1.0, 2.0), **spec)
    pod.ask(rows(*[1.5] * 150))
    pod.drift.count()
    pod.clock.now += HOUR
    pod.ask(rows(*[2.5] * 50))
    pod.drift.count()
    learning = pod.drift.report(0)
    assert learning.window is None
    assert "first whole window" in learning.trouble or "cannot be read" in learning.trouble
    pod.ask(rows(*[6.5] * 10))
    pod.drift.count()
    pod.clock.now += HOUR
    report = pod.drift.report(0)
    assert report.trouble == ""
    assert report.reference
    assert report.window
    assert (report.reference.items, report.window.items) == (200, 10)
    assert {PETAL} < set(report.reference.features)
    assert "label" in report.reference.predictions


def test_of_sensitive_requests_only_numbers_are_learnt() -> None:
    first = FirstWindow(sensitive=True)
    first.add({"size": np.linspace(0, 1, 200), "name": np.asarray(["x", "y"] * 100, dtype=object)}, {})
    reference = first.reference()
    assert reference
    assert list(reference.features) == ["size"]


def test_a_long_first_window_is_learnt_from_its_whole_length() -> None:
    first = FirstWindow(sensitive=False)
    for second in range(3600):
        first.add({"x": np.asarray([float(second)] * 2)}, {})
    reference = first.reference()
    assert reference
    assert reference.items <= 1000
    middle = reference.features["x"].bins[len(reference.features["x"].bins) // 2]
    assert middle == pytest.approx(1800, rel=0.1)


def test_of_a_regression_the_numbers_that_it_answers_are_counted(tmp_path: Path) -> None:
    pod = Pod(tmp_path, load_model(save_line(tmp_path / "model")), {"x": np.linspace(0, 1, 100).reshape(-1, 1)})
    pod.ask({"x": np.linspace(0, 1, 30).reshape(-1, 1)})
    pod.drift.count()
    pod.clock.now += HOUR
    window = pod.drift.report(0).window
    assert window
    assert sum(window.predictions["predictions"].all_counts()) == 30


def test_where_drift_is_not_watched_nothing_is_counted(tmp_path: Path) -> None:
    pod = Pod(tmp_path, load_model(save_iris(tmp_path / "model")), rows(1.0, 2.0), drift_seconds=0)
    assert not pod.drift.watches
    pod.ask(rows(1.5))
    pod.drift.count()
    assert "not watched" in pod.drift.report(0).trouble
