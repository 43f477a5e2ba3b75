"""The wire against a real HTTP server that answers as an API server may on a bad day."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from treadle.engine import Access, KubernetesCluster, Wire
from treadle.engine import _wire as wire_module
from treadle.engine._lease import Deposed
from treadle.engine._ports import Conflict
from treadle.engine._wire import path_of
from treadle.plan import Ref, Trouble

JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a-1", "namespace": "ml"}, "spec": {}}
GATEWAY = '{"error": {"code": 7}}'


class ApiServer:
    """Answers with what was put on its list, then with some object; notes what came."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.delay = 0.0

    def will(self, status: int, body: str = "{}", **headers: str) -> None:
        self.answers.append((status, {key.replace("_", "-"): value for key, value in headers.items()}, body))

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path, dict(request.query)))
        await asyncio.sleep(self.delay)
        status, headers, body = self.answers.pop(0) if self.answers else (200, {}, json.dumps(JOB))
        return web.Response(status=status, headers=headers, text=body, content_type="application/json")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[ApiServer, KubernetesCluster]]:
    api = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content_of(f"http://127.0.0.1:{runner.addresses[0][1]}")))
    cluster = KubernetesCluster(Wire(Access(str(kubeconfig))))
    try:
        yield api, cluster
    finally:
        await cluster.close()
        await runner.cleanup()


def content_of(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }


Server = tuple[ApiServer, KubernetesCluster]


async def test_a_server_that_asks_to_slow_down_is_obeyed_and_asked_again(server: Server) -> None:
    api, cluster = server
    api.will(429, Retry_After="0.05")
    api.will(201, '{"kind": "Job"}')
    assert await cluster.create(JOB) == {"kind": "Job"}
    assert [method for method, _, _ in api.requests] == ["POST", "POST"]


async def test_a_long_pause_is_left_to_the_queue(server: Server) -> None:
    api, cluster = server
    api.will(429, Retry_After="300")
    with pytest.raises(Trouble, match="slow down"):
        await cluster.create(JOB)
    assert len(api.requests) == 1


async def test_a_failed_write_is_never_sent_twice_by_the_client(server: Server) -> None:
    api, cluster = server
    api.will(500, '{"message": "etcdserver: leader changed"}')
    with pytest.raises(Trouble, match="leader changed"):
        await cluster.create(JOB)
    assert len(api.requests) == 1


@pytest.mark.parametrize("body", ["<html>", '["list"]', "", GATEWAY, '{"kind": 7, "metadata": {}}', '{"kind": "Job", "metadata": []}'])
async def test_an_answer_that_is_not_an_object_is_trouble(server: Server, body: str) -> None:
    api, cluster = server
    api.will(200, body)
    with pytest.raises(Trouble, match="no Kubernetes object"):
        await cluster.get(Ref("Job", "ml", "a-1"))


async def test_a_refusal_by_a_proxy_in_front_is_trouble_too(server: Server) -> None:
    api, cluster = server
    api.will(502, "<html>bad gateway</html>")
    with pytest.raises(Trouble, match="HTTP 502"):
        await cluster.get(Ref("Job", "ml", "a-1"))


async def test_no_answer_in_time_is_trouble(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "TIMEOUT", 0.05)
    api, cluster = server
    api.delay = 0.5
    with pytest.raises(Trouble, match="does not answer"):
        await cluster.get(Ref("Job", "ml", "a-1"))


async def test_nobody_there_is_trouble(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content_of("http://127.0.0.1:1")))
    cluster = KubernetesCluster(Wire(Access(str(kubeconfig))))
    with pytest.raises(Trouble, match="does not answer"):
        await cluster.get(Ref("Job", "ml", "a-1"))
    await cluster.close()


async def test_what_is_absent_is_none_and_what_exists_already_is_told(server: Server) -> None:
    api, cluster = server
    api.will(404)
    assert await cluster.get(Ref("Job", "ml", "a-1")) is None
    api.will(409, '{"reason": "AlreadyExists"}')
    api.will(200, '{"kind": "Job", "metadata": {"uid": "theirs"}}')
    with pytest.raises(Conflict) as conflict:
        await cluster.create(JOB)
    assert conflict.value.existing == {"kind": "Job", "metadata": {"uid": "theirs"}}


async def test_a_list_is_read_in_chunks_and_begun_again_when_it_expires(server: Server) -> None:
    api, cluster = server
    page = '{"kind": "JobList", "metadata": {"resourceVersion": "7", "continue": "t"}, "items": [{"metadata": {"name": "a"}}]}'
    last = '{"kind": "JobList", "metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]}'
    for status, body in ((200, page), (410, "{}"), (200, page), (200, last)):
        api.will(status, body)
    found, version = await cluster.list("Job", namespace="ml", selector="x=y")
    assert ([each["metadata"]["name"] for each in found], version) == (["a", "b"], "7")
    assert {each["kind"] for each in found} == {"Job"}
    assert [query.get("continue") for _, _, query in api.requests] == [None, "t", None, "t"]
    assert all(query["labelSelector"] == "x=y" for _, _, query in api.requests)


async def test_a_failed_discovery_says_nothing_about_any_kind(server: Server) -> None:
    api, cluster = server
    api.will(503)
    with pytest.raises(Trouble):
        await cluster.kinds()


async def test_writes_are_not_sent_by_who_does_not_lead_and_reads_are(server: Server) -> None:
    api, cluster = server

    def deposed() -> float:
        raise Deposed

    cluster.wire.fence = deposed
    for write in (
        cluster.create(JOB),
        cluster.apply(JOB, resource_version=None),
        cluster.delete(Ref("Job", "ml", "a-1"), uid="u"),
        cluster.patch_status(Ref("Job", "ml", "a-1"), {}, resource_version="1"),
    ):
        with pytest.raises(Deposed):
            await write
    assert api.requests == []
    await cluster.get(Ref("Job", "ml", "a-1"))
    assert len(api.requests) == 1


def test_paths_follow_the_groups() -> None:
    assert path_of("Pod", "ml", "a") == "/api/v1/namespaces/ml/pods/a"
    assert path_of("TrainingRun") == "/apis/treadle.dev/v1alpha1/trainingruns"
    assert path_of("TrainingRun", "ml", "a", subresource="status") == "/apis/treadle.dev/v1alpha1/namespaces/ml/trainingruns/a/status"
