"""A program of the user's between two containers of ours: what it is shown, what it may write, and what becomes of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from tests.unit.jobs.claim_shelf import COLOURS, ClaimShelf
from treadle.api.reasons import Reason
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec, Splits
from treadle.contracts.prepare import DraftResult, DraftSpec
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.release import Preparation, ReleaseResult, ReleaseSpec

POLICY = ConsensusPolicy()
Line = dict[str, Any]
Program = Callable[[list[Line], Path, Path], list[Line]]


class Bench(ClaimShelf):
    """A shelf with four agreed labels, on which programs of users are run between draft and release."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        names = ("a.png", "b.png", "c.png", "d.png")
        for shade, name in enumerate(names):
            self.picture(name, 50 * shade)
        self.write_labels(*((name, "red" if name < "c" else "blue", who) for name in names for who in "12"))
        self.synced = self.sync()
        self.measured = self.quality(self.synced, POLICY)
        self.dataset, self.output = folder / "dataset", folder / "output"

    def spec(self, content: str = "Reference") -> ReleaseSpec:
        return ReleaseSpec(
            labels=COLOURS,
            destination=self.sets,
            store=self.store,
            snapshot=self.measured.snapshot,
            items=self.synced.listing,
            policy=POLICY,
            formats=("ImageFolder",),
            splits=Splits(train=50, validation=0, test=50),
            content="Embed" if content == "Embed" else "Reference",
            preparation=Preparation(image="registry.example/clean:1", dataset=str(self.dataset), output=str(self.output)),
        )

    def prepare(self, program: Program) -> None:
        for directory in (self.dataset, self.output):
            shutil.rmtree(directory, ignore_errors=True)
        self.output.mkdir()
        assert self.result(DraftSpec(release=self.spec()), DraftResult).items == 4
        lines = [json.loads(line) for line in (self.dataset / "items.jsonl").read_text().splitlines()]
        written = program(lines, self.dataset, self.output)
        (self.output / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def mirrored_train(lines: list[Line], dataset: Path, output: Path) -> list[Line]:
    """Leave d out, turn a around, and augment what is trained on."""
    written = [line for line in lines if not line["key"].endswith("d.png")]
    for number, line in enumerate(lines):
        with Image.open(dataset / line["path"]) as image:
            changed = ImageOps.expand(image, 2 + number)
        if line["key"].endswith("a.png"):
            (output / line["path"]).parent.mkdir(parents=True, exist_ok=True)
            changed.save(output / line["path"])
        if line["split"] == "train":
            changed.save(output / f"more-{number}.png")
            written.append({**line, "path": f"more-{number}.png"})
    return written


def test_a_program_cleans_transforms_and_augments_what_is_released(bench: Bench) -> None:
    plain = bench.result(bench.spec().model_copy(update={"preparation": None}), ReleaseResult)
    before = bench.items(plain.version)
    bench.prepare(mirrored_train)
    description = json.loads((bench.dataset / "dataset.json").read_text())
    assert (description["version"], description["format"], description["labels"]) == (2, "ImageFolder", list(COLOURS.names))
    released = bench.result(bench.spec(), ReleaseResult)
    found = bench.items(released.version)

    train = {name for name, item in before.items() if item["split"] == "train"}
    assert 0 < len(train) < 4
    assert (released.agreed, released.items) == (4, 3 + len(train))
    assert released.excluded == ({} if "d.png" in train else {"Prepared": 1}), "what is made of an item stands for it"
    for name, item in found.items():
        origin = name.partition("#")[0]
        assert item["split"] == before[origin]["split"], "nothing leaks"
        assert item["label"] == before[origin]["label"]
    assert found["a.png"]["sha256"] != before["a.png"]["sha256"]
    assert found["a.png"]["uri"] == found["a.png"]["held"]
    assert found["b.png"]["uri"] == before["b.png"]["uri"]
    assert found["a.png"]["image"] == {"width": 44, "height": 24}
    (made,) = [item for name, item in found.items() if name == sorted(train - {"d.png"})[0] + "#2"]
    assert made["made_of"] == made["group"] == before[sorted(train - {"d.png"})[0]]["key"]
    assert bench.result(bench.spec(), ReleaseResult).created is False, "the same again is no new version"

    directory = bench.folder / "fetched"
    fetch = FetchDatasetSpec(store=bench.store, uri=released.uri, digest=released.digest, directory=str(directory))
    assert bench.result(fetch, FetchDatasetResult).items == released.items
    lines = [json.loads(line) for line in (directory / "items.jsonl").read_text().splitlines()]
    assert len({line["key"] for line in lines}) == released.items
    assert all((directory / line["path"]).is_file() for line in lines)


def test_the_program_of_the_page_leaves_dark_pictures_out_and_adds_mirrored_ones(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "labelling.md").read_text()
    (program,) = [found for found in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "TREADLE_OUTPUT_DIR" in found]

    def run(lines: list[Line], dataset: Path, output: Path) -> list[Line]:
        monkeypatch.setenv("TREADLE_DATASET_DIR", str(dataset))
        monkeypatch.setenv("TREADLE_OUTPUT_DIR", str(output))
        exec(program, {})
        return [json.loads(line) for line in (output / "items.jsonl").read_text().splitlines()]

    bench.prepare(run)
    released = bench.result(bench.spec(), ReleaseResult)
    assert released.excluded == {"Prepared": 1}
    assert "a.png" not in bench.items(released.version)
    assert released.items == 3 + sum(item["split"] == "train" and "made_of" not in item for item in bench.items(released.version).values())


def test_a_program_that_copies_its_lines_changes_nothing(bench: Bench) -> None:
    plain = bench.result(bench.spec().model_copy(update={"preparation": None}), ReleaseResult)
    bench.prepare(lambda lines, dataset, output: lines)
    again = bench.result(bench.spec(), ReleaseResult)
    assert (again.version, again.created, again.excluded) == (plain.version, False, {})


def test_rows_of_one_item_are_items_of_their_own_even_with_the_same_content(bench: Bench) -> None:
    bench.prepare(lambda lines, dataset, output: [*lines, lines[0]])
    released = bench.result(bench.spec("Embed"), ReleaseResult)
    assert released.items == 5
    fetch = FetchDatasetSpec(store=bench.store, uri=released.uri, digest=released.digest, directory=str(bench.folder / "fetched"))
    assert bench.result(fetch, FetchDatasetResult).items == 5


WRONG: dict[str, tuple[Program, str]] = {
    "an item of its own": (lambda lines, *_: [{**lines[0], "key": "s3://b/new.png"}], "line 1 of items.jsonl in TREADLE_OUTPUT_DIR: its key"),
    "a label of its own": (lambda lines, *_: [lines[1], {**lines[0], "label": {"shape": "Class", "label": "pink"}}], "line 2 .* pink is no label"),
    "another shape": (lambda lines, *_: [{**lines[0], "label": {"shape": "Boxes", "boxes": []}}], "shape Boxes, ImageClassification has Class"),
    "no such file": (lambda lines, *_: [{**lines[0], "path": "nowhere.png"}], "nowhere.png is no file"),
    "a file elsewhere": (lambda lines, *_: [{**lines[0], "path": "../dataset/items.jsonl"}], "not a path inside"),
    "no image": (lambda lines, dataset, output: [{**lines[0], "path": "items.jsonl"}], "its file: not an image"),
    "nothing": (lambda lines, *_: [], "has no line"),
    "no label": (lambda lines, *_: [{"key": lines[0]["key"]}], "label: Field required"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_version_is_refused_with_the_line_and_why(bench: Bench, wrong: str) -> None:
    program, words = WRONG[wrong]
    bench.prepare(program)
    failure = bench.failure(bench.spec())
    assert failure.reason is Reason.PreparationInvalid
    assert re.search(words, failure.message), failure.message
    assert not (bench.root / "sets" / "v0001").exists()


def test_a_link_to_what_only_we_may_read_is_not_followed(bench: Bench) -> None:
    def program(lines: list[Line], dataset: Path, output: Path) -> list[Line]:
        (output / "keys").symlink_to("/proc/self/environ")
        return [{**lines[0], "path": "keys"}]

    bench.prepare(program)
    assert "leads out of the directory" in bench.failure(bench.spec()).message
    (bench.output / "items.jsonl").unlink()
    (bench.output / "items.jsonl").symlink_to(bench.dataset / "items.jsonl")
    assert bench.failure(bench.spec()).message == "there is no items.jsonl in TREADLE_OUTPUT_DIR"


def test_a_program_that_wrote_nothing_is_told(bench: Bench) -> None:
    bench.prepare(lambda lines, *_: lines)
    (bench.output / "items.jsonl").unlink()
    assert bench.failure(bench.spec()).message == "there is no items.jsonl in TREADLE_OUTPUT_DIR"
