"""What the page shows of the past: versions, people, attempts, drift, and curves that the status knows."""

import pytest

from tests.unit.cli.test_status_tree import make
from treadle.cli.ui._past import past_of, tables_of

PROJECT = make(
    "AnnotationProject",
    "digits",
    status={
        "releases": [
            {"version": 1, "releasedAt": "2026-05-17T12:00:00Z", "items": 100, "excluded": 3, "agreement": "0.80"},
            {"version": 2, "releasedAt": "2026-05-18T12:00:00Z", "items": 200, "excluded": 4, "agreement": "0.90"},
        ],
        "quality": {"byAnnotator": [{"annotator": "u7", "annotations": 90, "agreement": "0.7"}]},
    },
)
RUN = make("TrainingRun", "digits-v2", status={"phase": "Succeeded", "dataset": {"version": 2}})


def test_versions_are_told_newest_first_with_what_was_trained_on_them() -> None:
    versions, people = tables_of(PROJECT, [RUN])
    assert [(row[0], row[2], row[4], row[5]) for row in versions["rows"]] == [
        ("v2", 200, "0.90", "digits-v2 (Succeeded)"),
        ("v1", 100, "0.80", ""),
    ]
    assert people["rows"] == [["u7", 90, "0.7"]]
    assert people["head"] == ["who", "answers", "agreement with others"], "a column of nothing is left out"


def test_agreement_has_a_curve_over_the_versions() -> None:
    agreement, items = past_of(PROJECT)
    assert agreement["words"] == "agreement of versions"
    assert [value for _, value in agreement["points"]] == [0.8, 0.9]
    assert [value for _, value in items["points"]] == [100, 200]
    assert agreement["points"][1][0] - agreement["points"][0][0] == 24 * 3600


def test_what_was_measured_stands_beside_the_champions() -> None:
    metrics = [{"name": "f1", "value": "0.9"}, {"name": "accuracy", "value": "0.8"}]
    evaluation = {"metrics": metrics, "baselines": [{"alias": "champion", "metrics": [{"name": "f1", "value": "0.85"}]}]}
    figures, attempts = tables_of(make("TrainingRun", "a", status={"evaluation": evaluation, "attempts": [{"number": 1, "outcome": "Succeeded"}]}))
    assert figures["head"] == ["figure", "this run", "champion"]
    assert figures["rows"] == [["accuracy", "0.8", None], ["f1", "0.9", "0.85"]]
    assert attempts["rows"][0][:2] == [1, "Succeeded"]


def test_drift_is_told_with_its_last_look() -> None:
    drift = {"detected": True, "since": "2026-05-18T12:00:00Z", "judgedAt": "2026-05-18T13:00:00Z", "last": "brightness (PSI 1.6)"}
    (table,) = tables_of(make("ModelDeployment", "a", status={"drift": drift}))
    assert table["rows"] == [["yes", "2026-05-18T12:00:00Z", "2026-05-18T13:00:00Z", "brightness (PSI 1.6)"]]


def test_accuracy_is_told_version_by_version() -> None:
    versions = [{"version": "1", "value": "0.93", "low": "0.86", "high": "0.97", "right": 93, "labels": 100}]
    (table,) = tables_of(make("ModelDeployment", "a", status={"accuracy": {"versions": versions}}))
    assert table["title"] == "Accuracy"
    assert table["rows"] == [["1", "0.93", "0.86", "0.97", 93, 100]]


@pytest.mark.parametrize("garbage", ["x", 1, [1], {"a": 1}, None])
@pytest.mark.parametrize("kind", ["AnnotationProject", "TrainingRun", "ModelDeployment"])
def test_a_status_of_garbage_has_no_past(kind: str, garbage: object) -> None:
    fields = ("releases", "attempts", "drift", "accuracy", "evaluation", "progress", "quality")
    this = make(kind, "a", status=dict.fromkeys(fields, garbage))
    assert tables_of(this) == []
    assert past_of(this) == []
