import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import certifi
import pytest
import yaml
from aiohttp import web
from kubernetes.aio.config import incluster_config

from treadle.engine import Access


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    return written(tmp_path, "https://api.example:6443", {"token": "t"})


def written(folder: Path, server: str, credentials: dict[str, str]) -> str:
    cluster = {"name": "c", "cluster": {"server": server}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": credentials}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "current-context": "x", "clusters": [cluster], "contexts": [context], "users": [user]}))
    return str(path)


async def test_the_proxy_of_the_environment_is_used_unless_the_server_is_excepted(kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    async with (await Access(kubeconfig).load()).session() as session:
        assert str(session._default_proxy) == "http://proxy.example:3128"
    monkeypatch.setenv("no_proxy", "api.example")
    async with (await Access(kubeconfig).load()).session() as session:
        assert session._default_proxy is None


async def test_nobody_elses_credentials_are_read_from_the_home_folder(kubeconfig: str) -> None:
    async with (await Access(kubeconfig).load()).session() as session:
        assert not session.trust_env


@asynccontextmanager
async def server_that_takes(tokens: list[str], heard: list[str]) -> AsyncIterator[int]:
    """An API server that knows one token at a time, the last of `tokens`."""

    async def answer(request: web.BaseRequest) -> web.Response:
        heard.append(request.headers.get("Authorization", "").lower())
        return web.json_response({"kind": "Job"}, status=200 if heard[-1] == f"bearer {tokens[-1]}" else 401)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_a_token_file_that_was_rotated_is_read_anew_when_the_server_refuses_the_old_token(tmp_path: Path) -> None:
    tokens, heard = ["old"], list[str]()
    (tmp_path / "token").write_text("old\n")
    async with server_that_takes(tokens, heard) as port:
        entrance = await Access(written(tmp_path, f"http://127.0.0.1:{port}", {"tokenFile": str(tmp_path / "token")})).load()
        async with entrance.session() as session:
            assert (await session.post(entrance.server, data="a body")).status == 200
            tokens.append("new")
            assert (await session.post(entrance.server, data="a body")).status == 401
            (tmp_path / "token").write_text("new\n")
            assert (await session.post(entrance.server, data="a body")).status == 200
            assert (await session.post(entrance.server, data="a body")).status == 200
    assert heard == ["bearer old", "bearer old", "bearer old", "bearer new", "bearer new"]


async def test_the_pods_own_token_is_read_anew_when_it_is_refused_and_the_last_one_is_used_while_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, heard = ["old"], list[str]()
    (tmp_path / "token").write_text("old")
    shutil.copy(certifi.where(), tmp_path / "ca.crt")
    async with server_that_takes(tokens, heard) as port:
        monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
        monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        entrance = await Access().load()
        async with entrance.session() as session:
            url = entrance.server.replace("https", "http")
            assert (await session.get(url)).status == 200
            (tmp_path / "token").unlink()
            assert (await session.get(url)).status == 200
            tokens.append("new")
            assert (await session.get(url)).status == 401
            (tmp_path / "token").write_text("new")
            assert (await session.get(url)).status == 200


async def test_a_kubeconfig_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path) -> None:
    for content in ("{", "[]", ""):
        (tmp_path / "kubeconfig").write_text(content)
        with pytest.raises(ValueError, match="no way to the API server"):
            await Access(str(tmp_path / "kubeconfig")).load()
