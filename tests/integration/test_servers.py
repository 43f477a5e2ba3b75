"""The servers the other integration tests stand on are real: each is asked something only the real product knows."""

import time
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from tests.integration import loopback
from tests.integration.servers import LabelStudioServer, S3Server, mlflow_server


def store(s3: S3Server, bucket: str) -> S3Store:
    return S3Store(
        s3.make_bucket(bucket),
        endpoint=s3.endpoint,
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        region=s3.region,
        client_options={"allow_http": True},
    )


def test_of_two_creations_of_one_object_one_wins(s3: S3Server) -> None:
    bucket = store(s3, "servers")
    obstore.put(bucket, "v0001/manifest.json", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(bucket, "v0001/manifest.json", b"second", mode="create")
    assert bytes(obstore.get(bucket, "v0001/manifest.json").bytes()) == b"first"


def test_a_stranger_cannot_read_a_bucket(s3: S3Server) -> None:
    obstore.put(store(s3, "servers"), "secret.txt", b"x")
    assert loopback.get(f"{s3.endpoint}/servers/secret.txt", timeout=10).status_code == 403


def test_mlflow_keeps_artifacts_in_the_object_store(mlflow: str, s3: S3Server) -> None:
    with loopback.Client(base_url=f"{mlflow}/api/2.0", timeout=30) as api:
        experiment = api.post("/mlflow/experiments/create", json={"name": "servers"}).json()["experiment_id"]
        run = api.post("/mlflow/runs/create", json={"experiment_id": experiment, "start_time": 1}).json()["run"]["info"]["run_id"]
        path = f"{experiment}/{run}/artifacts/note.txt"
        assert api.put(f"/mlflow-artifacts/artifacts/{path}", content=b"kept").status_code == 200
    assert bytes(obstore.get(store(s3, "mlflow"), path).bytes()) == b"kept"


def test_mlflow_takes_up_its_database_when_it_starts_again(tmp_path: Path) -> None:
    name = {"experiment_name": "survives"}
    with mlflow_server(tmp_path) as url:
        loopback.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": "survives"}, timeout=30).raise_for_status()
    with pytest.raises(httpx.ConnectError):
        loopback.get(url, timeout=5)
    with mlflow_server(tmp_path) as url:
        assert loopback.get(f"{url}/api/2.0/mlflow/experiments/get-by-name", params=name, timeout=30).status_code == 200


def test_two_people_annotate_one_task_in_label_studio(label_studio: LabelStudioServer) -> None:
    admin = {"Authorization": f"Token {label_studio.token}"}
    config = '<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="yes"/><Choice value="no"/></Choices></View>'
    with loopback.Client(base_url=f"{label_studio.url}/api", timeout=30) as api:
        made = api.post("/projects/", headers=admin, json={"title": "servers", "label_config": config, "maximum_annotations": 2})
        project = made.json()["id"]
        task = api.post(f"/projects/{project}/import?return_task_ids=true", headers=admin, json=[{"data": {"text": "a"}}]).json()["task_ids"][0]
        for person in ("ann", "bob"):
            token = label_studio.make_user(f"{person}-{time.time_ns()}@example.com")
            result = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["yes"]}}]
            answer = api.post(f"/tasks/{task}/annotations/", headers={"Authorization": f"Token {token}"}, json={"result": result})
            assert answer.status_code == 201, answer.text
        annotations = api.get(f"/tasks/{task}/annotations/", headers=admin).json()
    assert len({annotation["completed_by"] for annotation in annotations}) == 2


def test_label_studio_takes_nobody_in_without_an_invitation(label_studio: LabelStudioServer) -> None:
    with loopback.Client(base_url=label_studio.url, timeout=30) as stranger:
        stranger.get("/user/signup/")
        form = {"csrfmiddlewaretoken": stranger.cookies.get("csrftoken"), "email": "eve@example.com", "password": "12345678abc"}
        assert stranger.post("/user/signup/", data=form, headers={"Referer": label_studio.url}).status_code == 403
