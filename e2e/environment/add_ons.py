"""JobSet and Kueue, installed the way a platform team does: from their own charts, with their webhooks and certificates."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from e2e.cluster import Problem, find, tool
from e2e.cluster.charts import chart
from e2e.cluster.images import pack
from e2e.cluster.progress import Progress
from e2e.environment.target import Embedded, kubectl

SMALL = {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}}
KUEUE_CONFIGURATION = {
    "apiVersion": "config.kueue.x-k8s.io/v1beta2",
    "kind": "Configuration",
    "health": {"healthProbeBindAddress": ":8081"},
    "metrics": {"bindAddress": ":8443"},
    "webhook": {"port": 9443},
    "leaderElection": {"leaderElect": False},
    "integrations": {"frameworks": ["batch/job", "jobset.x-k8s.io/jobset"]},
}


def install_jobset(target: Embedded, progress: Progress) -> None:
    """Install JobSet and wait until its webhook answers.

    Raises:
        Problem: helm failed, or its controller does not become ready.
    """
    repository, _, tag = _image(target, "jobset", progress).rpartition(":")
    controller = {"resources": SMALL, "leaderElection": {"enable": False}}
    _install(target, "jobset", {"image": {"repository": repository, "tag": tag, "pullPolicy": "Never"}, "controller": controller}, progress)


def install_kueue(target: Embedded, progress: Progress) -> None:
    """Install Kueue for Jobs and JobSets, and wait until its webhook answers; JobSet must be there already.

    Raises:
        Problem: helm failed, or its manager does not become ready.
    """
    repository, _, tag = _image(target, "kueue", progress).rpartition(":")
    manager = {"image": {"repository": repository, "tag": tag, "pullPolicy": "Never"}, "resources": SMALL}
    values = {
        "controllerManager": {
            "manager": manager,
            "readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 1},
            "featureGates": [{"name": "VisibilityOnDemand", "enabled": False}],
        },
        "managerConfig": {"controllerManagerConfigYaml": json.dumps(KUEUE_CONFIGURATION)},
    }
    _install(target, "kueue", values, progress)
    # The chart registers this API also where it is switched off; one that does not answer keeps namespaces from being deleted.
    kubectl(target, "delete", "apiservice", *(f"{version}.visibility.kueue.x-k8s.io" for version in ("v1beta1", "v1beta2")))


def uninstall_add_ons(target: Embedded) -> None:
    """Take both away again, with their webhooks and Kueue's kinds; whoever comes next meets a plain cluster."""
    if "workloads.kueue" in kubectl(target, "get", "customresourcedefinitions", "--output=name"):
        # Kueue alone can release what it holds, so it goes last.
        kubectl(target, "delete", "clusterqueues,localqueues,workloads", "--all", "--all-namespaces", "--timeout=60s", timeout=90)
        kubectl(target, "delete", "resourceflavors", "--all", "--timeout=60s", timeout=90)
    for name in ("kueue", "jobset"):
        _helm(target, "uninstall", name, f"--namespace={name}-system", "--ignore-not-found", "--wait", "--timeout=60s")
    kubectl(target, "delete", "customresourcedefinition", "jobsets.jobset.x-k8s.io", "--ignore-not-found", "--timeout=60s", timeout=90)


def _install(target: Embedded, name: str, values: dict[str, Any], progress: Progress) -> None:
    progress(f"installing {name} from its chart")
    where = (f"--namespace={name}-system", "--create-namespace")
    _helm(target, "upgrade", "--install", name, str(chart(name)), *where, "--values=-", "--wait", "--timeout=120s", values=values)


def _image(target: Embedded, name: str, progress: Progress) -> str:
    """The program as an image that the cluster knows, where the chart expects it: `/manager`."""
    program = tool(name, progress)
    tag = f"treadle.local/{name}:{program.parent.name.rpartition('-')[2]}"
    with tempfile.TemporaryDirectory() as folder:
        (manager := Path(folder) / "manager").symlink_to(program)
        find(target.name).load_image(pack(manager, tag, Path(folder) / f"{name}.tar"), progress)
    return tag


def _helm(target: Embedded, *words: str, values: dict[str, Any] | None = None) -> None:
    command = [str(tool("helm")), *words, f"--kubeconfig={target.kubeconfig}"]
    done = subprocess.run(command, input=json.dumps(values or {}), capture_output=True, text=True, check=False, timeout=180)
    if done.returncode != 0:
        raise Problem(f"helm {words[0]} failed: {done.stderr.strip()}")
