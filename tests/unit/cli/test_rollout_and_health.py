"""What `rollout status` prints, what `--check` returns, and which object a name means."""

import pytest

from tests.unit.cli.test_status_tree import condition, make
from treadle.cli._health import FAILS, GOES_ON, HOLDS, health
from treadle.cli._logs import kubectl_logs
from treadle.cli._objects import chosen, the_one
from treadle.cli._parser import build_parser
from treadle.cli._place import CommandError
from treadle.cli._rollout import tell_rollout

JUDGING = make(
    "ModelDeployment",
    "digits",
    status={
        "phase": "RollingOut",
        "stable": {"version": "6"},
        "canary": {
            "version": "7",
            "stage": "Judging",
            "step": 1,
            "weight": 25,
            "shadow": 10,
            "verdict": "errors: not worse (0 of 120, stable 0 of 360)",
        },
        "conditions": [condition("Available", "True", "Serving", "2 of 2"), condition("Ready", "True", "Serving")],
        "history": [{"version": "5", "outcome": "RolledBack", "why": "more errors"}, {"version": "6", "outcome": "Promoted"}],
    },
)


def test_a_rollout_is_told_with_its_shares_and_its_past() -> None:
    assert tell_rollout(JUDGING) == [
        "ModelDeployment digits  RollingOut",
        "  stable       6         ███████████████░░░░░ 75 %",
        "  judging      7         █████░░░░░░░░░░░░░░░ 25 %",
        "  step 2, shadow 10 %",
        "  errors: not worse (0 of 120, stable 0 of 360)",
        "  Available=True Serving: 2 of 2",
        "                        6         Promoted",
        "                        5         RolledBack  more errors",
    ]


def test_a_deployment_nobody_looked_at_is_told_too() -> None:
    assert tell_rollout(make("ModelDeployment", "digits")) == ["ModelDeployment digits  not looked at yet", "  stable       none"]


def test_the_exit_code_is_that_of_the_worst_object() -> None:
    serves = make("ModelDeployment", "a", status={"conditions": [condition("Ready", "True", "Serving")]})
    ran = make("TrainingRun", "b", status={"result": {"outcome": "Succeeded"}, "conditions": [condition("Succeeded", "True", "RunSucceeded")]})
    runs = make("TrainingRun", "c", status={"conditions": [condition("Succeeded", "Unknown", "JobRunning")]})
    failed = make("TrainingRun", "d", status={"result": {"outcome": "Failed"}, "conditions": [condition("Succeeded", "False", "GateFailed")]})
    stalled = make("AnnotationProject", "e", status={"conditions": [condition("Stalled", "True", "SecretMissing")]})
    unseen = make("AnnotationProject", "f", status={"observedGeneration": -1})
    assert [health(objects) for objects in ([], [serves, ran], [serves, runs], [runs, failed], [stalled], [unseen])] == [
        HOLDS,
        HOLDS,
        GOES_ON,
        FAILS,
        FAILS,
        GOES_ON,
    ]


def test_a_name_means_one_object_or_the_user_is_asked_which() -> None:
    objects = [make("AnnotationProject", "digits"), make("ModelDeployment", "digits"), make("TrainingRun", "digits-v1")]
    assert the_one(objects, "ap/digits")["kind"] == "AnnotationProject"
    assert the_one(objects, "digits", "ModelDeployment")["kind"] == "ModelDeployment"
    assert [this["kind"] for this in chosen(objects, "digits")] == ["AnnotationProject", "ModelDeployment"]
    with pytest.raises(CommandError, match="say annotationproject/digits or modeldeployment/digits"):
        the_one(objects, "digits")
    with pytest.raises(CommandError, match=r"no TrainingRun is called digits in this namespace \(there is: digits-v1\)"):
        the_one(objects, "digits", "TrainingRun")


def test_logs_are_those_of_the_pods_of_one_object() -> None:
    assert kubectl_logs(make("TrainingRun", "digits-v1"), None, follow=True, tail=5) == [
        "kubectl",
        "logs",
        "--namespace=demo",
        "--selector=treadle.dev/run=digits-v1",
        "--all-containers",
        "--prefix",
        "--ignore-errors",
        "--max-log-requests=50",
        "--tail=5",
        "--follow",
    ]


def test_logs_come_from_the_cluster_that_was_named() -> None:
    command = kubectl_logs(make("TrainingRun", "digits-v1"), "config", context="b", follow=False, tail=-1)
    assert command[:4] == ["kubectl", "--kubeconfig=config", "--context=b", "logs"]


@pytest.mark.parametrize("word", ["promote", "abort", "undo"])
def test_rollout_has_the_same_commands_below_it(word: str) -> None:
    parse = build_parser().parse_args
    assert parse(["rollout", word, "digits"]).name == "digits"
    if word != "undo":
        assert parse(["rollout", word, "digits"]).command is parse([word, "digits"]).command
