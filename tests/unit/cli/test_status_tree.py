"""The tree of `kubectl treadle status`."""

from typing import Any

from treadle.api.reasons import Reason
from treadle.cli._status import NOT_FOUND, tell_status

Object = dict[str, Any]


def make(kind: str, name: str, *, spec: Object | None = None, status: Object | None = None, labels: Object | None = None, **metadata: Any) -> Object:
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "demo", "generation": 1, "labels": labels or {}, **metadata},
        "spec": spec or {},
        "status": {"observedGeneration": 1, **(status or {})},
    }


def condition(type_: str, status: str, reason: str, message: str = "") -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-05-17T12:00:00Z"}


PROJECT = make(
    "AnnotationProject",
    "digits",
    status={
        "phase": "Annotating",
        "progress": {"items": 400, "finished": 120},
        "quality": {"agreement": "0.91"},
        "dataset": {"version": 1},
        "conditions": [
            condition("Ready", "True", "AcceptingAnnotations"),
            condition("LabelingComplete", "False", "Annotating", "120 of 400 items"),
            condition("SourceSynced", "True", "Synced"),
        ],
    },
)
FIRST = make(
    "TrainingRun",
    "digits-v1",
    labels={"treadle.dev/project": "digits"},
    spec={"register": {"model": "digits"}},
    status={"phase": "Succeeded", "metric": "accuracy=0.95", "modelVersion": "digits/1", "registered": {"model": "digits", "version": "1"}},
    creationTimestamp="2026-05-17T12:00:00Z",
)
SECOND = make(
    "TrainingRun",
    "digits-v2",
    spec={"dataset": {"project": "digits"}, "register": {"model": "digits"}},
    status={"phase": "Running"},
    creationTimestamp="2026-05-18T12:00:00Z",
)
DEPLOYMENT = make(
    "ModelDeployment",
    "digits",
    spec={"model": {"name": "digits"}},
    status={"phase": "Serving", "ready": "2/2", "model": "digits/1", "stable": {"version": "1"}, "candidate": "digits/2", "canary": {"weight": 10}},
)


def test_a_loop_is_told_from_the_project_to_what_serves() -> None:
    assert tell_status([DEPLOYMENT, SECOND, FIRST, PROJECT]) == [
        "AnnotationProject digits  Annotating  ███░░░░░░░ 30 %  120 of 400 items  agreement 0.91  dataset v1",
        "│   LabelingComplete=False Annotating: 120 of 400 items",
        "├─ TrainingRun digits-v1  Succeeded  accuracy=0.95  digits/1",
        "│  └─ ModelDeployment digits  Serving  2/2 ready  digits/1  candidate digits/2 at 10 %",
        "└─ TrainingRun digits-v2  Running",
    ]


def test_a_deployment_that_serves_nothing_yet_stands_under_the_newest_run_of_its_model() -> None:
    waiting = make("ModelDeployment", "digits", spec={"model": {"name": "digits"}}, status={"phase": "AwaitingModel"})
    assert tell_status([FIRST, SECOND, PROJECT, waiting])[-2:] == ["└─ TrainingRun digits-v2  Running", "   └─ ModelDeployment digits  AwaitingModel"]


def test_each_kind_stands_alone_where_nothing_made_it() -> None:
    by_uri = make("ModelDeployment", "served", spec={"model": {"uri": "s3://a/m/"}}, status={"phase": "Serving"})
    by_run = make("ModelDeployment", "wanted", spec={"model": {"run": "gone"}}, status={"phase": "AwaitingModel"})
    run = make("TrainingRun", "alone", spec={"dataset": {"project": "gone"}}, status={"phase": "Running"})
    assert [line.split("  ")[0] for line in tell_status([by_uri, by_run, run])] == [
        "TrainingRun alone",
        "ModelDeployment served",
        "ModelDeployment wanted",
    ]


def test_what_must_be_done_by_a_human_comes_first_and_once() -> None:
    stalled = make(
        "TrainingRun",
        "a",
        status={
            "phase": "Failed",
            "conditions": [
                condition("Ready", "False", "JobFailed", "exit code 1"),
                condition("Stalled", "True", "ConnectionNotFound", "no mlflow (https://treadle.dev/docs/reasons#connectionnotfound)"),
                condition("Succeeded", "False", "JobFailed", "exit code 1"),
            ],
        },
    )
    first = f"    Stalled=True ConnectionNotFound: no mlflow ({Reason.ConnectionNotFound.page})"
    assert tell_status([stalled])[1:] == [first, "    Succeeded=False JobFailed: exit code 1"]


def test_objects_of_two_namespaces_are_not_mixed_up() -> None:
    elsewhere = make("TrainingRun", "digits-v1", spec={"dataset": {"project": "digits"}}, namespace="other")
    assert tell_status([PROJECT, elsewhere])[-1].startswith("TrainingRun digits-v1")


def test_an_object_nobody_looked_at_and_a_status_of_garbage_are_told_too() -> None:
    fresh = make("TrainingRun", "fresh", status={"observedGeneration": -1})
    garbage = make("AnnotationProject", "garbage") | {"status": {"observedGeneration": 1, "conditions": "x", "progress": [], "dataset": 3}}
    assert tell_status([fresh, garbage]) == ["AnnotationProject garbage  Pending", "TrainingRun fresh  not looked at yet"]


def test_how_often_the_version_that_serves_is_right_is_told_with_its_interval() -> None:
    versions = [
        {"version": "2", "value": "1", "low": "0.2", "high": "1", "right": 1, "labels": 1},
        {"version": "1", "value": "0.93", "low": "0.862505", "high": "0.965681", "right": 93, "labels": 100},
    ]
    serves = make("ModelDeployment", "digits", status={"phase": "Serving", "stable": {"version": "1"}, "accuracy": {"versions": versions}})
    assert tell_status([serves]) == ["ModelDeployment digits  Serving  accuracy 0.93 (0.863 to 0.966, 100 labels)"]
    odd = make("ModelDeployment", "digits", status={"phase": "Serving", "stable": {"version": "1"}, "accuracy": {"versions": [7, {"version": "1"}]}})
    assert tell_status([odd]) == ["ModelDeployment digits  Serving  accuracy ? (? to ?, None labels)"]


def test_nothing_is_said_to_be_nothing() -> None:
    assert tell_status([]) == [NOT_FOUND]


def test_what_is_good_when_it_is_false_is_no_trouble_and_bad_when_it_is_true() -> None:
    calm = [condition("RolloutProgressing", "False", "RolloutComplete", "digits/1 serves"), condition("DriftDetected", "False", "NoDrift")]
    assert tell_status([make("ModelDeployment", "digits", status={"phase": "Serving", "conditions": calm})]) == ["ModelDeployment digits  Serving"]
    odd = [condition("RolloutProgressing", "False", "AlreadyRefused", "version 2 was rolled back"), condition("DriftDetected", "True", "DriftFound")]
    assert tell_status([make("ModelDeployment", "digits", status={"phase": "Serving", "conditions": odd})]) == [
        "ModelDeployment digits  Serving",
        "    RolloutProgressing=False AlreadyRefused: version 2 was rolled back",
        "    DriftDetected=True DriftFound: ",
    ]
    queued = [condition("Queued", "True", "QuotaExceeded", "no quota")]
    assert tell_status([make("TrainingRun", "a", status={"phase": "Queued", "conditions": queued})])[1:] == [
        "    Queued=True QuotaExceeded: no quota"
    ]
