"""A real Prometheus among the cluster's programs. It reads the operator's pods and the serving pods, as a platform team's would."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from e2e.cluster import Cluster, tool
from e2e.dashboards.reading import ALERTS, Reading
from e2e.support.waiting import until

PROGRAM = "prometheus"
PORT = 9090
EVERY = "2s"
FIELDS = ("metadata.namespace", "metadata.name", "status.podIP", r"metadata.labels.app\.kubernetes\.io/component")
"""What is read of a pod."""
JOBS = {"operator": "treadle-metrics", "runtime": "serving"}
"""What the pods of a component are called in `job`."""


class Pods:
    """Keeps a file of the pods that are to be read, for a Prometheus that knows no Kubernetes (Debian's was built without it).

    The labels are those that a ServiceMonitor and a PodMonitor lead to. An address belongs to whoever had it last.
    """

    def __init__(self, cluster: Cluster, targets: Path) -> None:
        self._targets = targets
        self._known: dict[str, dict[str, Any]] = {}
        said = "|".join(f"{{.{field}}}" for field in FIELDS)
        words = ["get", "pods", "--all-namespaces", "--watch", f"--selector=app.kubernetes.io/component in ({','.join(JOBS)})"]
        command = [str(tool("kubectl")), f"--kubeconfig={cluster.kubeconfig}", *words, f"--output=jsonpath={said}{{'\\n'}}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._write()
        threading.Thread(target=self._follow, daemon=True).start()

    def close(self) -> None:
        """Follow them no more."""
        self._process.terminate()
        self._process.wait(timeout=10)

    def _follow(self) -> None:
        for line in self._process.stdout or ():
            namespace, pod, address, component = line.rstrip("\n").split("|")
            if address:
                labels = {"namespace": namespace, "pod": pod, "job": JOBS[component]}
                self._known[address] = {"targets": [f"{address}:8080"], "labels": labels}
                self._write()

    def _write(self) -> None:
        draft = self._targets.with_suffix(".draft")
        draft.write_text(json.dumps(list(self._known.values())))
        draft.rename(self._targets)


@contextmanager
def prometheus(cluster: Cluster) -> Iterator[Reading]:
    """Reads from now on, until the block ends."""
    folder = cluster.directory / PROGRAM
    folder.mkdir(exist_ok=True)
    settings = {
        "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "pods", "file_sd_configs": [{"files": [f"{folder}/pods.json"]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    pods = Pods(cluster, folder / "pods.json")
    command = [str(tool(PROGRAM)), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    address, since = f"{cluster.node_address}:{PORT}", time.time()
    try:
        cluster.control.start(PROGRAM, [*command, f"--web.listen-address={address}"], {})
        with httpx.Client(base_url=f"http://{address}/api/v1", timeout=10) as client:
            until("Prometheus", lambda: _ready(cluster, f"http://{address}/-/ready"), timeout=60, describe=lambda: cluster.tail(PROGRAM))
            yield Reading(client, since)
    finally:
        cluster.stop(PROGRAM)
        pods.close()


def _ready(cluster: Cluster, url: str) -> bool:
    cluster.assert_running(PROGRAM)
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
