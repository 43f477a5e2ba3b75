"""Documentation that is run: the blocks of a page, and its commands as a reader would paste them.

A block in three backticks says what it is: `sh` is pasted into a shell, `yaml title="NAME"` is a file that the commands below it
read, other `yaml` is what a user writes, `promql` is asked of Prometheus, `http` is what goes over the wire, `dockerfile` an image of somebody's
own, `text` is what somebody sees. No other word is used, so that no command is run by nobody: `tests/unit/docs` holds every page against that.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from e2e.cluster import tool

ROOT = Path(__file__).resolve().parents[2]
ON_THE_LOOP = (
    "docs/quickstart.md",
    "docs/tutorial.md",
    "docs/drift.md",
    "docs/evaluation.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "runbooks").glob("*.md")),
)
"""Pages whose commands are run on the cluster where the loop has turned (`e2e/test_loop.py`)."""
ON_A_NEW_CLUSTER = ("docs/install.md", "docs/operations.md", "charts/treadle/README.md")
"""Pages whose commands are run on a cluster where nothing is installed yet (`e2e/test_install.py`)."""
ON_AN_API_SERVER = ("docs/gitops.md",)
"""Pages whose commands need no pods (`tests/integration/test_pages.py`)."""
_BLOCK = re.compile(r"^```([\w-]*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^##+ (.*)$", re.MULTILINE)


class Block(NamedTuple):
    """A block of a page: where it stands, what it is, and what it says."""

    page: str
    line: int
    section: str
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every page for users, generated references apart."""
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    kept = [page for page in found if not page.startswith(("docs/reference/", "docs/decisions/", "docs/evidence/"))]
    return sorted([*kept, "README.md", "CONTRIBUTING.md", "SECURITY.md", "charts/treadle/README.md", "e2e/cluster/README.md"])


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    text = (ROOT / page).read_text()
    found = []
    for match in _BLOCK.finditer(text):
        sections = _SECTION.findall(text[: match.start()])
        title = re.search(r'title="([^"]+)"', match[2])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, sections[-1] if sections else "", match[1], title[1] if title else "", match[3]))
    return found


def commands_of(page: str) -> list[str]:
    """The blocks marked `sh` on a page, in order."""
    return [block.text for block in blocks_of(page) if block.language == "sh"]


def replaced(text: str, instead: Mapping[str, str]) -> str:
    """A block with what only the reader knows filled in."""
    for word, value in instead.items():
        text = text.replace(word, value)
    return text


def run_as_written(block: str, kubeconfig: Path, *, folder: Path = ROOT, timeout: float = 120) -> str:
    """What a block printed, run by bash in the repository's folder; each command in it must succeed.

    Raises:
        AssertionError: one did not; the text holds what all of them said.
    """
    programs = [str(Path(tool(name)).parent) for name in ("kubectl", "helm")]
    path = os.pathsep.join([*programs, str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig)}
    command = ["bash", "-m", "-euo", "pipefail", "-c", block]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout
