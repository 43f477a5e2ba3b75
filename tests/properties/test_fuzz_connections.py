"""Whatever MLflow, Label Studio and serving pods answer, their clients raise nothing but Trouble."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, note
from hypothesis import strategies as some

from tests.properties.mutations import raw
from treadle.connections.installation import LabelStudioSettings, MlflowSettings, Owner
from treadle.connections.label_studio import LabelStudio
from treadle.connections.labelling import (
    AnnotationsChanged,
    CloseLabellingProject,
    EnsureLabellingProject,
    FindLabellingProject,
    LabellingProgress,
    Setup,
)
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import EnsureAlias, EnsureModelVersion, ModelAlias, ModelVersionOf, TagModelVersion
from treadle.connections.tracking import (
    CloseTrackingRun,
    EnsureTrackingRun,
    FindTrackingRun,
    OpenTrackingRuns,
    TrackingReport,
    TrackingRunState,
    TrackingStatus,
)
from treadle.plan import Effect, Question, Trouble

OWNER = Owner("here", "ml", "digits", "uid-1")
CODES = (200, 200, 200, 200, 201, 204, 301, 400, 404, 409, 500)
TAGS = [{"key": "treadle.claim", "value": "uid-1"}, {"key": "treadle.uid", "value": "uid-1"}, {"key": "treadle.owner", "value": "here/ml/digits"}]
RUN = {
    "info": {"run_id": "r1", "experiment_id": "1", "status": "RUNNING", "lifecycle_stage": "active", "start_time": 1, "run_name": "digits"},
    "data": {"tags": TAGS, "metrics": [{"key": "f1", "value": 0.9, "step": 3, "timestamp": 17}], "params": [{"key": "lr", "value": "0.1"}]},
    "inputs": {"dataset_inputs": [{"dataset": {"name": "digits", "digest": "d"}}]},
}
VERSION = {"name": "digits", "version": "1", "run_id": "r1", "source": "models:/m-1", "tags": TAGS, "aliases": ["candidate"]}
MODEL = {"info": {"model_id": "m-1", "name": "model", "creation_timestamp_ms": 1, "artifact_uri": "s3://mlflow/1"}}
ANSWERS: Mapping[str, Any] = {
    "experiments/get-by-name": {"experiment": {"experiment_id": "1", "name": "digits", "lifecycle_stage": "active"}},
    "experiments/create": {"experiment_id": "1"},
    "experiments/search": {"experiments": [{"experiment_id": "1", "name": "digits"}]},
    "runs/search": {"runs": [RUN]},
    "runs/create": {"run": RUN},
    "runs/get": {"run": RUN},
    "logged-models/search": {"models": [MODEL]},
    "registered-models/alias": {"model_version": VERSION},
    "model-versions/get": {"model_version": VERSION},
    "model-versions/search": {"model_versions": [VERSION]},
    "model-versions/create": {"model_version": VERSION},
    "model-versions/get-download-uri": {"artifact_uri": "s3://mlflow/1"},
}
KEY = {"connection": "mlflow/default"}
PLACE = {"experiment_id": "1", "run_id": "r1", **KEY}
MLFLOW: tuple[Question[Any] | Effect, ...] = (
    FindTrackingRun(experiment="digits", owner=OWNER, spec_hash="h", **KEY),
    TrackingRunState(**PLACE),
    TrackingReport(**PLACE),
    OpenTrackingRuns(installation="here", **KEY),
    ModelAlias(model="digits", alias="candidate", **KEY),
    ModelVersionOf(model="digits", version="1", **KEY),
    ModelVersionOf(model="digits", run_id="r1", source="models:/m-1", **KEY),
    EnsureTrackingRun(experiment="digits", run_name="digits", owner=OWNER, spec_hash="h", **KEY),
    CloseTrackingRun(owner_uid="uid-1", status=TrackingStatus.FINISHED, ending="{}", **PLACE),
    EnsureModelVersion(model="digits", run_id="r1", source="models:/m-1", owner=OWNER, **KEY),
    EnsureAlias(model="digits", alias="candidate", version="2", expected="1", **KEY),
    TagModelVersion(model="digits", version="1", tags=(("a", "b"),), **KEY),
)
PROJECT = {
    "id": 7,
    "title": "Digits",
    "description": "treadle.dev/owner: here/ml/digits uid=uid-1 guidelines=x",
    "label_config": "<View/>",
    "task_number": 3,
    "finished_task_number": 1,
    "total_annotations_number": 2,
    "num_tasks_with_annotations": 1,
    "skipped_annotations_number": 0,
    "maximum_annotations": 1,
    "overlap_cohort_percentage": 100,
}
TASK = {"id": 1, "updated_at": "2026-01-01T00:00:00Z", "annotations": [{"id": 1, "was_cancelled": False}], "total_annotations": 1, "drafts": []}
LABELLING: Mapping[str, Any] = {
    "/api/projects/7": PROJECT,
    "/api/projects": {"count": 1, "next": None, "previous": None, "results": [PROJECT]},
    "/api/tasks": {"total": 1, "total_annotations": 1, "tasks": [TASK]},
    "/api/token/refresh": {"access": "a.b.c"},
}
PROJECT_KEY = {"connection": "labelStudio/default"}
SETUP = Setup(title="Digits", configuration="<View/>")
LABEL_STUDIO: tuple[Question[Any] | Effect, ...] = (
    FindLabellingProject(owner=OWNER, **PROJECT_KEY),
    FindLabellingProject(owner=OWNER, adopt=7, **PROJECT_KEY),
    LabellingProgress(project=7, **PROJECT_KEY),
    AnnotationsChanged(project=7, **PROJECT_KEY),
    EnsureLabellingProject(owner=OWNER, setup=SETUP, **PROJECT_KEY),
    EnsureLabellingProject(owner=OWNER, setup=SETUP, adopt=7, **PROJECT_KEY),
    CloseLabellingProject(owner=OWNER, project=7, **PROJECT_KEY),
)


class Network(httpx.AsyncBaseTransport):
    """Answers as the product would, but for one path, from some call of it on, once or again and again."""

    def __init__(self, answers: Mapping[str, Any], data: some.DataObject) -> None:
        self._answers = answers
        self._path = data.draw(some.sampled_from(sorted(answers)))
        self._code, self._content = data.draw(some.sampled_from(CODES)), data.draw(raw(answers[self._path]))
        self._wrong = {*range(data.draw(some.integers(0, 2)), data.draw(some.sampled_from([1, 2, 3, 99])))}
        self._calls = Counter[str]()
        note(f"{self._path} answers at {self._wrong}: {self._code} {self._content[:3000]!r}")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self._calls.total() < 300, "it asks for ever"
        path = next((path for path in self._answers if request.url.path.rstrip("/").endswith(path)), "")
        number = self._calls[path]
        self._calls[path] += 1
        if path == self._path and number in self._wrong:
            return httpx.Response(self._code, content=b"" if self._code == 204 else self._content)
        return httpx.Response(200, content=json.dumps(self._answers.get(path, {})).encode())


async def used(client: Any, wanted: Question[Any] | Effect) -> None:
    try:
        if isinstance(wanted, Effect):
            await client.carry_out(wanted)
        else:
            await client.answer([wanted])
    except Trouble as trouble:
        note(f"trouble: {trouble}")
    finally:
        await client.close()


@given(wanted=some.sampled_from(MLFLOW), data=some.data())
def test_mlflow_may_answer_anything(wanted: Question[Any] | Effect, data: some.DataObject) -> None:
    asyncio.run(used(Mlflow(MlflowSettings(url="http://mlflow.example"), lambda: datetime.now(UTC), Network(ANSWERS, data)), wanted))


@pytest.fixture(scope="module", params=["f" * 40, "eyJ0eXAi.eyJleHAi.c2lnbmF0dXJl"], ids=["legacy", "personal"])
def token(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(request.param)
    return path


@given(wanted=some.sampled_from(LABEL_STUDIO), data=some.data())
def test_label_studio_may_answer_anything(token: Path, wanted: Question[Any] | Effect, data: some.DataObject) -> None:
    settings = LabelStudioSettings(url="http://label-studio.example", token_file=str(token))
    asyncio.run(used(LabelStudio(settings, clock=lambda: 0.0, transport=Network(LABELLING, data)), wanted))
