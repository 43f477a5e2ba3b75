"""The operator as it is shipped: `python -m treadle.main` with the three real kinds."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from tests.integration.control_plane import Place
from tests.integration.engine_toy import condition, eventually
from tests.integration.processes import free_port
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.plan import Object, ref_of

SAMPLES = {
    "AnnotationProject": {
        "task": {"type": "ImageClassification", "labels": [{"name": "can"}, {"name": "bottle"}]},
        "source": {"uri": "s3://retail-raw/shelf/"},
        "dataset": {"destination": "s3://retail-datasets/shelf/"},
    },
    "TrainingRun": {"image": "registry.example/acme/train:1.4", "resources": {"gpu": 1}},
    "ModelDeployment": {"model": {"name": "shelf"}},
}


async def test_the_operator_process_serves_probes_and_tells_every_kind_what_is_missing(place: Place, tmp_path: Path) -> None:
    config, port, log = written(tmp_path, place.namespace), free_port(), tmp_path / "log"
    reader = KubernetesCluster(Wire(Access(str(place.cluster.kubeconfig))))
    objects = [made(kind, place.namespace) for kind in SAMPLES]
    since = place.now()
    with operator(place.operator(), place.namespace, config, port, log) as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            await eventually("ready", lambda: is_ok(http, "/readyz"))
            place.cluster.apply(*objects)
            for this in objects:
                await until_said(reader, this)
            assert await is_ok(http, "/livez")
            figures = (await http.get("/metrics")).text
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    await reader.close()
    assert "treadle_leader 1.0" in figures
    assert 'treadle_objects{kind="TrainingRun",phase="' in figures, "the leader tells of objects"
    assert 'treadle_reconciles_total{kind="TrainingRun",result="done"}' in figures
    assert not re.search(r"^treadle_bugs_total.* [1-9]", figures, re.MULTILINE)
    assert place.refused(since) == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["message"] == "stopped"
    assert not [line for line in lines if line["severity"] == "ERROR"]


async def test_pods_that_are_refused_are_told_in_the_api_servers_words(place: Place, tmp_path: Path) -> None:
    config, this = written(tmp_path, place.namespace), made("TrainingRun", place.namespace)
    reader = KubernetesCluster(Wire(Access(str(place.cluster.kubeconfig))))
    place.kubectl("create", "quota", "none", "--hard=pods=0")
    with operator(place.operator(), place.namespace, config, free_port(), tmp_path / "log"):
        place.cluster.apply(this)

        async def refused() -> str | None:
            live = await reader.get(ref_of(this))
            conditions = ((live or {}).get("status") or {}).get("conditions") or ()
            return next((c["message"] for c in conditions if c["reason"] == "PodsRejected"), None)

        message = await eventually("told", refused, timeout=60)
    await reader.close()
    assert "exceeded quota: none" in message


async def test_a_wrong_configuration_is_told_by_field(place: Place, tmp_path: Path) -> None:
    config = tmp_path / "installation.yaml"
    config.write_text("id: test\nimages: {jobs: a}\n")
    command = [sys.executable, "-m", "treadle.main", f"--config={config}"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"images.runtime" in done.stderr


def written(folder: Path, namespace: str) -> Path:
    """The smallest configuration that watches one namespace."""
    config = folder / "installation.yaml"
    images = {"jobs": "registry.example/jobs:1", "runtime": "registry.example/runtime:1"}
    config.write_text(yaml.safe_dump({"id": "test", "images": images, "namespaces": [namespace]}))
    return config


async def until_said(reader: KubernetesCluster, this: Object) -> None:
    async def said() -> Object | None:
        live = await reader.get(ref_of(this))
        return live if condition(live, "Ready") else None

    live = await eventually(f"{this['kind']} told", said)
    assert live["status"]["observedGeneration"] == 1


async def is_ok(http: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await http.get(path)).status_code == 200
    except httpx.TransportError:
        return False


def made(kind: str, namespace: str) -> dict[str, object]:
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": kind, "metadata": {"name": "shelf", "namespace": namespace}, "spec": SAMPLES[kind]}


@contextmanager
def operator(kubeconfig: Path, namespace: str, config: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = [f"--config={config}", f"--kubeconfig={kubeconfig}", f"--lease-namespace={namespace}", f"--port={port}", "--log-format=json"]
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "treadle.main", *options], stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
