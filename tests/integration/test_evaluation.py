"""A model is measured by our own Job: real API server, MLflow and S3. The test plays the kubelet: it runs the containers of the evaluation pod as
processes, with exactly the variables that stand in the pod.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sklearn.linear_model import LogisticRegression

from tests.integration.control_plane import Place
from tests.integration.engine_toy import condition, eventually
from tests.integration.servers import S3Server, s3_server
from tests.integration.test_training_runs import Operator, now, running
from tests.unit.predictors.models import LABELS, PIXEL_SIGNATURE, PIXELS, png, save, save_digits
from tests.unit.predictors.test_propose import picture, save_detector
from treadle.contracts import canonical_json
from treadle.contracts.dataset import DatasetItem, ExportFile, Identity, Manifest, ManifestFile, Split, Splits, identity_digest
from treadle.contracts.evaluate import EvaluationDetails
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.sketch import Reference
from treadle.jobs.__main__ import TERMINATION_LOG_VARIABLE
from treadle.jobs._files import contents_of, tree_digest
from treadle.plan import Object

PATIENCE = 60.0  # seconds; a container is a process that imports scikit-learn on a busy machine
HELD_OUT = range(1500, 1540)
INDEX = "exports/ImageFolder/index.jsonl"
GATES = [
    {"name": "floor", "metric": "accuracy", "min": "0.5"},
    {"name": "not-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}, "tolerance": "0.01"},
]


@pytest.fixture
async def operator(place: Place, mlflow: str) -> AsyncIterator[Operator]:
    operator = Operator(place, mlflow)
    yield operator
    await operator.close()


@pytest.fixture
def dataset(s3: S3Server, place: Place) -> Mapping[str, str]:
    """A dataset version in the store: held-out digits are its split `test`. What a TrainingRun's spec says of it."""
    bucket = s3.make_bucket(f"sets-{place.namespace}")
    items = []
    for number in (*HELD_OUT, 0):
        (s3.folder / bucket / f"{number:04}.png").write_bytes(png(number))
        uri, digest = f"s3://{bucket}/{number:04}.png", hashlib.sha256(png(number)).hexdigest()
        split: Split = "test" if number else "train"
        items.append(DatasetItem(key=f"{number:04}", uri=uri, sha256=digest, label=ClassLabel(label=LABELS[number]), split=split))
    labels = LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=str(digit)) for digit in range(10)))
    return released(s3, bucket, labels, items)


def released(s3: S3Server, bucket: str, labels: LabelSchema, items: Sequence[DatasetItem]) -> Mapping[str, str]:
    """A version of these items in a bucket. What a TrainingRun's spec says of it."""
    index = [ExportFile(path=f"{item.split}/{item.key}.png", uri=item.uri, sha256=item.sha256, split=item.split) for item in items]
    files = {name: "".join(line.to_json() + "\n" for line in lines).encode() for name, lines in (("items.jsonl", items), (INDEX, index))}
    identity = Identity(items=hashlib.sha256(files["items.jsonl"]).hexdigest(), labels=labels, policy=ConsensusPolicy(), splits=Splits())
    manifest = Manifest(
        version=1,
        digest=identity_digest(identity),
        identity=identity,
        created_at=now(),
        items=len(items),
        splits=dict(Counter(item.split for item in items)),
        counts={},
        exports=("ImageFolder",),
        files=tuple(ManifestFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content)) for path, content in files.items()),
    )
    for path, content in {**files, "manifest.json": manifest.to_json().encode()}.items():
        file = s3.folder / bucket / "v0001" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return {"uri": f"s3://{bucket}/v0001/", "digest": f"sha256:{manifest.digest}"}


class Kubelet:
    """Runs the containers of a pod one after the other; volumes are folders below `folder`, Secrets are the keys of stores, by the Secret's name."""

    def __init__(self, operator: Operator, s3: S3Server, folder: Path, **others: S3Server) -> None:
        self.operator, self.stores, self.folder = operator, {"treadle-store": s3, **others}, folder
        folder.mkdir()

    async def plays(self, pod: Object) -> None:
        """Start all containers, and tell the API server how the pod ended."""
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            code, message = await asyncio.to_thread(self._run, container)
            if code:
                self._failed(pod, container["name"], code, message)
                return
        state = {"terminated": {"exitCode": code, "startedAt": now(), "finishedAt": now(), "message": message}}
        main = {"name": container["name"], "image": "x", "imageID": "x@sha256:abc", "ready": False, "restartCount": 0, "state": state}
        status = json.dumps({"status": {"phase": "Succeeded", "containerStatuses": [main]}})
        self.operator.place.kubectl("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p", status)

    def _failed(self, pod: Object, container: str, code: int, message: str) -> None:
        """The init container ends the pod, and the Job with it, as the Job controller says it."""
        state = {"terminated": {"exitCode": code, "startedAt": now(), "finishedAt": now(), "message": message}}
        one = {"name": container, "image": "x", "imageID": "x", "ready": False, "restartCount": 0, "state": state}
        status = json.dumps({"status": {"phase": "Failed", "initContainerStatuses": [one]}})
        self.operator.place.kubectl("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p", status)

    def _run(self, container: Mapping[str, Any]) -> tuple[int, str]:
        log = self.folder / "termination-log"
        log.unlink(missing_ok=True)
        given = {variable["name"]: variable.get("value") or self._secret(variable) for variable in container["env"]}
        variables = {name: value for name, value in given.items() if value}
        for mount in container["volumeMounts"]:
            if mount["name"] in ("tmp", "home"):
                continue
            place = self.folder / mount["mountPath"].lstrip("/") / mount.get("subPath", "")
            place.mkdir(parents=True, exist_ok=True)
            path = mount["mountPath"]
            variables = {
                name: re.sub(rf'(^|"){path}', rf"\g<1>{place}" if name != "TREADLE_JOB" else rf"\g<1>{self.folder}{path}", value)
                for name, value in variables.items()
            }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_", "TREADLE_"))}
        if "TREADLE_JOB" in variables:
            variables["TREADLE_JOB"] = _defaults_in(self.folder, variables["TREADLE_JOB"])
        environment = {**clean, **variables, TERMINATION_LOG_VARIABLE: str(log)}
        done = subprocess.run(
            [sys.executable, *container["command"][1:]], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return done.returncode, log.read_text() if log.exists() else done.stderr

    def _secret(self, variable: Mapping[str, Any]) -> str:
        """What a variable has from a Secret; empty for one from elsewhere."""
        asked = variable.get("valueFrom", {}).get("secretKeyRef")
        store = self.stores.get(asked["name"]) if asked else None
        return {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}[asked["key"]] if store else ""


def _defaults_in(folder: Path, job: str) -> str:
    """A spec leaves out directories that are the default: here they are elsewhere."""
    spec = json.loads(job)
    kept, default = {
        "fetch-dataset": ("directory", "/treadle/dataset"),
        "fetch-model": ("directory", "/models/model"),
        "evaluate": ("output", "/treadle/evaluation"),
        "publish": ("directory", "/treadle/evaluation"),
    }.get(spec["kind"], ("kind", ""))
    return canonical_json({kept: f"{folder}{default}", **spec})


async def trains(operator: Operator, s3: S3Server, name: str, save_model: Any) -> None:
    """The program of a run logs a model, claims to be perfect, and ends."""
    pod = await operator.pod(f"{name}-1")
    await operator.runs(pod)
    run_id = await operator.logs(pod, accuracy=1.0, f1=1.0)
    async with httpx.AsyncClient(base_url=f"{operator.mlflow}/api/2.0/mlflow", timeout=10) as http:
        for step, loss in enumerate((0.9, 0.4, 0.2), start=1):
            body = {"run_id": run_id, "key": "loss", "value": loss, "timestamp": step, "step": step}
            (await http.post("/runs/log-metric", json=body)).raise_for_status()
    experiment = next(v["value"] for v in pod["spec"]["containers"][0]["env"] if v["name"] == "MLFLOW_EXPERIMENT_ID")
    async with httpx.AsyncClient(timeout=10) as http:
        search = {"experiment_ids": [experiment], "filter": f"source_run_id = '{run_id}'"}
        found = (await http.post(f"{operator.mlflow}/api/2.0/mlflow/logged-models/search", json=search)).json()["models"]
    place = found[0]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    await asyncio.to_thread(save_model, s3.folder / "mlflow" / place)
    await operator.ends(pod)


def save_worse(directory: Path) -> Path:
    estimator = LogisticRegression(max_iter=300).fit(PIXELS[:60], LABELS[:60])
    return save(directory, estimator, signature=PIXEL_SIGNATURE, metadata={"treadle.input": "image/grayscale/8x8"})


def names_in(pod: Object) -> list[str]:
    return [container["name"] for container in pod["spec"]["initContainers"]]


async def phase(operator: Operator, name: str, wanted: str) -> Object:
    async def look() -> Object | None:
        this = await operator.get("TrainingRun", name)
        return this if this and (this.get("status") or {}).get("phase") == wanted else None

    return await eventually(f"{name} is {wanted}", look, timeout=PATIENCE)


async def test_a_model_is_measured_registered_and_reported_with_what_it_measures_and_not_with_what_it_claims(
    operator: Operator, s3: S3Server, dataset: Mapping[str, str], tmp_path: Path
) -> None:
    async with running(operator, store=s3.endpoint):
        await operator.apply("first", dataset=dataset, evaluate={"split": "test"}, gates=GATES, register={"model": "digits"})
        await trains(operator, s3, "first", save_digits)
        await Kubelet(operator, s3, tmp_path / "first").plays(await operator.pod("first-evaluate-1"))
        first = await phase(operator, "first", "Succeeded")
        await Kubelet(operator, s3, tmp_path / "report").plays(await operator.pod("first-report-1"))
        reported = await reports(operator, "first")
    assert operator.place.refused(0) == []
    assert condition(first, "GatesPassed")["reason"] == "NoBaseline"
    measured = {metric["name"]: float(metric["value"]) for metric in first["status"]["evaluation"]["metrics"]}
    assert measured["items"] == len(HELD_OUT)
    assert 0.85 < measured["f1"] < 1.0, "not what the program claims"

    tags = await tags_of(operator, "1")
    assert json.loads(tags[tag_on(dataset)])["f1"] == measured["f1"]
    assert tags["treadle.files"] in {tree_digest(contents_of(file.parent)) for file in (s3.folder / "mlflow").rglob("MLmodel")}
    reference = json.loads(tags["treadle.reference"])
    stored = (s3.folder / reference["uri"].removeprefix("s3://")).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == reference["sha256"]
    sketch = Reference.model_validate_json(stored).sketch
    assert sketch.items == len(HELD_OUT)
    assert sum(sketch.features["x[0]"].all_counts()) == len(HELD_OUT) + 1, "with the item of the training"
    details = s3.folder / first["status"]["evaluation"]["details"]["uri"].removeprefix("s3://")
    assert EvaluationDetails.model_validate_json(details.read_bytes()).models[0].confusion is not None
    smoke = json.loads(tags["treadle.smoke"])
    assert smoke["label"] == LABELS[int(Path(smoke["uri"]).stem)]

    page = (s3.folder / reported["uri"].removeprefix("s3://")).read_text()
    assert f"f1 {first['status']['gates'][1]['value']}; no version carries the alias champion" in page
    assert "loss: 0.9 at step 1, 0.2 at step 3" in page
    assert 'class="matrix"' in page
    assert "src=" not in page, "it needs nothing from outside"


async def test_a_model_that_claims_to_be_perfect_is_held_against_the_champion(
    operator: Operator, s3: S3Server, dataset: Mapping[str, str], tmp_path: Path
) -> None:
    spec = {"dataset": dataset, "evaluate": {"split": "test"}, "gates": GATES, "register": {"model": "digits"}}
    files = f"mlflow/{operator.place.namespace}"
    await asyncio.to_thread(save_digits, s3.folder / files)
    await champion_at(operator, f"s3://{files}")
    async with running(operator, store=s3.endpoint):
        await operator.apply("worse", **spec)
        await trains(operator, s3, "worse", save_worse)
        pod = await operator.pod("worse-evaluate-1")
        assert names_in(pod) == ["fetch-dataset", "fetch-model", "fetch-model-1", "evaluate"]
        await Kubelet(operator, s3, tmp_path / "worse").plays(pod)
        worse = await phase(operator, "worse", "Failed")
        assert condition(worse, "GatesPassed")["reason"] == "GateFailed"
        assert "of version 1 (champion)" in condition(worse, "GatesPassed")["message"]
        (baseline,) = worse["status"]["evaluation"]["baselines"]
        measured = {metric["name"]: float(metric["value"]) for metric in baseline["metrics"]}
        known = json.loads((await tags_of(operator, "1"))[tag_on(dataset)])
        assert known == measured

        await operator.apply("again", **spec)
        await trains(operator, s3, "again", save_worse)
        assert names_in(await operator.pod("again-evaluate-1")) == ["fetch-dataset", "fetch-model", "evaluate"], "the champion is known"
    assert operator.place.refused(0) == []


async def champion_at(operator: Operator, uri: str) -> None:
    """A version that somebody else registered is the champion; its files are there."""
    async with httpx.AsyncClient(base_url=f"{operator.mlflow}/api/2.0/mlflow", timeout=10) as http:
        named = {"name": f"{operator.place.namespace}.digits"}
        (await http.post("/registered-models/create", json=named)).raise_for_status()
        (await http.post("/model-versions/create", json={**named, "source": uri})).raise_for_status()
        (await http.post("/registered-models/alias", json={**named, "alias": "champion", "version": "1"})).raise_for_status()


async def tags_of(operator: Operator, version: str) -> Mapping[str, str]:
    found = await operator.asks("model-versions/get", name=f"{operator.place.namespace}.digits", version=version)
    return {entry["key"]: entry["value"] for entry in found["model_version"]["tags"]}


def tag_on(dataset: Mapping[str, str]) -> str:
    return f"treadle.evaluation.{dataset['digest'].removeprefix('sha256:')[:16]}.test"


async def test_an_image_of_the_user_measures_and_a_champion_that_is_gone_stops_nothing(
    operator: Operator, s3: S3Server, dataset: Mapping[str, str], tmp_path: Path
) -> None:
    await champion_at(operator, "s3://mlflow/gone")
    own = {"split": "test", "command": ["python", "-c", OWN_MEASURE]}
    async with running(operator, store=s3.endpoint):
        await operator.apply("own", dataset=dataset, evaluate=own, gates=GATES, register={"model": "digits"})
        await trains(operator, s3, "own", lambda folder: (folder.mkdir(parents=True), (folder / "MLmodel").write_text("flavors: {}")))
        pod = await operator.pod("own-evaluate-1")
        assert names_in(pod) == ["fetch-dataset", "fetch-model", "fetch-model-1", "measure", "measure-1", "evaluate"]
        await Kubelet(operator, s3, tmp_path / "first").plays(pod)
        pod = await operator.pod("own-evaluate-2")
        assert names_in(pod) == ["fetch-dataset", "fetch-model", "measure", "evaluate"], "without the champion, which nobody can fetch"
        await Kubelet(operator, s3, tmp_path / "second").plays(pod)
        run = await phase(operator, "own", "Failed")
    assert condition(run, "GatesPassed")["reason"] == "GateUnknown"
    assert "there is no MLmodel below s3://mlflow/gone" in condition(run, "GatesPassed")["message"]
    measured = {metric["name"]: float(metric["value"]) for metric in run["status"]["evaluation"]["metrics"]}
    assert measured == {"items": len(HELD_OUT), "accuracy": 0.75, "f1": 1.0}, "as the image of the user says"


async def test_a_model_that_nothing_tracks_is_measured_and_reported_where_its_program_left_it(
    operator: Operator, s3: S3Server, dataset: Mapping[str, str], tmp_path: Path
) -> None:
    output = s3.make_bucket(f"models-{operator.place.namespace}")
    alone = {"tracking": {"type": "None"}, "output": {"uri": f"s3://{output}/"}, "gates": GATES[:1]}
    async with running(operator, store=s3.endpoint):
        await operator.apply("alone", dataset=dataset, evaluate={"split": "test"}, **alone)
        pod = await operator.pod("alone-1")
        (place,) = [v["value"] for v in pod["spec"]["containers"][0]["env"] if v["name"] == "TREADLE_OUTPUT_URI"]
        assert place == f"s3://{output}/alone/"
        await operator.runs(pod)
        await asyncio.to_thread(save_digits, s3.folder / output / "alone" / "model")
        await operator.ends(pod)
        await Kubelet(operator, s3, tmp_path / "alone").plays(await operator.pod("alone-evaluate-1"))
        run = await phase(operator, "alone", "Succeeded")
        await Kubelet(operator, s3, tmp_path / "page").plays(await operator.pod("alone-report-1"))
        reported = await reports(operator, "alone")
    assert condition(run, "GatesPassed")["reason"] == "GatesPassed"
    measured = {metric["name"]: float(metric["value"]) for metric in run["status"]["evaluation"]["metrics"]}
    assert measured["items"] == len(HELD_OUT)
    assert run["status"]["evaluation"]["reference"]["uri"].startswith(f"s3://{output}/alone/treadle/reference-")
    assert reported["uri"] == f"s3://{output}/alone/treadle/report.html"
    assert 'class="matrix"' in (s3.folder / output / "alone" / "treadle" / "report.html").read_text()


async def test_a_run_that_is_judged_by_what_it_logged_is_reported_with_that(operator: Operator, s3: S3Server, tmp_path: Path) -> None:
    async with running(operator, store=s3.endpoint):
        await operator.apply("logs", gates=GATES[:1])
        await trains(operator, s3, "logs", save_digits)
        run = await phase(operator, "logs", "Succeeded")
        files = s3.folder / run["status"]["tracking"]["artifacts"].removeprefix("s3://")
        files.mkdir(parents=True, exist_ok=True)
        (files / "training_confusion_matrix.png").write_bytes(png(0))
        await Kubelet(operator, s3, tmp_path / "page").plays(await operator.pod("logs-report-1"))
        reported = await reports(operator, "logs")
    assert reported["uri"] == f"{run['status']['tracking']['artifacts']}/treadle/report.html"
    page = (files / "treadle" / "report.html").read_text()
    for words in ("Logged by the program", "loss: 0.9 at step 1, 0.2 at step 3", "accuracy 1 &gt;= 0.5", "data:image/png;base64,"):
        assert words in page


async def reports(operator: Operator, name: str) -> Mapping[str, Any]:
    async def look() -> Mapping[str, Any] | None:
        this = await operator.get("TrainingRun", name)
        return ((this or {}).get("status") or {}).get("report") or None

    return await eventually(f"the report of {name} is made", look, timeout=PATIENCE)


async def test_a_detector_is_measured_on_images_that_lie_in_two_stores(operator: Operator, s3: S3Server, place: Place, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"sets-{place.namespace}")
    there, elsewhere = Box(label="can", x=10, y=10, width=30, height=20), Box(label="can", x=0, y=30, width=5, height=5)
    with s3_server(tmp_path / "archive") as archive:
        old = archive.make_bucket(f"old-{place.namespace}")
        items = []
        for number, (store, place_of_it, boxes) in enumerate([(s3, bucket, (there,)), (archive, old, (there, elsewhere))]):
            content = picture(255 - 100 * number)
            (store.folder / place_of_it / f"{number}.png").write_bytes(content)
            items.append(
                DatasetItem(
                    key=str(number),
                    uri=f"s3://{place_of_it}/{number}.png",
                    sha256=hashlib.sha256(content).hexdigest(),
                    label=Boxes(boxes=boxes),
                    split="test",
                    image=ImageSize(width=60, height=40),
                )
            )
        dataset = released(s3, bucket, LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"),)), items)
        access = {"stores": [{"prefix": f"s3://{old}/", "connection": "archive", "secret": "archive-keys"}]}
        gates = [{"name": "finds", "metric": "recall", "min": "0.6"}, {"name": "surely", "metric": "map50", "min": "0.6"}]
        async with running(operator, store=s3.endpoint, archive=archive.endpoint):
            await operator.apply("cans", dataset=dataset, access=access, evaluate={"split": "test"}, gates=gates)
            await trains(operator, s3, "cans", save_detector)
            await Kubelet(operator, s3, tmp_path / "cans", **{"archive-keys": archive}).plays(await operator.pod("cans-evaluate-1"))
            run = await phase(operator, "cans", "Succeeded")
    measured = {metric["name"]: float(metric["value"]) for metric in run["status"]["evaluation"]["metrics"]}
    assert (measured["items"], measured["recall"]) == (2, pytest.approx(2 / 3, abs=1e-5))
    assert measured["map50"] == pytest.approx(67 / 101, abs=1e-5), "every box is right, up to a recall of two thirds"
    assert condition(run, "GatesPassed")["status"] == "True"


OWN_MEASURE = """
import json, os, pathlib
names = os.listdir(os.environ["TREADLE_MODEL_DIR"])
assert "MLmodel" in names and "AWS_ACCESS_KEY_ID" not in os.environ
assert (pathlib.Path(os.environ["TREADLE_DATASET_DIR"]) / "items.jsonl").exists()
(pathlib.Path(os.environ["TREADLE_EVALUATION_DIR"]) / "metrics.json").write_text(json.dumps({"accuracy": 0.75, "f1": 1}))
"""
