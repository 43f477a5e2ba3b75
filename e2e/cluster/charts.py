"""Helm charts and kinds that the Go modules of other people's programs carry, kept in the cache beside what is built from them."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import go, places
from e2e.cluster.commands import run
from e2e.cluster.progress import Progress, printed
from e2e.cluster.tools import GROUPS, kept

MODULES = {"jobset": "sigs.k8s.io/jobset", "kueue": "sigs.k8s.io/kueue"}
"""What they are called here, and the modules, in the versions that the group `queueing` is built from."""
KINDS = "config/components/crd/bases"


def chart(name: str, progress: Progress = printed) -> Path:
    """The folder of the chart `name`.

    Raises:
        Problem: The module cannot be fetched.
    """
    return _kept(progress) / name / "chart"


def kinds(name: str, progress: Progress = printed) -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of `name`, without webhooks.

    Raises:
        Problem: The module cannot be fetched.
    """
    return [yaml.safe_load(path.read_text()) for path in sorted((_kept(progress) / name / "kinds").glob("*.yaml"))]


def _kept(progress: Progress) -> Path:
    group = GROUPS["queueing"]

    def copy(draft: Path) -> None:
        compiler = go.compiler(group.module, progress)
        for each, module in MODULES.items():
            told = run(compiler, "mod", "download", "-json", module, cwd=group.module, env={"GOTOOLCHAIN": "local"}, timeout=300)
            # The module cache is read-only; what is copied from it shall not be.
            source = Path(json.loads(told)["Dir"])
            shutil.copytree(source / "charts" / each, draft / each / "chart", copy_function=shutil.copyfile)
            shutil.copytree(source / KINDS, draft / each / "kinds", copy_function=shutil.copyfile)
            for folder in (draft / each, *(draft / each).rglob("*/")):
                folder.chmod(0o755)

    return kept(f"charts-{places.digest(*group.sources())}", copy)
