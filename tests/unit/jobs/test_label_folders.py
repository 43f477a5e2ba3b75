"""Labels in the formats of other tools: what our own exports write is read back as it was, and what is no label is told."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from treadle.contracts import StoreConnection
from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, LabelClass, LabelSchema
from treadle.contracts.sync import Item, Source, SourceFields, SourceLabels, SyncSpec
from treadle.jobs._known import Opinion, Unreadable
from treadle.jobs._listing import find
from treadle.jobs._source_labels import source_labels
from treadle.jobs._store import Store
from treadle.jobs.exports import FORMATS
from treadle.tasks import TASKS

BOXES = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
CLASSES = LabelSchema(task="ImageClassification", labels=BOXES.labels)
LABEL = Boxes(boxes=(Box(label="bottle", x=10, y=4, width=20, height=8), Box(label="can", x=0, y=0, width=40, height=20)))
SOURCE = Source(name="old", uri="pvc://shelf/old/")
SIZE = ImageSize(width=40, height=20)


class Shelf:
    """A claim with files."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shelf"
        self.root.mkdir()
        self.store = Store(StoreConnection(claims=str(folder)))

    def write(self, path: str, content: str | bytes) -> None:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, form: str, uri: str, schema: LabelSchema, *paths: str, source: Source = SOURCE) -> tuple[Sequence[Opinion], Sequence[Unreadable]]:
        items = [Item(key=f"pvc://shelf/{p}", source="old", uri=f"pvc://shelf/{p}", sha256="1" * 64, size=1, image=SIZE) for p in paths]
        labels = SourceLabels.model_validate({"format": form, "uri": f"pvc://shelf/{uri}"})
        return source_labels(self.store, source, labels, TASKS[schema.task], schema, items)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize(("form", "folder"), [("Yolo", "labels"), ("Voc", "Annotations")])
def test_what_an_export_writes_is_read_back(shelf: Shelf, form: str, folder: str) -> None:
    item = DatasetItem(key="k", uri="s3://raw/1.jpg", sha256="1" * 64, label=LABEL, split="train", image=SIZE)
    (file,) = FORMATS[form]([item], BOXES).index
    for path, text in file.texts.items():
        shelf.write(f"old/{path}", text)
    (found,), bad = shelf.read(form, f"old/{folder}", BOXES, f"old/{file.path}")
    assert bad == []
    assert found.key == f"pvc://shelf/old/{file.path}"
    assert isinstance(found.label, Boxes)
    ours = sorted(found.label.boxes, key=lambda box: box.place)
    for box, wanted in zip(ours, sorted(LABEL.boxes, key=lambda box: box.place), strict=True):
        assert box.label == wanted.label
        assert [box.x, box.y, box.width, box.height] == pytest.approx([wanted.x, wanted.y, wanted.width, wanted.height], abs=1e-3)


def test_the_folder_of_an_image_is_its_label(shelf: Shelf) -> None:
    found, bad = shelf.read("ImageFolder", "old", CLASSES, "old/train/can/1.jpg", "old/jar/2.jpg", "old/3.jpg", "new/can/4.jpg")
    assert found == [Opinion("pvc://shelf/old/train/can/1.jpg", ClassLabel(label="can"))]
    assert [each.why for each in bad] == ['"jar" is not a label of this project', "it lies in no folder that would be its label"]


def test_columns_say_who_says_what(shelf: Shelf) -> None:
    shelf.write("old/labels.csv", "uri,label,annotator\n1.jpg,can,7\n2.jpg,jar,7\n,can,7\n")
    found, bad = shelf.read("Csv", "old/labels.csv", CLASSES)
    assert found == [Opinion("pvc://shelf/old/1.jpg", ClassLabel(label="can"), "7")]
    assert [each.uri.rpartition("/")[2] for each in bad] == ["labels.csv line 3", "labels.csv line 4"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 0.5 0.5 0.5", "line 1 has 4 numbers"),
        ("2 0.5 0.5 0.5 0.5", "line 1: 2 is not the id of a label"),
        ("0.5 0.5 0.5 0.5 0.5", "is not the id of a label"),
        ("can 0.5 0.5 0.5 0.5", "could not convert"),
        ("nan 0.5 0.5 0.5 0.5", "is not the id of a label"),
        ("0 0.5 0.5 0 0.5", "greater than 0"),
        (b"\xff\xfe", "codec"),
    ],
)
def test_a_text_that_is_none_of_yolo_labels_nothing(shelf: Shelf, text: str | bytes, why: str) -> None:
    shelf.write("old/labels/1.txt", text)
    found, bad = shelf.read("Yolo", "old/labels", BOXES, "old/images/1.jpg")
    assert list(found) == []
    assert why in bad[0].why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<annotation", "unclosed token"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', "it declares a document type"),
        ("<annotation><object><name>jar</name></object></annotation>", '"jar" is not a label'),
        ("<annotation><object><name>can</name><bndbox><xmin>1</xmin></bndbox></object></annotation>", "a box has no ymin"),
        ("<annotation><object><name>can</name><bndbox><xmin>inf</xmin></bndbox></object></annotation>", "a box has no xmin"),
    ],
)
def test_a_text_that_is_none_of_voc_labels_nothing(shelf: Shelf, text: str, why: str) -> None:
    shelf.write("old/Annotations/1.xml", text)
    found, bad = shelf.read("Voc", "old/Annotations", BOXES, "old/1.jpg")
    assert list(found) == []
    assert why in bad[0].why


def test_a_format_that_cannot_hold_the_labels_of_the_task_is_told(shelf: Shelf) -> None:
    found, bad = shelf.read("Yolo", "old", CLASSES)
    assert list(found) == []
    assert bad[0].why == "Yolo holds Boxes, ImageClassification has Class"


def test_files_of_labels_among_the_images_are_no_items(shelf: Shelf) -> None:
    content = io.BytesIO()
    Image.new("L", (40, 20)).save(content, "PNG")
    shelf.write("old/images/1.png", content.getvalue())
    shelf.write("old/labels/1.txt", "0 0.5 0.5 0.5 0.5\n")
    shelf.write("old/data.yaml", "names: [can, bottle]\n")
    source = Source(name="old", uri="pvc://shelf/old", labels=SourceLabels(format="Yolo", uri="pvc://shelf/old"))
    spec = SyncSpec(labels=BOXES, sources=(source,), destination="pvc://shelf/sets", store=StoreConnection())
    found = find(shelf.store, spec, TASKS["ObjectDetection"])
    assert (len(found.items), list(found.unreadable)) == (1, [])
    (said,) = found.said["pvc://shelf/old/images/1.png"]
    assert said.label == Boxes(boxes=(Box(label="can", x=10, y=5, width=20, height=10),))


def test_the_time_of_an_item_is_passed_on(shelf: Shelf) -> None:
    content = io.BytesIO()
    Image.new("L", (4, 4)).save(content, "PNG")
    shelf.write("raw/1.png", content.getvalue())
    shelf.write("raw/list.csv", "uri,taken\n1.png,2026-01-01T03:00:00Z\n")
    source = Source(name="night", uri="pvc://shelf/raw/list.csv", fields=SourceFields(time="taken"))
    spec = SyncSpec(labels=CLASSES, sources=(source,), destination="pvc://shelf/sets", store=StoreConnection())
    (item,) = find(shelf.store, spec, TASKS["ImageClassification"]).items
    assert item.time == "2026-01-01T03:00:00Z"
