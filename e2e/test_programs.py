"""Programs of users and models in real pods, between containers of ours that have the keys.

They vote on labels, propose some, refuse some, and change what becomes a version.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import Environment, make_namespace
from e2e.demo.loop import Loop
from e2e.environment import SERVICES_NAMESPACE
from e2e.support.api import label_studio
from e2e.support.scripts import finished, run_script
from e2e.support.waiting import until
from manifests.demo.data.digits import items, read

NAMESPACE, BUCKET, PREFIX, COUNT = "e2e-programs", "digits-raw", "programs/", 30
PAGE = Path(__file__).resolve().parents[1] / "docs" / "labelling.md"
TRUTHS = Counter(read(png) for _, png in list(items())[:COUNT])
NO_NINES = """
import json, os, pathlib
shown = (pathlib.Path(os.environ["TREADLE_DATASET_DIR"]) / "items.jsonl").read_text().splitlines()
refused = [line["key"] for line in map(json.loads, shown) if line["label"]["label"] == "9"]
answer = pathlib.Path(os.environ["TREADLE_OUTPUT_DIR"]) / "refused.jsonl"
answer.write_text("".join(json.dumps({"key": key, "message": "no nines"}) + "\\n" for key in refused))
"""
VOTES = """
import json, os, pathlib
from manifests.demo.data.digits import read
folder, answer = (pathlib.Path(os.environ[name]) for name in ("TREADLE_ITEMS_DIR", "TREADLE_PREDICTIONS_DIR"))
with (answer / "predictions.jsonl").open("w") as written:
    for item in map(json.loads, (folder / "items.jsonl").read_text().splitlines()):
        try:
            label = read((folder / item["path"]).read_bytes())
        except KeyError:
            continue
        if label in %r:
            print(json.dumps({"key": item["key"], "prediction": {"shape": "Class", "label": label, "score": 1.0}}), file=written)
"""
KEYS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class Programs:
    """Three projects that leave something to programs."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def apply(self, name: str, **spec: Any) -> None:
        """Apply a project over the digits."""
        content = {
            "task": {"type": "ImageClassification", "labels": [{"name": str(digit)} for digit in range(10)]},
            "dataset": {"destination": f"s3://digits-datasets/programs-{name}/"},
            **spec,
        }
        project = {"apiVersion": "treadle.dev/v1alpha1", "kind": "AnnotationProject", "metadata": {"name": name}, "spec": content}
        self.environment.kubectl("apply", f"--namespace={NAMESPACE}", "-f", "-", stdin=json.dumps(project))

    def reached(self, name: str, condition: str) -> dict[str, Any]:
        """The status of a project once a condition is True."""

        def look() -> dict[str, Any] | None:
            status = self.status(name)
            held = {c["type"] for c in status.get("conditions", ()) if c["status"] == "True"}
            return status if condition in held else None

        return until(f"{condition} of {name}", look, timeout=240, describe=lambda: self.status(name))

    def status(self, name: str) -> dict[str, Any]:
        """Of a project, now."""
        return dict(self.environment.get("annotationproject", name, f"--namespace={NAMESPACE}").get("status", {}))


@pytest.fixture(scope="module")
def programs(environment: Environment, loop: Loop) -> Iterator[Programs]:
    """Data are there beside the loop's, and three projects have begun."""
    make_namespace(environment, NAMESPACE)
    endpoint = f"http://s3.{SERVICES_NAMESPACE}.svc.cluster.local:7070"
    where = {"BUCKET": BUCKET, "PREFIX": PREFIX, "COUNT": f"{COUNT}", "S3_ENDPOINT": endpoint}
    run_script(environment, NAMESPACE, "data", "labelled_digits.py", secret="treadle-store", **where)
    finished(environment, NAMESPACE, "data")
    image, source = environment.images["demo-train"], {"name": "scans", "uri": f"s3://{BUCKET}/{PREFIX}items/"}
    (clean,) = [found for found in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "TREADLE_OUTPUT_DIR" in found]
    these = Programs(environment)
    these.apply(
        "checked",
        backend={"type": "Files"},
        sources=[source | {"labels": {"format": "Jsonl", "uri": f"s3://{BUCKET}/{PREFIX}labels.jsonl"}}],
        workforce={"annotationsPerItem": 2},
        quality={"agreement": {"minimum": "0.80"}, "validation": [{"name": "no-nines", "image": image, "command": ["python", "-c", NO_NINES]}]},
        dataset={"destination": "s3://digits-datasets/programs-checked/", "prepare": {"image": image, "command": ["python", "-c", clean]}},
    )
    functions = {"knows": list("0123456789"), "low": list("01234")}
    these.apply(
        "voted",
        sources=[source],
        labelingFunctions=[{"name": name, "image": image, "command": ["python", "-c", VOTES % labels]} for name, labels in functions.items()],
        activeLearning={"strategy": "Disagreement"},
    )
    these.apply(
        "proposed", sources=[source], prelabel={"model": {"name": "digits"}, "resources": {"cpu": "100m"}}, activeLearning={"strategy": "Margin"}
    )
    yield these
    environment.kubectl("delete", "annotationprojects", "--all", f"--namespace={NAMESPACE}", "--timeout=60s", timeout=70)
    environment.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_a_program_refuses_labels_and_another_one_changes_what_becomes_a_version(programs: Programs) -> None:
    status = programs.reached("checked", "DatasetReleased")
    nines, dark = TRUTHS["9"], 1
    assert nines > 0
    assert status["quality"]["byRule"] == [{"rule": "no-nines", "items": nines}]
    version = status["dataset"]
    assert (version["agreed"], version["excluded"]) == (COUNT + dark - nines, nines + dark)
    assert version["items"] > COUNT - nines, "what is trained on was mirrored"


def test_programs_vote_and_people_see_what_they_say(environment: Environment, programs: Programs) -> None:
    proposals = programs.reached("voted", "ItemsOrdered")["proposals"]
    low = sum(TRUTHS[digit] for digit in "01234")
    assert {voter["name"]: (voter["votes"], voter["abstained"]) for voter in proposals["byVoter"]} == {
        "knows": (COUNT, 1),
        "low": (low, COUNT + 1 - low),
    }
    assert (proposals["items"], proposals["proposed"], proposals["conflicts"]) == (COUNT + 1, COUNT, 0)
    seen = shown(environment, "voted")
    assert len(seen) == COUNT + 1
    assert Counter(label for labels in seen for label in labels) == TRUTHS


def test_the_champion_of_the_loop_proposes_labels(environment: Environment, programs: Programs) -> None:
    status = programs.reached("proposed", "ItemsOrdered")
    assert {c["type"]: c["status"] for c in status["conditions"]}["Prelabelled"] == "True"
    assert (status["proposals"]["name"], status["proposals"]["proposed"]) == ("digits/1", COUNT + 1)
    seen = shown(environment, "proposed")
    assert [len(labels) for labels in seen] == [1] * (COUNT + 1)


def test_no_program_was_given_a_key(environment: Environment, programs: Programs) -> None:
    programs.reached("checked", "DatasetReleased")
    programs.reached("voted", "ItemsOrdered")
    jobs = environment.get("jobs", f"--namespace={NAMESPACE}", "--selector=app.kubernetes.io/managed-by=treadle")["items"]
    pods = [job["spec"]["template"]["spec"] for job in jobs]
    containers = [each for pod in pods for each in (*pod.get("initContainers", ()), *pod["containers"])]
    theirs = [each for each in containers if each["image"] == environment.images["demo-train"]]
    assert len(theirs) == 4, [each["name"] for each in containers]
    for container in theirs:
        assert not [each["name"] for each in container.get("env", ()) if any(word in each["name"] for word in KEYS)]
        assert not container.get("envFrom")
    keys = {volume["name"] for pod in pods for volume in pod.get("volumes", ()) if "secret" in volume}
    assert not keys & {mount["name"] for each in theirs for mount in each.get("volumeMounts", ())}


def shown(environment: Environment, project: str) -> list[list[str]]:
    """What people find proposed in Label Studio, task by task."""
    with label_studio(environment) as studio:
        (found,) = studio.projects_of("e2e", NAMESPACE, project)
        return studio.proposals(found["id"])
