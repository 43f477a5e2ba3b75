"""The samples are accepted, applied twice they change nothing, and everything in them is explained."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.api_server import GROUP_PATH, ApiServer, Object, api_server, samples
from tests.unit.api.examples import status_of
from treadle.api import AnnotationProjectSpec, Model, ModelDeploymentSpec, TrainingRunSpec
from treadle.api.kinds import KINDS, ApiKind

__all__ = ["api_server"]

SPECS: dict[str, type[Model]] = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}


def identity(this: Object) -> str:
    return f"{this['kind']} {this['metadata']['name']}"


@pytest.fixture
def applied(api_server: ApiServer, request: pytest.FixtureRequest) -> Iterator[Object]:
    """A sample, applied by kubectl and looked at by the operator."""
    this: Object = request.param
    api_server.kubectl("apply", "--server-side", "--validate=strict", "--filename=-", stdin=json.dumps(this))
    try:
        yield this
    finally:
        api_server.delete(this)


@pytest.mark.parametrize("applied", samples(), ids=identity, indirect=True)
def test_a_sample_applied_again_changes_nothing(api_server: ApiServer, applied: Object) -> None:
    # Before the first status write the default of status is not stored yet, and the API server stores it with the first update that comes.
    assert _live(api_server, applied)["status"] == {"observedGeneration": -1}
    _report(api_server, applied)
    before = _version(api_server, applied)
    api_server.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(applied))
    assert _version(api_server, applied) == before


@pytest.mark.parametrize("applied", samples(), ids=identity, indirect=True)
def test_nor_does_client_side_apply(api_server: ApiServer, applied: Object) -> None:
    api_server.kubectl("apply", "--filename=-", stdin=json.dumps(applied))
    before = _version(api_server, applied)
    assert "unchanged" in api_server.kubectl("apply", "--filename=-", stdin=json.dumps(applied))
    assert _version(api_server, applied) == before


@pytest.mark.parametrize("this", samples(), ids=identity)
def test_what_the_server_stores_is_what_the_models_mean(api_server: ApiServer, this: Object) -> None:
    code, live = api_server.create(this)
    assert code == 201, live
    model = SPECS[this["kind"]]
    assert model.model_validate(live["spec"]) == model.model_validate(this["spec"])
    code, answer = api_server.create(this | {"spec": model.model_validate(this["spec"]).to_object()})
    assert code == 201, answer
    assert model.model_validate(answer["spec"]) == model.model_validate(this["spec"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_everything_is_explained(api_server: ApiServer, kind: Any) -> None:
    document = api_server.client.get("/openapi/v3/apis/treadle.dev/v1alpha1").json()
    (schema,) = [s for name, s in document["components"]["schemas"].items() if name.endswith(f".{kind.kind}")]
    assert list(_unexplained({"properties": {part: schema["properties"][part] for part in ("spec", "status")}}, kind.kind)) == []
    explained = api_server.kubectl("explain", kind.plural, "--recursive")
    assert "spec\t<Object> -required-" in explained


def test_the_kinds_are_found_by_short_name_and_category_with_their_columns(api_server: ApiServer) -> None:
    resources = {r["name"]: r for r in api_server.client.get(GROUP_PATH).json()["resources"]}
    assert {name: resources[name].get("shortNames") for name in ("annotationprojects", "trainingruns", "modeldeployments")} == {
        "annotationprojects": ["ap"],
        "trainingruns": ["trun"],
        "modeldeployments": ["mdep"],
    }
    assert all(resources[kind.plural]["categories"] == ["treadle"] for kind in KINDS)
    assert "modeldeployments/scale" in resources
    for kind in KINDS:
        answer = api_server.client.get(
            f"{GROUP_PATH}/namespaces/{api_server.namespace}/{kind.plural}", headers={"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
        ).json()
        assert "columnDefinitions" in answer, answer["message"]
        columns = answer["columnDefinitions"]
        assert [c["name"] for c in columns][:2] == ["Name", "Phase"]
        assert [c["name"] for c in columns if c["priority"] == 0][-1] == "Age"
        assert {"URL", "Message"} <= {c["name"] for c in columns if c["priority"] == 1}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_status_is_stored_as_it_is_written(api_server: ApiServer, kind: ApiKind) -> None:
    this = next(this for this in samples("smallest.yaml") if this["kind"] == kind.kind)
    api_server.create(this, keep=True)
    try:
        _report(api_server, this, status_of(kind))
        stored = _live(api_server, this)["status"]
        assert {name: value for name, value in stored.items() if name not in ("observedGeneration", "phase")} == status_of(kind)
    finally:
        api_server.delete(this)


def _version(server: ApiServer, this: Object) -> str:
    return str(_live(server, this)["metadata"]["resourceVersion"])


def _report(server: ApiServer, this: Object, more: Mapping[str, Any] | None = None) -> None:
    status = {"status": {"observedGeneration": 1, "phase": "Pending", **(more or {})}}
    path = f"{server.collection(this)}/{this['metadata']['name']}/status"
    answer = server.client.patch(path, json=status, headers={"Content-Type": "application/merge-patch+json"})
    assert answer.is_success, answer.text


def _live(server: ApiServer, this: Object) -> Object:
    live: Object = server.client.get(f"{server.collection(this)}/{this['metadata']['name']}").json()
    return live


def _unexplained(schema: Object, path: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        if not child.get("description"):
            yield f"{path}.{name}"
        yield from _unexplained(child, f"{path}.{name}")
    if "items" in schema:
        yield from _unexplained(schema["items"], f"{path}[]")
