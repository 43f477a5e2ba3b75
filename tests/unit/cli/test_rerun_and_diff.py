"""`kubectl treadle rerun` pins what time may change; `kubectl treadle diff` tells what differs, and nothing of what only looks different."""

from typing import Any

import pytest

from treadle.cli._diff import compare, tell_comparison
from treadle.cli._rerun import free_name, rerun_of

Object = dict[str, Any]
DIGEST = "d" * 64
IMAGE = f"registry.example/acme/train@sha256:{'a' * 64}"


def make_run(name: str = "digits-v1", *, status: Object | None = None, **spec: Any) -> Object:
    ran = {
        "imageDigest": IMAGE,
        "dataset": {"project": "digits", "version": 1, "digest": DIGEST, "uri": "s3://sets/digits/v0001/"},
        "tracking": {"id": "1", "experiment": "ml.digits"},
        "result": {"outcome": "Succeeded", "reason": "RunSucceeded"},
        "evaluation": {"metrics": [{"name": "accuracy", "value": "0.9"}]},
    }
    wanted = {"image": "registry.example/acme/train:1.4", "dataset": {"project": "digits", "format": "Yolo"}, **spec}
    return {"kind": "TrainingRun", "metadata": {"name": name, "namespace": "ml"}, "spec": wanted, "status": {**ran, **(status or {})}}


def make_project(*versions: int, **spec: Any) -> Object:
    """The project of the runs; it remembers these versions, the last one is its latest."""
    released = [{"version": n, "digest": "defgh"[n - 1] * 64, "uri": f"s3://sets/digits/v{n:04d}/"} for n in versions or (1,)]
    status = {"dataset": released[-1], "releases": released}
    return {"kind": "AnnotationProject", "metadata": {"name": "digits", "namespace": "ml"}, "spec": spec, "status": status}


def again(run: Object, home: Object | None = None) -> Object:
    return dict(rerun_of(run, "digits-v1-r1", home or make_project()).object)


def test_a_rerun_is_pinned_to_digests_and_keeps_everything_else() -> None:
    parameters = [{"name": "c", "value": "10"}, {"name": "seed", "value": "7"}]
    made = again(make_run(parameters=parameters, suspend=True, queue="research"))
    assert made["metadata"] == {"name": "digits-v1-r1", "namespace": "ml"}
    assert made["spec"] == {
        "image": IMAGE,
        "dataset": {"format": "Yolo", "uri": "s3://sets/digits/v0001/", "digest": f"sha256:{DIGEST}"},
        "parameters": parameters,
        "queue": "research",
        "tracking": {"experiment": "digits"},
        "rerunOf": "digits-v1",
    }


def test_a_digest_that_is_written_already_stays_and_a_port_is_no_tag() -> None:
    written = "registry.example:5000/train@sha256:" + "b" * 64
    assert again(make_run(image=written))["spec"]["image"] == written
    pinned = again(make_run(image="registry.example:5000/train"))["spec"]["image"]
    assert pinned == f"registry.example:5000/train@sha256:{'a' * 64}"


def test_what_cannot_be_pinned_is_told() -> None:
    found = rerun_of(make_run(status={"imageDigest": "sha256:" + "c" * 64, "dataset": None}), "again", make_project())
    assert found.object["spec"]["image"] == "registry.example/acme/train:1.4"
    assert [lack.partition(" ")[2].partition(" ")[0] for lack in found.loose] == ["image", "dataset"]


def test_data_of_a_sensitive_project_stays_sensitive_without_its_project() -> None:
    assert "sensitive" not in again(make_run())["spec"]
    assert again(make_run(), make_project(sensitive=True))["spec"]["sensitive"] is True
    assert rerun_of(make_run(), "digits-v1-r1", None).object["spec"]["sensitive"] is True, "nobody can say any more that it is not"


IN_A_CLAIM = {"dataset": {"project": "digits", "version": 1, "digest": DIGEST, "uri": "s3://sets/digits/v0001/", "claims": ["ehr"]}}


def test_items_that_lie_in_a_claim_are_mounted_for_the_rerun_too() -> None:
    """Only a version of a project says which claims its items lie in; named by its URI, the rerun would not find them."""
    found = rerun_of(make_run(status=IN_A_CLAIM), "digits-v1-r1", make_project(1, 2))
    assert found.object["spec"]["dataset"] == {"format": "Yolo", "project": "digits", "version": "1"}
    assert "tracking" not in found.object["spec"], "the project names the experiment, as it did"
    assert found.loose == ()


@pytest.mark.parametrize("home", [None, make_project(4, 5), make_project() | {"status": {"dataset": {"version": 1, "digest": "e" * 64}}}])
def test_a_rerun_whose_project_does_not_know_the_version_any_more_says_what_it_will_not_find(home: Object | None) -> None:
    found = rerun_of(make_run(status=IN_A_CLAIM), "digits-v1-r1", home)
    assert found.object["spec"]["dataset"] == {"format": "Yolo", "uri": "s3://sets/digits/v0001/", "digest": f"sha256:{DIGEST}"}
    (lack,) = found.loose
    assert lack.startswith("items of the dataset that lie in a claim (ehr) will not be found: AnnotationProject digits does not know its version 1")


def test_names_count_on_and_never_grow_too_long() -> None:
    long = "a" * 40
    first = free_name(long, [long])
    assert len(first) == 40
    assert first.endswith("-r1")
    assert free_name(first, [long, first]) == first.removesuffix("1") + "2"
    assert free_name("digits", ["digits", "digits-r1", "digits-r2"]) == "digits-r3"


def test_a_rerun_that_came_out_the_same_differs_in_nothing() -> None:
    run = make_run(parameters=[{"name": "c", "value": "10"}])
    found = compare(run, {**again(run), "status": run["status"]})
    assert found.same
    assert tell_comparison(found) == [
        "Nothing that went into digits-v1 and digits-v1-r1 differs.",
        "",
        "WHAT CAME OUT  digits-v1  digits-v1-r1  CHANGE",
        "accuracy       0.9        0.9           same",
    ]


def test_what_differs_is_told_side_by_side() -> None:
    gate = [{"name": "floor", "metric": "f1", "min": "0.9"}]
    one = make_run(parameters=[{"name": "c", "value": "10"}], resources={"gpu": 1}, gates=gate)
    judged = [{"name": "floor", "verdict": "Failed", "value": "0.8"}]
    measured = {"metrics": [{"name": "accuracy", "value": "0.45"}]}
    status = {
        "dataset": {"project": "digits", "version": 2, "digest": "e" * 64, "uri": "s3://sets/digits/v0002/"},
        "result": {"outcome": "Failed", "reason": "GateFailed"},
        "gates": judged,
        "evaluation": measured,
    }
    other = make_run("digits-v2", parameters=[{"name": "c", "value": "0.1"}], resources={"gpu": 2}, gates=gate, status=status)
    found = compare(one, other)
    assert not found.same
    assert [(one.field, one.a, one.b) for one in found.inputs] == [
        ("dataset digest", DIGEST, "e" * 64),
        ("parameters.c", "10", "0.1"),
        ("resources.gpu", "1", "2"),
    ]
    assert tell_comparison(found)[-4:] == [
        "outcome        Succeeded: RunSucceeded  Failed: GateFailed",
        "gate floor     -                        Failed",
        "accuracy       0.9                      0.45                -0.45 (-50 %)",
        "f1             -                        0.8                 -",
    ]
    assert found.to_object()["metrics"][0] == {"metric": "accuracy", "a": 0.9, "b": 0.45, "change": -0.45}


def test_an_image_whose_digest_nobody_knows_is_compared_by_its_name() -> None:
    one, other = (make_run(status={"imageDigest": None}, image=f"train:{tag}") for tag in "12")
    assert [(found.field, found.a, found.b) for found in compare(one, other).inputs] == [("image", "train:1", "train:2")]
    assert compare(one, make_run(status={"imageDigest": None}, image="train:1")).inputs == ()


def test_attempts_that_a_status_does_not_list_any_more_are_counted_too() -> None:
    listed = [{"number": number, "outcome": "Preempted"} for number in range(31, 51)]
    found = compare(make_run(status={"attempts": listed}), make_run("digits-v2", status={"attempts": [{"number": 1, "outcome": "Succeeded"}]}))
    assert [(one.field, one.a, one.b) for one in found.outcomes] == [("attempts", "50", "1")]


def test_runs_that_have_not_ended_are_compared_as_far_as_they_are() -> None:
    live = {"progress": {"metrics": [{"name": "loss", "value": "2"}]}, "result": None, "evaluation": None}
    found = compare(make_run(status=live), make_run(status={**live, "progress": {"metrics": [{"name": "loss", "value": "1"}]}}))
    assert [(move.metric, move.change) for move in found.metrics] == [("loss", -1.0)]
