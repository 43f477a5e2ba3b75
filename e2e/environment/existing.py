"""Somebody's own cluster, given by KUBECONFIG: the demo is brought into it, and taken out again; what others installed stays."""

import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from e2e.cluster import Problem, tool
from e2e.cluster.progress import Progress
from e2e.environment.operator import INSTALLATION, OPERATOR_NAMESPACE, RELEASE
from e2e.environment.services import SERVICES_NAMESPACE
from e2e.environment.target import DEMO, MADE_BY, Embedded, Kind, Target, docker_answers, get, kubectl, run
from e2e.images import Image

DEMO_NAMESPACE = "treadle-demo"
NAMESPACES = (DEMO_NAMESPACE, SERVICES_NAMESPACE, OPERATOR_NAMESPACE)
KINDS = ("annotationprojects", "trainingruns", "modeldeployments")
GROUP = "treadle.dev"


class Existing:
    """The cluster of KUBECONFIG. Images are pushed to TREADLE_REGISTRY, from where its nodes must be able to pull."""

    def __init__(self, kubeconfig: Path) -> None:
        self.name = "existing"
        self.kubeconfig = kubeconfig

    def check(self, progress: Progress) -> None:
        """See `Target.check`. A Treadle that is installed already would be turned into the demo's."""
        if not os.environ.get("TREADLE_REGISTRY"):
            raise Problem("KUBECONFIG is given: set TREADLE_REGISTRY to a registry that you can push to and its nodes can pull from.")
        if (found := installed(self)) not in (None, INSTALLATION):
            raise Problem(f"Treadle is installed in {OPERATOR_NAMESPACE} already, as {found}: give the demo another cluster by KUBECONFIG.")
        if theirs := sorted(name for name, own in namespaces(self).items() if not own):
            raise Problem(f"There is {theirs[0]} already, which the demo did not make: give the demo another cluster by KUBECONFIG.")

    def up(self, progress: Progress) -> None:
        """See `Target.up`: only looks whether it answers."""
        progress(f"using the cluster of {self.kubeconfig}")
        kubectl(self, "get", "--raw=/readyz")

    def load(self, image: Image, progress: Progress) -> str:
        """See `Target.load`."""
        pushed = f"{os.environ['TREADLE_REGISTRY'].rstrip('/')}/{image.tag.rpartition('/')[2]}"
        progress(f"pushing {pushed}")
        run("buildah", "pull", f"docker-archive:{image.archive_path}", timeout=600)
        run("buildah", "push", image.tag, f"docker://{pushed}", timeout=1200)
        return pushed

    def down(self, progress: Progress) -> None:
        """See `Target.down`: the cluster is not ours. What the demo made goes; what stays is told."""
        there, found = namespaces(self), installed(self)
        for name in sorted(name for name, own in there.items() if not own):
            progress(f"the namespace {name} is not the demo's: it stays")
        own = [name for name in (DEMO_NAMESPACE, SERVICES_NAMESPACE) if there.get(name)]
        self._delete_namespaces(own, progress)  # while the demo's Treadle releases finalizers
        if found != INSTALLATION:
            stays = f"Treadle in {OPERATOR_NAMESPACE} is installed as {found}, which is not the demo's: it stays, with its definitions"
            progress(stays if found else f"no Treadle of the demo is in {OPERATOR_NAMESPACE}; nothing else was removed")
            return
        progress(f"uninstalling Treadle from {OPERATOR_NAMESPACE}")
        helm = (str(tool("helm")), "uninstall", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", f"--kubeconfig={self.kubeconfig}")
        run(*helm, "--ignore-not-found", "--wait", "--timeout=120s", timeout=180)
        self._delete_namespaces([OPERATOR_NAMESPACE] if there.get(OPERATOR_NAMESPACE) else [], progress)
        remove_definitions(self, progress)
        progress(f"the images that were pushed to {os.environ.get('TREADLE_REGISTRY', 'your registry')} stay there")

    def _delete_namespaces(self, names: Sequence[str], progress: Progress) -> None:
        if names:
            progress(f"deleting {', '.join(names)}")
            kubectl(self, "delete", "namespace", "--ignore-not-found", *names, timeout=300)


def namespaces(target: Target) -> dict[str, bool]:
    """Which namespaces of the demo's names there are, each with whether the demo made it."""
    found = {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in get(target, "namespaces")["items"]}
    return {name: found[name].get(MADE_BY) == DEMO for name in NAMESPACES if name in found}


def installed(target: Target) -> str | None:
    """The id of the installation that the release of the demo's name has; None when there is none."""
    found = kubectl(
        target,
        "get",
        "configmap",
        RELEASE,
        f"--namespace={OPERATOR_NAMESPACE}",
        "--ignore-not-found",
        "--output=jsonpath={.data.installation\\.yaml}",
    )
    return str((yaml.safe_load(found) or {}).get("id")) if found else None


def remove_definitions(target: Target, progress: Progress) -> None:
    """Remove the definitions of our kinds that the demo's release brought, unless objects of somebody else are left, which would go with them."""
    brought = [name for name, release in _definitions(target).items() if release == (OPERATOR_NAMESPACE, RELEASE)]
    if not brought:
        progress("the definitions of Treadle's kinds are not the demo's: they stay")
        return
    left = kubectl(
        target, "get", ",".join(brought), "--all-namespaces", "--output=custom-columns=:.metadata.namespace,:.metadata.name", "--no-headers"
    )
    if others := sorted({line.split()[0] for line in left.splitlines() if line.strip()}):
        progress(f"objects of Treadle's kinds are left in {', '.join(others)}: the definitions of the kinds stay")
        return
    kubectl(target, "delete", "customresourcedefinitions", *brought, "--ignore-not-found", timeout=120)


def _definitions(target: Target) -> dict[str, tuple[str, str]]:
    """The definitions of our kinds, each with the release that brought it: its namespace and its name, empty for none."""
    found = {item["metadata"]["name"]: item["metadata"].get("annotations") or {} for item in get(target, "customresourcedefinitions")["items"]}
    wanted = [f"{kind}.{GROUP}" for kind in KINDS]
    release = ("meta.helm.sh/release-namespace", "meta.helm.sh/release-name")
    return {name: (found[name].get(release[0], ""), found[name].get(release[1], "")) for name in wanted if name in found}


def choose(name: str) -> Target:
    """The cluster to use here: the one given by KUBECONFIG, kind when a Docker engine answers, else the embedded one.

    `make demo-env` makes KUBECONFIG the file of a cluster of our own: that still is our own cluster.
    """
    kind, embedded = Kind(name), Embedded(name)
    if given := os.environ.get("KUBECONFIG"):
        own: tuple[Target, ...] = (kind, embedded)
        return next((target for target in own if target.kubeconfig.resolve() == Path(given).resolve()), Existing(Path(given)))
    return kind if docker_answers() else embedded
