"""Every block of every page is run or checked: commands on a cluster, YAML against the kinds and the chart, queries by Prometheus' own tool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from e2e.cluster import tool
from e2e.support.documents import ON_A_NEW_CLUSTER, ON_AN_API_SERVER, ON_THE_LOOP, Block, blocks_of, pages
from tests.unit.chart.exported import metric_labels
from tests.unit.chart.render import helm
from treadle.api import AnnotationProjectSpec, ModelDeploymentSpec, TrainingRunSpec

BLOCKS = [block for page in pages() for block in blocks_of(page)]
KNOWN = {"sh", "yaml", "promql", "http", "text", "python", "dockerfile"}
SPECS: dict[str, Any] = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}
SMALLEST = {this["kind"]: this["spec"] for this in yaml.safe_load_all((Path(__file__).parents[3] / "manifests/samples/smallest.yaml").read_text())}
COMMAND = re.compile(r"^(\$ |kubectl |helm |make |curl |pip |python )", re.MULTILINE)


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def test_there_are_pages_and_blocks() -> None:
    assert len(pages()) > 25
    assert len(BLOCKS) > 50


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in KNOWN, "see e2e/support/documents.py for the words"


@pytest.mark.parametrize("block", of("sh"), ids=str)
def test_commands_are_run_on_a_cluster(block: Block) -> None:
    assert block.page in {*ON_THE_LOOP, *ON_A_NEW_CLUSTER, *ON_AN_API_SERVER}, "nobody runs the commands of this page"


@pytest.mark.parametrize("block", of("sh"), ids=str)
def test_commands_are_something_that_a_shell_reads(block: Block) -> None:
    done = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (?:--silent )?([a-z][a-z0-9-]+)", "".join(block.text for block in of("sh"))))))
def test_a_target_of_make_exists(target: str) -> None:
    assert f"\n{target}:" in (Path(__file__).parents[3] / "Makefile").read_text()


@pytest.mark.parametrize("block", of("text"), ids=str)
def test_what_somebody_sees_hides_no_command(block: Block) -> None:
    if block.page == "e2e/cluster/README.md":
        return  # a usage line of a tool for developers
    assert not COMMAND.search(block.text)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_is_python(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", of("dockerfile"), ids=str)
def test_an_image_is_made_of_ours_and_runs_as_nobody_special(block: Block) -> None:
    """It needs a package index, so that it is read and not built."""
    lines = block.text.splitlines()
    assert re.fullmatch(r"FROM treadle-(jobs|operator|runtime):\S+", lines[0])
    assert re.fullmatch(r"USER [1-9]\d{4,}:[1-9]\d{4,}", lines[-1])
    assert {line.split()[0] for line in lines} <= {"FROM", "USER", "RUN", "COPY", "ENV"}


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_what_the_kinds_or_the_chart_understand(block: Block, tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all(block.text))
    assert documents
    for document in documents:
        if document.get("kind") == "Kustomization":
            continue  # kustomize itself reads it in e2e/test_install.py
        said = [*not_understood(document)]
        if said and "kind" not in document:
            path = tmp_path / "values.yaml"
            path.write_text(block.text.replace("sha256:...", f"sha256:{'0' * 64}"))
            said = [*said, helm("--values", str(path)).stderr] if (helm("--values", str(path))).returncode else []
        assert said == []


def not_understood(document: dict[str, Any]) -> Iterator[str]:
    """What each kind that may be meant has against a document, or a part of its spec; nothing when one has nothing."""
    content = document.get("spec", document)
    kinds = [document["kind"]] if "kind" in document else list(SPECS)
    refused = []
    for kind in kinds:
        whole = content if {"apiVersion", "metadata"} <= document.keys() else SMALLEST[kind] | content
        try:
            SPECS[kind].model_validate(whole)
        except ValidationError as error:
            refused.append(f"{kind}: {error}")
    if len(refused) == len(kinds):
        yield from refused


def queries() -> list[tuple[Block, str]]:
    """Each query: a line, and the indented ones below it."""
    return [(block, expr) for block in of("promql") for expr in re.split(r"\n(?! )", block.text.strip())]


def test_every_query_is_promql_over_figures_that_exist(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": expr} for number, (_, expr) in enumerate(queries())]
    assert rules
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run([tool("promtool"), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    for block, expr in queries():
        asked = set(re.findall(r"\btreadle_\w+", expr))
        assert asked, str(block)
        assert asked <= set(metric_labels()), str(block)


def test_what_goes_over_the_wire_has_a_route() -> None:
    source = (Path(__file__).parents[3] / "operator/treadle/runtime/_routes.py").read_text()
    for block in of("http"):
        for path in re.findall(r"^(?:GET|POST) (\S+)", block.text, re.MULTILINE):
            assert f'"{re.sub(r"^/v2/models/[a-z]+", "", path)}"' in source, path
