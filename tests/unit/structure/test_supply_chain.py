"""What a release is made of is pinned: packages by hash, actions by commit, users of images by number."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import audit

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
CONTAINERFILES = sorted((ROOT / "operator" / "images").glob("*/Containerfile"))
LOCKS = sorted([*(ROOT / "operator").rglob("*.txt"), *(ROOT / "e2e").rglob("requirements.txt")])
OURS = tuple(f"treadle-{name}" for name in audit.IMAGES)
named = {"ids": lambda path: path.parent.name if path.name in ("Containerfile", "requirements.txt") else path.name}


@pytest.mark.parametrize("path", WORKFLOWS, **named)
def test_an_action_is_pinned_by_commit_and_says_which_version_that_is(path: Path) -> None:
    uses = re.findall(r"^ *-? *uses: (.*)$", path.read_text(), re.MULTILINE)
    assert uses
    assert [each for each in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, **named)
def test_a_workflow_has_no_rights_but_what_a_job_names(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "write-all" not in str(job["permissions"])
        assert job["timeout-minutes"] <= 120


def test_a_workflow_runs_what_a_contributor_can_run() -> None:
    targets = {
        word
        for path in WORKFLOWS
        for line in re.findall(r"(?:^ *|run: |PATH )make ([a-z ]+)$", path.read_text(), re.MULTILINE)
        for word in line.split()
    }
    assert {"test", "audit", "scan", "sbom"} <= targets
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


@pytest.mark.parametrize("path", LOCKS, **named)
def test_every_package_of_a_lock_has_its_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    packages = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==\S+(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert packages
    assert [name for name, rest in packages if "--hash=sha256:" not in rest] == []
    assert "://" not in text, "a lock names no registry"


def test_every_extra_that_is_installed_is_locked_and_audited() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(audit.LOCKS) == set(extras)
    assert {path.stem for path in audit.REQUIREMENTS.glob("*.txt")} == set(extras)


@pytest.mark.parametrize("path", CONTAINERFILES, **named)
def test_an_image_runs_as_nobody_special(path: Path) -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", path.read_text(), re.MULTILINE)
    assert users
    assert all(int(number) >= 10000 for user in users for number in user)


@pytest.mark.parametrize("path", [path for path in CONTAINERFILES if path.parent.name in OURS], **named)
def test_our_images_hold_no_installer_and_nothing_that_depends_on_the_time(path: Path) -> None:
    text = path.read_text()
    assert "pip uninstall" in text
    assert "apt-get" not in text
    assert "--no-compile" in text
    assert text.count("compileall") == text.count("--invalidation-mode unchecked-hash")
