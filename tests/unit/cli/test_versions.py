"""`kubectl treadle dataset diff`: which versions are meant, how the Job looks that compares them, and what is printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from treadle.api import names
from treadle.cli._place import CommandError
from treadle.cli._versions import asked, job_like, tell_versions
from treadle.contracts import JOB_VARIABLE
from treadle.contracts.compare import Changes, CompareResult, CompareSpec, Example, Move, VersionNumbers

Object = dict[str, Any]
STORE = {"endpoint": "http://s3.test"}


def make_project(latest: int | None = 4) -> Object:
    status = {"dataset": {"version": latest}} if latest else {}
    spec = {"dataset": {"destination": "s3://sets/shelf/"}}
    return {"kind": "AnnotationProject", "metadata": {"name": "shelf", "namespace": "ml", "uid": "u1"}, "spec": spec, "status": status}


def make_job(stage: str, at: str, *, owner: str = "u1", image: str = "jobs:1") -> Object:
    env = [
        {"name": JOB_VARIABLE, "value": json.dumps({"kind": stage, "contract": 1, "store": STORE})},
        {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "treadle-store", "key": "AWS_ACCESS_KEY_ID"}}},
        {"name": "LABEL_STUDIO_TOKEN", "valueFrom": {"secretKeyRef": {"name": "treadle-label-studio", "key": "token"}}},
    ]
    labels = {names.PROJECT: "shelf", names.STAGE: stage, names.ATTEMPT: "1", names.REVISION: "abc", "job-name": "x"}
    pod = {
        "containers": [{"name": "treadle", "image": image, "command": ["python", "-m", "treadle.jobs"], "env": env}],
        "initContainers": [{"name": "prepare"}],
        "restartPolicy": "Never",
        "nodeSelector": {"disk": "fast"},
    }
    references = [{"uid": owner, "controller": True, "name": "shelf"}]
    metadata = {"name": f"shelf-{stage}", "labels": labels, "creationTimestamp": at, "ownerReferences": references}
    return {"metadata": metadata, "spec": {"suspend": False, "selector": {}, "template": {"metadata": {"labels": labels}, "spec": pod}}}


@pytest.mark.parametrize(("words", "versions"), [((None, None), (None, 4)), (("v2", None), (2, 4)), (("2", "v0003"), (2, 3)), (("10", "2"), (10, 2))])
def test_which_versions_are_meant(words: tuple[str | None, str | None], versions: tuple[int | None, int]) -> None:
    assert asked(make_project(), *words) == versions


def test_words_that_are_no_versions_and_projects_without_one_are_refused() -> None:
    with pytest.raises(CommandError, match="last is no version: say 3, or v3"):
        asked(make_project(), "last", None)
    with pytest.raises(CommandError, match="no version of shelf is released yet"):
        asked(make_project(None), None, None)


def test_the_job_is_made_like_the_one_that_wrote_the_version() -> None:
    jobs = [
        make_job("quality", "2026-11-30T12:00:00Z"),
        make_job("release", "2026-11-30T11:00:00Z"),
        make_job("release", "2026-11-30T10:00:00Z", image="old"),
    ]
    job = job_like(make_project(), jobs, None, 4)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (pod["nodeSelector"], pod.get("initContainers"), container["image"]) == ({"disk": "fast"}, None, "jobs:1")
    spec = CompareSpec.model_validate_json(container["env"][0]["value"])
    assert (spec.destination, spec.store.endpoint, spec.before, spec.after) == ("s3://sets/shelf/", "http://s3.test", None, 4)
    assert [each["name"] for each in container["env"]] == [JOB_VARIABLE, "AWS_ACCESS_KEY_ID"], "the labelling project is none of its business"
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"] == {names.PROJECT: "shelf", names.STAGE: "compare", names.REVISION: job["metadata"]["name"][-8:]}
    assert job["metadata"]["ownerReferences"] == [{"uid": "u1", "controller": True, "name": "shelf"}]
    assert not {"selector", "suspend"} & job["spec"].keys()
    assert (
        job["metadata"]["name"]
        == job_like(make_project(), jobs, None, 4)["metadata"]["name"]
        != job_like(make_project(), jobs, 2, 4)["metadata"]["name"]
    )


def test_jobs_of_another_project_of_this_name_are_no_example() -> None:
    with pytest.raises(CommandError, match="no Job of shelf is left"):
        job_like(make_project(), [make_job("release", "2026-11-30T11:00:00Z", owner="u0")], None, 4)


def test_what_differs_is_told_as_tables() -> None:
    before = VersionNumbers(
        version=3, digest="a" * 64, created_at="", items=10, splits={"train": 8, "test": 2}, counts={"can": 6, "jar": 4}, agreement=0.8
    )
    after = VersionNumbers(
        version=4, digest="b" * 64, created_at="", items=11, splits={"train": 9, "test": 2}, counts={"can": 8, "jar": 3}, agreement=0.85
    )
    changes = Changes(
        same=8,
        added=2,
        removed=1,
        relabelled=1,
        labels=(Move(before="jar", after="can", items=1),),
        examples=(Example(what="Added", key="s3://b/9.png", after="can"), Example(what="Relabelled", key="s3://b/1.png", before="jar", after="can")),
    )
    assert tell_versions(CompareResult(before=before, after=after, settings=("guidelines",), changes=changes)) == [
        "           v3            v4            CHANGE",
        "items      10            11            +1",
        "train      8             9             +1",
        "test       2             2",
        "label can  6             8             +2",
        "label jar  4             3             -1",
        "agreement  0.800         0.850",
        "digest     aaaaaaaaaaaa  bbbbbbbbbbbb",
        "",
        "Items: 2 added, 1 removed, 1 relabelled, 8 as they were.",
        "Made by other guidelines.",
        "",
        "FROM  TO   ITEMS",
        "jar   can  1",
        "",
        "FOR EXAMPLE  ITEM          LABEL",
        "Added        s3://b/9.png  can",
        "Relabelled   s3://b/1.png  jar → can",
    ]


def test_a_version_is_the_same_as_itself() -> None:
    numbers = VersionNumbers(version=4, digest="b" * 64, created_at="", items=11, splits={})
    found = CompareResult(before=numbers, after=numbers, changes=Changes(same=11))
    assert found.same
    assert tell_versions(found) == ["v4 and v4 hold the same (digest bbbbbbbbbbbb)."]
