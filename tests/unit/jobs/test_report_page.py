"""The page about a run: whole in itself, whatever names and numbers it is given."""

import math
from html.parser import HTMLParser

import pytest

from treadle.contracts.evaluate import ConfusionMatrix, EvaluationDetails, MeasuredModel
from treadle.contracts.report import AttemptRow, BaselineRow, Fact, GateRow, ReportSpec
from treadle.contracts.stores import Blob, StoreConnection
from treadle.jobs._charts import POINTS_LIMIT, curve, matrix, thinned
from treadle.jobs._page import Logged, page

EVIL = '"><script>alert(1)</script><img src="https://evil.example/x">'
LINKING = {"src", "href", "xlink:href", "data", "action", "srcset", "poster"}


class Seen(HTMLParser):
    """What a browser would load, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in LINKING]
        if tag not in ("meta", "br", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def make_spec(**changes: object) -> ReportSpec:
    told = {
        "store": StoreConnection(),
        "uri": "s3://mlflow/1/run/artifacts/treadle/report.html",
        "details": Blob(uri="s3://mlflow/1/run/artifacts/treadle/evaluation.json", sha256="a" * 64),
        "name": "digits-v1",
        "outcome": "Succeeded",
        "facts": (Fact(name="tracked run", value="r1", link="http://mlflow.example/#/1"), Fact(name="bad", value="x", link="javascript:alert(1)")),
        "parameters": (Fact(name=EVIL, value=EVIL),),
        "gates": (GateRow(name="floor", bound="f1 ≥ 0.9", verdict="Failed", message="f1 0.8 < 0.9"),),
        "attempts": (AttemptRow(number=1, outcome="Succeeded", node="node-1", seconds=3600, gpu_seconds=7200),),
        "baselines": (BaselineRow(version="4", alias="champion"),),
    }
    return ReportSpec.model_validate({**told, **changes})


DETAILS = EvaluationDetails(
    split="test",
    items=40,
    models=(
        MeasuredModel(
            metrics={"accuracy": 0.95, f"f1/{EVIL}": 0.5, "odd": None}, confusion=ConfusionMatrix(labels=("a", EVIL), counts=((3, 1), (0, 2)))
        ),
        MeasuredModel(version="4", metrics={"accuracy": 0.9}),
    ),
)
CURVES = {"loss": [(1.0, 0.9), (2.0, 0.4)], EVIL: [(1.0, 0.1), (2.0, 0.2)]}


def test_the_page_says_all_there_is_and_loads_nothing() -> None:
    seen = Seen(page(make_spec(), DETAILS, Logged(CURVES)))
    assert seen.links == ["http://mlflow.example/#/1"], "the one link a person may follow"
    assert not {"script", "img", "link", "iframe", "object"} & set(seen.tags)
    for words in ("digits-v1", "f1 0.8 < 0.9", "version 4 (champion)", "0.95", "2.00", "GPU hours", "7200", EVIL):
        assert words in seen.text


def test_a_champion_that_was_known_stands_beside_the_model_too() -> None:
    known = BaselineRow(version="9", alias="champion", metrics={"accuracy": 0.8125})
    seen = Seen(page(make_spec(baselines=(known,)), DETAILS, Logged()))
    assert "version 9 (champion)" in seen.text
    assert "0.8125" in seen.text


def test_of_a_run_that_was_not_evaluated_it_says_what_the_program_logged() -> None:
    logged = Logged(CURVES, {"accuracy": 0.9375, EVIL: 2.0, "broken": math.nan})
    seen = Seen(page(make_spec(details=None, baselines=()), None, logged, b"a picture"))
    for words in ("Logged by the program", "0.9375", EVIL, "f1 0.8 < 0.9", "Confusion matrix"):
        assert words in seen.text
    assert [link for link in seen.links if not link.startswith("http")] == ["data:image/png;base64,YSBwaWN0dXJl"], "nothing from outside"
    assert "Confusion matrix" not in Seen(page(make_spec(details=None), None, Logged())).text


def test_without_curves_the_page_says_why() -> None:
    assert "MLflow did not tell" in page(make_spec(), DETAILS, Logged(note="MLflow did not tell the curves (ConnectTimeout)."))
    assert "no metric more than once" in page(make_spec(), DETAILS, Logged())


@pytest.mark.parametrize("values", [[0.5, 0.5], [1e-9, 2e-9], [-3.0, 4e12], [0.0, 0.0], [1.0, math.nan, 2.0], [math.inf, 1.0, 2.0]])
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    svg = curve("m", [(float(step), value) for step, value in enumerate(values)])
    Seen(svg)
    assert "nan" not in svg
    assert "inf" not in svg.replace("infinity", "")


def test_one_point_is_no_curve() -> None:
    assert curve("m", [(1.0, 2.0)]) == ""
    assert curve("m", [(1.0, 2.0), (1.0, 3.0)]) == ""


def test_long_histories_are_thinned_and_keep_both_ends() -> None:
    points = [(float(step), float(step)) for step in range(10_000)]
    shown = thinned(list(reversed(points)))
    assert len(shown) == POINTS_LIMIT
    assert (shown[0], shown[-1]) == (points[0], points[-1])


def test_many_labels_are_told_as_their_largest_confusions() -> None:
    labels = [f"label-{number}" for number in range(50)]
    counts = [[9 if truth == answer else 4 if (truth, answer) == (3, 7) else 0 for answer in range(50)] for truth in range(50)]
    seen = Seen(matrix(labels, counts))
    assert "label-3label-74" in seen.text
    assert len(seen.text) < 200
