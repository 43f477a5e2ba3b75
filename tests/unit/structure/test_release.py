"""What a release adds to the sources: the chart names the images that were pushed, and the notes are those of the version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import release
from e2e.release import CHART, IMAGES, ReleaseError, notes, pinned

WORKFLOW = Path(__file__).parents[3] / ".github" / "workflows" / "release.yaml"
DIGESTS = {name: f"sha256:{str(number) * 64}" for number, name in enumerate(IMAGES)}
CHANGELOG = "# Changelog\n\n## Unreleased\n\n- c\n\n## 1.10.0 - 2027-01-02\n\n- b\n- bb\n\n## 1.1.0\n\n- a\n"


def steps(job: str) -> str:
    """What a job of the workflow runs."""
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return "\n".join(step.get("run", "") for step in workflow["jobs"][job]["steps"])


def test_the_chart_of_a_release_names_the_images_by_their_digests() -> None:
    texts = [(CHART / name).read_text() for name in ("values.yaml", "Chart.yaml")]
    values, chart = (yaml.safe_load(text) for text in pinned(texts[0], texts[1], "registry.example/treadle/", DIGESTS))
    operator = f"registry.example/treadle/treadle-operator@{DIGESTS['operator']}"
    assert f"{values['image']['repository']}@{values['image']['digest']}" == operator
    assert values["images"] == {name: f"registry.example/treadle/treadle-{name}@{DIGESTS[name]}" for name in ("jobs", "runtime")}
    told = {each["name"]: each["image"] for each in yaml.safe_load(chart["annotations"]["artifacthub.io/images"])}
    assert told == {"operator": operator, **values["images"]}


def test_nothing_else_of_the_chart_changes() -> None:
    texts = [(CHART / name).read_text() for name in ("values.yaml", "Chart.yaml")]
    changed = pinned(texts[0], texts[1], "registry.example/treadle", DIGESTS)
    lines = [(a, b) for old, new in zip(texts, changed, strict=True) for a, b in zip(old.splitlines(), new.splitlines(), strict=True)]
    assert sum(a != b for a, b in lines) == 7


@pytest.mark.parametrize("digest", ["", "1.0.0", "sha256:short"])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ReleaseError, match="is no digest"):
        pinned("", "", "registry.example", {**DIGESTS, "jobs": digest})


def test_a_chart_of_another_form_is_not_released_half_pinned() -> None:
    with pytest.raises(ReleaseError, match="0 times instead of once"):
        pinned("image: {}\n", "", "registry.example", DIGESTS)


def test_the_notes_are_those_of_the_version() -> None:
    assert notes(CHANGELOG, "1.10.0") == "- b\n- bb\n"
    assert notes(CHANGELOG, "1.1.0") == "- a\n"


def test_a_version_that_the_changelog_does_not_know_is_not_released(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReleaseError, match=r"says nothing of 1\.1: .*there are: Unreleased, 1\.10\.0 - 2027-01-02, 1\.1\.0"):
        notes(CHANGELOG, "1.1")
    assert release.main(["notes", "v999.0.0"]) == 1
    assert capsys.readouterr().err.startswith("error: CHANGELOG.md says nothing of 999.0.0")


def test_the_workflow_pins_the_chart_brings_a_wheel_and_tells_of_its_version_only() -> None:
    chart = steps("chart")
    assert "e2e.release pin" in chart
    assert chart.index("e2e.release pin") < chart.index("package charts/treadle")
    assert "--notes-file CHANGELOG.md" not in chart
    assert "e2e.release notes" in chart
    assert "dist/treadle-*.whl" in chart


def test_the_images_of_a_release_are_built_on_one_base_by_its_digest() -> None:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    assert "base" in workflow["jobs"]["test"]["outputs"]
    build = next(step for step in workflow["jobs"]["images"]["steps"] if step.get("id") == "push")
    assert build["env"]["TREADLE_BASE"] == "${{ needs.test.outputs.base }}"
