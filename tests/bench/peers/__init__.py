"""Other people's programs, built from their Go modules: JobSet's controller to compare with, and kwok, which plays nodes and pods."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import go, places
from e2e.cluster.commands import run
from e2e.cluster.progress import Progress, printed
from e2e.cluster.tools import Group, build_group, kept

HERE = Path(__file__).parent
JOBSET_MODULE = "sigs.k8s.io/jobset"
JOBSET_CRD = "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"
JOBSET = Group(module=HERE / "jobset", packages={"jobset": "./"}, about="2 min")
KWOK_MODULE = "sigs.k8s.io/kwok"
KWOK_STAGES = (
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
    "kustomize/stage/pod/fast/pod-complete.yaml",
)
BEGUN_AGAIN = "startedAt: {{ $now | Quote }}\n      {{ end }}\n      phase: Succeeded"
BEGUN_ONCE = "startedAt: {{ $origin.state.running.startedAt | Quote }}\n      {{ end }}\n      phase: Succeeded"
"""kwok has a container begin anew when it ends; a kubelet leaves the time of its start alone."""
KWOK = Group(module=HERE / "kwok", packages={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, about="80 s")


def jobset(progress: Progress = printed) -> Path:
    """JobSet's controller without webhooks; `--kubeconfig`, and `--unlimited` for no limit of its client and 10 workers.

    Raises:
        Problem: There is no Go to build it with, or the build failed.
    """
    return build_group("jobset", JOBSET, progress) / "jobset"


def jobset_crd(progress: Progress = printed) -> dict[str, Any]:
    """JobSet's CustomResourceDefinition, as its module carries it.

    Raises:
        Problem: The module cannot be fetched.
    """
    (place,) = _carried("jobset-crd", JOBSET, JOBSET_MODULE, (JOBSET_CRD,), progress)
    crd: dict[str, Any] = yaml.safe_load(place.read_text())
    return crd


def kwok(progress: Progress = printed) -> Path:
    """kwok, which says for nodes and pods what a kubelet would say.

    Raises:
        Problem: There is no Go to build it with, or the build failed.
    """
    return build_group("kwok", KWOK, progress) / "kwok"


def kwok_stages(progress: Progress = printed) -> list[Path]:
    """How nodes and pods live, as kwok's module carries it: nodes are ready at once, and the pods of Jobs succeed at once.

    Raises:
        Problem: The module cannot be fetched.
    """
    return _carried("kwok-stages", KWOK, KWOK_MODULE, KWOK_STAGES, progress)


def _carried(name: str, group: Group, module: str, files: Sequence[str], progress: Progress) -> list[Path]:
    """Files that a Go module carries, copied into the cache."""

    def copy(draft: Path) -> None:
        compiler = go.compiler(group.module, progress)
        told = run(compiler, "mod", "download", "-json", module, cwd=group.module, env={"GOTOOLCHAIN": "local"}, timeout=300)
        for file in files:
            text = (Path(json.loads(told)["Dir"]) / file).read_text()
            (draft / Path(file).name).write_text(text.replace(BEGUN_AGAIN, BEGUN_ONCE))

    place = kept(f"{name}-{places.digest(*group.sources(), salt=str(files) + BEGUN_AGAIN)}", copy)
    return [place / Path(file).name for file in files]


def version(group: Group, module: str) -> str:
    """The version of `module` that a group is built from, such as `v0.12.0`."""
    found = re.search(rf"{re.escape(module)} (v\S+)", (group.module / "go.mod").read_text())
    assert found, f"go.mod requires {module}"
    return found[1]
