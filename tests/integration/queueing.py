"""The real managers of JobSet and Kueue, as processes beside a control plane: without their webhooks, which pods would be needed for."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from e2e.cluster import Cluster, tool
from e2e.cluster.charts import kinds
from tests.integration.processes import free_port, server

CERTIFICATES = "/etc/kueue/metrics/certs"
"""Where Kueue reads a certificate when it does not make one itself; no setting moves it."""
PRIVATE = f"""
set -e
mount -t tmpfs tmpfs upper
mkdir -p upper/files{CERTIFICATES.removeprefix("/etc")} upper/work
cp tls.crt tls.key upper/files{CERTIFICATES.removeprefix("/etc")}/
mount -t overlay overlay -o lowerdir=/etc,upperdir="$PWD"/upper/files,workdir="$PWD"/upper/work /etc
exec "$@"
"""
"""Gives a process a folder of its own there, which nobody else sees; needs no rights outside of its own namespaces."""


@contextlib.contextmanager
def jobset(cluster: Cluster, folder: Path) -> Iterator[None]:
    """JobSet's manager, until the block ends."""
    cluster.apply_kinds(*kinds("jobset"))
    settings = {"internalCertManagement": {"enable": False}, **_settings("config.jobset.x-k8s.io/v1alpha1", folder)}
    with _manager(cluster, "jobset", settings, folder):
        yield


@contextlib.contextmanager
def kueue(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Kueue's manager for Jobs and JobSets, until the block ends; the kinds of JobSet must be there."""
    cluster.apply_kinds(*kinds("kueue"))
    cluster.kubectl("create", "namespace", "kueue-system")
    frameworks = {"integrations": {"frameworks": ["batch/job", "jobset.x-k8s.io/jobset"]}, "internalCertManagement": {"enable": False}}
    with _manager(cluster, "kueue", {**frameworks, **_settings("config.kueue.x-k8s.io/v1beta2", folder)}, folder, private=True):
        yield


def _settings(version: str, folder: Path) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": f"127.0.0.1:{free_port()}"},
        "metrics": {"bindAddress": f"127.0.0.1:{free_port()}"},
        "webhook": {"port": free_port(), "certDir": str(folder)},
        "leaderElection": {"leaderElect": False},
    }


@contextlib.contextmanager
def _manager(cluster: Cluster, name: str, settings: dict[str, Any], folder: Path, *, private: bool = False) -> Iterator[None]:
    for kind in ("crt", "key"):
        shutil.copy(cluster.layout.pki / f"apiserver.{kind}", folder / f"tls.{kind}")
    (folder / "configuration.yaml").write_text(json.dumps(settings))
    (folder / "upper").mkdir(exist_ok=True)
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", PRIVATE, "sh"] if private else []
    gates = ["--feature-gates=VisibilityOnDemand=false"] if private else []
    command = [*own, str(tool(name)), f"--config={folder / 'configuration.yaml'}", *gates]
    ready = f"http://{settings['health']['healthProbeBindAddress']}/healthz"
    with server(command, ready=ready, folder=folder, environment={"KUBECONFIG": str(cluster.kubeconfig)}, deadline=60):
        yield
