"""Every export is loaded, without a warning, by the tools that it is meant for, and says there what it says here."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import datumaro
import pandas
import pytest

from e2e.support.documents import blocks_of
from tests.loaders.versions import COUNT, NAMES, RELATION, TEXTS, Shelf
from treadle.contracts.dataset import FetchedItem
from treadle.contracts.labels import Boxes, Label, Regions
from treadle.statistics.shapes.regions import mask_of

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DVC_NO_ANALYTICS"] = "1"


@contextlib.contextmanager
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither warned of nor logged as a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # how a tool uses its own libraries
        yield
    told = [str(each.message) for each in caught] + [record.getMessage() for record in caplog.records if record.levelno >= 30]
    assert told == []


def items_of(directory: Path) -> list[FetchedItem]:
    return [FetchedItem.model_validate_json(line) for line in (directory / "items.jsonl").read_text().splitlines()]


def part_names(labels: Sequence[Label], *, each_once: bool) -> list[str]:
    """The labels of all parts; of each item every one only once, where a format joins parts of one label."""
    parts = [[part.label for part in getattr(label, "boxes", None) or getattr(label, "regions", ())] for label in labels]
    return [name for label, names in zip(labels, parts, strict=True) for name in (label.names if each_once else names)]


def is_frame(part: datumaro.Annotation, task: str) -> bool:
    """Whether it is the box that datumaro puts around an outline."""
    return task == "Segmentation" and part.type is datumaro.AnnotationType.bbox


@pytest.mark.parametrize("task", ["ObjectDetection", "Segmentation"])
def test_pycocotools_reads_coco(shelf: Shelf, caplog: pytest.LogCaptureFixture, task: str) -> None:
    from pycocotools.coco import COCO

    directory = shelf.version(task, ["Coco"]).fetched(shelf, "Coco")
    items = {item.path.rpartition("/")[2]: item for item in items_of(directory)}
    seen = 0
    for split in ("train", "validation", "test"):
        with no_warnings(caplog), contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(directory / "annotations" / f"instances_{split}.json")
        assert [coco.cats[number]["name"] for number in (1, 2, 3)] == list(NAMES)
        for number in coco.getImgIds():
            (image,) = coco.loadImgs(number)
            assert (directory / "images" / split / image["file_name"]).exists()
            annotations = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
            label = items[image["file_name"]].label
            parts = label.boxes if isinstance(label, Boxes) else label.regions if isinstance(label, Regions) else ()
            assert sorted(coco.cats[each["category_id"]]["name"] for each in annotations) == sorted(part.label for part in parts)
            if isinstance(label, Regions):
                areas = [int(coco.annToMask(each).sum()) for each in annotations]
                assert areas == pytest.approx([mask_of(region).area for region in label.regions], abs=60), "outlines differ by their rims"
            seen += 1
    assert seen == COUNT


@pytest.mark.parametrize(("task", "format", "reader"), [
    ("ObjectDetection", "Coco", "coco_instances"),
    ("ObjectDetection", "Voc", "voc_detection"),
    ("ObjectDetection", "Yolo", "yolo"),
    ("Segmentation", "Coco", "coco_instances"),
    ("Segmentation", "MaskPng", "voc_segmentation"),
    ("ImageClassification", "ImageFolder", "imagenet_with_subset_dirs"),
])  # fmt: skip
def test_datumaro_reads_images(shelf: Shelf, caplog: pytest.LogCaptureFixture, task: str, format: str, reader: str) -> None:  # noqa: A002
    version = shelf.version(task, [format])
    directory = version.fetched(shelf, format)
    with no_warnings(caplog):
        dataset = datumaro.Dataset.import_from(str(directory), reader)
        items = list(dataset)
    assert len(items) == COUNT
    names = [category.name for category in dataset.categories()[datumaro.AnnotationType.label]]
    counted = Counter(names[part.label] for item in items for part in item.annotations if names[part.label] in NAMES and not is_frame(part, task))
    assert counted == Counter(part_names(version.labels, each_once=format == "ImageFolder"))
    assert {item.media.size for item in items if item.media is not None} == {(40, 60)}


def loaded(directory: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> datasets.DatasetDict:
    """What `load_dataset` makes of a folder, without a word of configuration."""
    with no_warnings(caplog):
        return datasets.load_dataset(str(directory), cache_dir=str(cache))


def test_datasets_loads_images_with_their_boxes(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    version = shelf.version("ObjectDetection", ["HuggingFace"])
    found = loaded(version.fetched(shelf, "HuggingFace"), shelf.folder / "cache", caplog)
    assert {split: len(found[split]) for split in found} == version.manifest.splits
    rows = [row for split in found for row in found[split]]
    assert {row["image"].size for row in rows} == {(60, 40)}
    by_key = {row["key"]: row for row in rows}
    assert found["train"].features["boxes"].feature["label"].names == list(NAMES)
    for number, label in enumerate(version.labels):
        (row,) = (row for key, row in by_key.items() if key == f"{number:02}.png")
        assert isinstance(label, Boxes)
        assert [(NAMES[part["label"]], part["x"]) for part in row["boxes"]] == [(part.label, part.x) for part in label.boxes]


def ends(row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The spans that each relation of a row joins."""
    return ((row["spans"][relation["head"]], row["spans"][relation["tail"]]) for relation in row["relations"])


@pytest.mark.parametrize("task", ["ImageClassification", "TextClassification", "NamedEntities", "Segmentation"])
def test_datasets_loads_every_kind_of_item(shelf: Shelf, caplog: pytest.LogCaptureFixture, task: str) -> None:
    version = shelf.version(task, ["HuggingFace"])
    found = loaded(version.fetched(shelf, "HuggingFace"), shelf.folder / "cache", caplog)
    assert {split: len(found[split]) for split in found} == version.manifest.splits
    rows = [row for split in found for row in found[split]]
    if task.endswith("Classification"):
        names = found["train"].features["label"].names
        assert Counter(names[row["label"]] for row in rows) == Counter(name for label in version.labels for name in label.names)
    if task == "NamedEntities":
        assert {row["text"].rpartition(" ")[0] for row in rows} == set(TEXTS)
        marked = {(NAMES[span["label"]], row["text"][span["start"] : span["end"]]) for row in rows for span in row["spans"]}
        assert marked == {("can", "can"), ("apple", "apple")}
        assert found["train"].features["relations"].feature["label"].names == [RELATION]
        joined = {(row["text"][one["start"] : one["end"]], row["text"][other["start"] : other["end"]]) for row in rows for one, other in ends(row)}
        assert joined == {("can", "apple")}


def test_what_trainers_of_preferences_read_is_made_as_the_page_says(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    version = shelf.version("PairwisePreference", ["HuggingFace"])
    monkeypatch.chdir(version.fetched(shelf, "HuggingFace").parent)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(shelf.folder / "cache"))
    (block,) = (block for block in blocks_of("docs/labelling.md") if "preferences" in block.text and block.language == "python")
    said: dict[str, Any] = {}
    exec(block.text, said)
    rows = [row for split in said["preferences"].values() for row in split]
    assert {tuple(row) for row in rows} == {("prompt", "chosen", "rejected")}
    better = Counter(row["chosen"].partition(" ")[0] for row in rows)
    assert better == Counter(name.lower() for label in version.labels for name in label.names if name != "Tie")
    assert all({row["chosen"], row["rejected"]} == {f"{side} of {row['prompt'].rpartition(' ')[2]}" for side in ("first", "second")} for row in rows)


@pytest.mark.parametrize("task", ["ObjectDetection", "NamedEntities"])
def test_pandas_and_datasets_read_parquet(shelf: Shelf, caplog: pytest.LogCaptureFixture, task: str) -> None:
    version = shelf.version(task, ["Parquet"])
    directory = version.fetched(shelf, "Parquet")
    with no_warnings(caplog):
        tables = [pandas.read_parquet(directory / f"{split}.parquet") for split in version.manifest.splits]
        loaded = datasets.load_dataset("parquet", data_files={"train": str(directory / "train.parquet")}, cache_dir=str(shelf.folder / "cache"))
    assert [len(table) for table in tables] == list(version.manifest.splits.values())
    assert all((directory / path).exists() for table in tables for path in table["path"])
    assert loaded["train"].num_rows == version.manifest.splits["train"]


@pytest.mark.parametrize("task", ["ImageClassification", "ObjectDetection", "NamedEntities"])
def test_mlcroissant_validates_and_reads_the_description(shelf: Shelf, caplog: pytest.LogCaptureFixture, task: str) -> None:
    import mlcroissant

    version = shelf.version(task, ["Jsonl"])
    with no_warnings(caplog):
        described = mlcroissant.Dataset(jsonld=str(version.files / "croissant.json"))
        records = list(described.records("items"))
    assert described.metadata.ctx.issues.errors == described.metadata.ctx.issues.warnings == set()
    assert len(records) == COUNT


def test_dvc_pulls_labels_of_a_version_and_items_that_it_holds(shelf: Shelf) -> None:
    for content, count in (("Reference", 1), ("Embed", 1 + COUNT)):
        version = shelf.version("ObjectDetection", ["Dvc"], content)
        repository = shelf.folder / content
        (repository / ".dvc").mkdir(parents=True)
        own = f"url = {version.destination}\n    endpointurl = {shelf.s3.endpoint}"
        (repository / ".dvc" / "config").write_text(f"[core]\n    remote = sets\n    no_scm = true\n['remote \"sets\"']\n    {own}\n")
        (repository / "dataset.dvc").write_bytes((version.files / "exports" / "Dvc" / "dataset.dvc").read_bytes())
        keys = {"AWS_ACCESS_KEY_ID": shelf.s3.access_key, "AWS_SECRET_ACCESS_KEY": shelf.s3.secret_key}
        environment = {**os.environ, **keys, "DVC_GLOBAL_CONFIG_DIR": str(shelf.folder), "DVC_SITE_CACHE_DIR": str(shelf.folder / "site")}
        for words in (["pull"], ["status"]):
            done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=repository, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        assert "up to date" in done.stdout
        files = [path for path in (repository / "dataset").rglob("*") if path.is_file()]
        assert len(files) == count
        items = items_of(repository / "dataset")
        assert len(items) == COUNT
        if content == "Embed":
            assert all(hashlib.sha256((repository / "dataset" / item.path).read_bytes()).hexdigest() == item.sha256 for item in items)


def test_a_version_that_holds_its_items_outlives_their_source_and_copies_each_once(shelf: Shelf) -> None:
    version = shelf.version("ImageClassification", ["Jsonl"], "Embed")
    bucket = version.destination.removeprefix("s3://").partition("/")[0]
    for path in (shelf.s3.folder / bucket / "raw").iterdir():
        path.unlink()
    directory = version.fetched(shelf, "Jsonl")
    assert all(hashlib.sha256((directory / item.path).read_bytes()).hexdigest() == item.sha256 for item in items_of(directory))
    copies = [path for path in (shelf.s3.folder / bucket / "sets/files/md5").rglob("*") if path.is_file()]
    assert len(copies) == COUNT


def test_conll_has_four_columns(shelf: Shelf) -> None:
    """As four columns of words and tags, which every reader of CoNLL-2003 takes."""
    version = shelf.version("NamedEntities", ["Conll"])
    directory = version.fetched(shelf, "Conll")
    sentences = [
        [line.split(" ") for line in sentence.splitlines()]
        for split in version.manifest.splits
        for sentence in (directory / f"{split}.conll").read_text().split("\n\n")
        if sentence and not sentence.startswith("-DOCSTART-")
    ]
    assert len(sentences) == COUNT
    assert {len(line) for sentence in sentences for line in sentence} == {4}
    tags = Counter(line[3] for sentence in sentences for line in sentence)
    assert (tags["B-can"], tags["B-apple"]) == (COUNT // 2, COUNT // 2)
