"""What `kubectl treadle diagnose` says."""

import pytest

from tests.unit.cli.test_status_tree import condition, make
from treadle.api import Reason
from treadle.cli._diagnose import diagnosis_of, tell_diagnosis
from treadle.cli._place import CommandError

WAITING = make(
    "TrainingRun",
    "digits-v1",
    status={"phase": "Pending", "conditions": [condition("Tracked", "False", "ConnectionNotFound", "no mlflow connection")]},
)
HEALTHY = make("ModelDeployment", "digits", status={"phase": "Serving", "conditions": [condition("Ready", "True", "Serving")]})


def test_what_does_not_hold_is_explained_with_its_remedy() -> None:
    assert tell_diagnosis([WAITING, HEALTHY], "digits-v1") == [
        "TrainingRun digits-v1: Pending",
        "  Tracked=False ConnectionNotFound: no mlflow connection",
        "    since: 2026-05-17T12:00:00Z",
        f"    why: {Reason.ConnectionNotFound.meaning}",
        f"    do: {Reason.ConnectionNotFound.remedy}",
        "    more: https://treadle.dev/docs/reasons#connectionnotfound",
    ]


def test_a_script_gets_the_same_as_data() -> None:
    found = diagnosis_of(WAITING)
    assert (found["kind"], found["name"], found["seen"]) == ("TrainingRun", "digits-v1", True)
    (finding,) = found["findings"]
    assert finding["page"] == "https://treadle.dev/docs/reasons#connectionnotfound"
    assert {"type", "status", "reason", "message", "since", "why", "do"} < finding.keys()
    assert diagnosis_of(HEALTHY)["findings"] == []


def test_what_holds_needs_nothing() -> None:
    assert tell_diagnosis([HEALTHY], "ModelDeployment/digits") == [
        "ModelDeployment digits: Serving",
        "  Every condition holds; there is nothing to do.",
    ]


def test_a_name_of_two_kinds_is_told_of_both_and_a_kind_chooses_one() -> None:
    both = [HEALTHY, make("AnnotationProject", "digits", status={"phase": "Annotating"})]
    assert [line for line in tell_diagnosis(both, "digits") if not line.startswith(" ")] == [
        "ModelDeployment digits: Serving",
        "AnnotationProject digits: Annotating",
    ]
    assert tell_diagnosis(both, "annotationproject/digits")[0] == "AnnotationProject digits: Annotating"


def test_an_object_nobody_looked_at_points_to_the_operator() -> None:
    assert "  do: Check that the operator runs and leads, and that it watches this namespace." in tell_diagnosis(
        [make("TrainingRun", "a", status={"observedGeneration": -1})], "a"
    )


def test_a_reason_of_a_newer_operator_is_passed_on() -> None:
    newer = make("TrainingRun", "a", status={"conditions": [condition("Shiny", "False", "NotPolished")]})
    assert "    why: NotPolished is a reason that this version of the command does not know." in tell_diagnosis([newer], "a")


def test_an_object_being_deleted_says_so() -> None:
    leaving = make("TrainingRun", "a", deletionTimestamp="2026-05-17T12:00:00Z")
    assert "  It is being deleted since 2026-05-17T12:00:00Z." in tell_diagnosis([leaving], "a")


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"no .* is called x in this namespace \(there is: digits, digits-v1\)"):
        tell_diagnosis([WAITING, HEALTHY], "x")
    with pytest.raises(CommandError, match="unknown kind Pod"):
        tell_diagnosis([WAITING], "Pod/x")
