"""A cluster to install into: what it must be able to do, and those that are our own on this machine."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

from e2e import cluster
from e2e.cluster import Mode, Problem, layout, preflight, tool
from e2e.cluster.progress import Progress
from e2e.images import Image

KIND_CONFIGURATION = Path(__file__).with_name("kind.yaml")
MADE_BY = "app.kubernetes.io/part-of"
DEMO = "treadle-demo"
"""The label of the namespaces that the demo makes, and its value: by these they are told from others of the same names."""


class Target(Protocol):
    """A cluster to install into."""

    name: str
    kubeconfig: Path

    def check(self, progress: Progress) -> None:
        """Raise `Problem` for what is missing, before minutes of work begin."""

    def up(self, progress: Progress) -> None:
        """Make it run; safe to repeat."""

    def load(self, image: Image, progress: Progress) -> str:
        """Make an image known to the cluster's nodes; returns the name pods use."""

    def down(self, progress: Progress) -> None:
        """Remove what `up` made."""


class Embedded:
    """A real Kubernetes of our own on this machine (needs root)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kubeconfig = layout.kubeconfig_of(name)

    def check(self, progress: Progress) -> None:
        """See `Target.check`."""
        preflight.check(Mode.FULL, progress)

    def up(self, progress: Progress) -> None:
        """See `Target.up`."""
        self.kubeconfig = cluster.up(self.name, "full", progress=progress).kubeconfig

    def load(self, image: Image, progress: Progress) -> str:
        """See `Target.load`."""
        cluster.find(self.name).load_image(image.archive_path, progress)
        return image.tag

    def down(self, progress: Progress) -> None:
        """See `Target.down`."""
        cluster.down(self.name, progress=progress)


class Kind:
    """A kind cluster, when a Docker engine answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kubeconfig = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "treadle" / f"kind-{name}.kubeconfig"

    def check(self, progress: Progress) -> None:
        """See `Target.check`."""
        if not shutil.which("kind"):
            raise Problem("A Docker engine answers but `kind` is not installed: install kind, or stop the engine to use the embedded cluster.")

    def up(self, progress: Progress) -> None:
        """See `Target.up`. The node is given two pretended GPUs, as the embedded cluster has."""
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        if self.name not in run("kind", "get", "clusters").split():
            progress(f"creating kind cluster {self.name}")
            run("kind", "create", "cluster", "--name", self.name, "--config", str(KIND_CONFIGURATION), "--wait", "120s", timeout=600)
        run("kind", "export", "kubeconfig", "--name", self.name, "--kubeconfig", str(self.kubeconfig))
        patch = json.dumps({"status": {"capacity": {"nvidia.com/gpu": "2"}, "allocatable": {"nvidia.com/gpu": "2"}}})
        for node in kubectl(self, "get", "nodes", "--output=name").split():
            kubectl(self, "patch", node, "--subresource=status", "--type=merge", f"--patch={patch}")

    def load(self, image: Image, progress: Progress) -> str:
        """See `Target.load`."""
        progress(f"loading {image.tag}")
        run("kind", "load", "image-archive", str(image.archive_path), "--name", self.name, timeout=600)
        return image.tag

    def down(self, progress: Progress) -> None:
        """See `Target.down`."""
        progress(f"deleting kind cluster {self.name}")
        run("kind", "delete", "cluster", "--name", self.name, timeout=300)


def docker_answers() -> bool:
    """Whether a Docker engine runs here."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode == 0


def kubectl(target: Target, *words: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
    """What `kubectl words...` printed.

    Raises:
        Problem: it failed; the text holds what it said.
    """
    return run(str(tool("kubectl")), f"--kubeconfig={target.kubeconfig}", *map(str, words), stdin=stdin, timeout=timeout)


def namespace(name: str) -> str:
    """A namespace of the demo in which only restricted pods run, as a platform team would make it."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", MADE_BY: DEMO}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def get(target: Target, *words: str) -> dict[str, Any]:
    """`kubectl get words... -o json`, parsed."""
    found: dict[str, Any] = json.loads(kubectl(target, "get", *words, "--output=json"))
    return found


def run(*command: str, stdin: str | None = None, timeout: float = 60) -> str:
    """What a command printed.

    Raises:
        Problem: it failed; the text holds what it said.
    """
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"`{' '.join(command[:4])}` failed: {error}") from error
    if done.returncode != 0:
        raise Problem(f"`{' '.join(command[:6])}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
