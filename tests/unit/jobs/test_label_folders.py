"""Labels in the formats of other tools: what our own exports write is read back as it was, and what is no label is told."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from treadle.contracts import StoreConnection
from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, LabelClass, LabelSchema, Region, Regions, Spans
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
        ("0 0.5 0.5 0 0.5", 'a box of "can" is empty'),
        ("0 0.5 0.5 inf 0.5", 'a box of "can" has no place'),
        ("0 1.5 0.5 0.5 0.5", 'a box of "can" lies outside of the image'),
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


HANGING = Boxes(boxes=(Box(label="can", x=0, y=5, width=15, height=15),))
"""A box of 20 by 20 pixels, of which 5 are beside the image on the left and 5 below: the part that is in it."""


@pytest.mark.parametrize(
    ("form", "path", "text"),
    [
        ("Yolo", "old/1.txt", "0 0.125 0.75 0.5 1\n"),
        (
            "Voc",
            "old/1.xml",
            "<a><object><name>can</name><bndbox><xmin>-4</xmin><ymin>6</ymin><xmax>15</xmax><ymax>25</ymax></bndbox></object></a>",
        ),
        (
            "Coco",
            "old/all.json",
            '{"images": [{"id": 1, "file_name": "1.jpg", "width": 40, "height": 20}], "categories": [{"id": 3, "name": "can"}], '
            '"annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [-5, 5, 20, 20]}]}',
        ),
    ],
)
def test_the_part_of_a_box_that_is_in_the_image_is_what_it_marks(shelf: Shelf, form: str, path: str, text: str) -> None:
    shelf.write(path, text)
    found, bad = shelf.read(form, path if form == "Coco" else "old", BOXES, "old/1.jpg")
    assert (list(found), list(bad)) == ([Opinion("pvc://shelf/old/1.jpg", HANGING)], [])


BOX = {"label": "can", "x": 30, "y": 5, "width": 10, "height": 5}
OUTLINE = {"label": "can", "image": {"width": 40, "height": 20}}
TASK_OF = {"Boxes": "ObjectDetection", "Regions": "Segmentation", "Points": "Keypoints", "Spans": "NamedEntities"}


@pytest.mark.parametrize(
    ("shape", "part", "why"),
    [
        ("Boxes", BOX | {"width": 20}, 'a box of "can" lies outside of the image'),
        ("Regions", OUTLINE | {"points": [[0, 0], [4, 4]]}, 'an outline of "can" has 2 corners in the image'),
        ("Regions", OUTLINE | {"points": [[41, 0], [50, 4], [45, 9]]}, 'an outline of "can" lies outside of the image'),
        ("Regions", OUTLINE | {"runs": [0, 801]}, 'the pixels of "can" are more than the image has'),
        ("Regions", OUTLINE | {"runs": [-3, 5]}, 'the pixels of "can" are more than the image has'),
        ("Regions", OUTLINE | {"runs": [3, 0]}, 'an outline of "can" covers no pixel'),
        ("Regions", OUTLINE | {"runs": [3, 2], "points": [[0, 0], [4, 0], [4, 4]]}, 'an outline of "can" has both corners and runs'),
        ("Regions", OUTLINE | {"runs": [3, 2], "image": {"width": 20, "height": 40}}, "in an image of 20 x 40 pixels, the item has 40 x 20"),
        ("Points", {"label": "can", "x": 41, "y": 5, "scale": 28.3}, 'a point of "can" lies outside of the image'),
        ("Spans", {"label": "can", "start": 5, "end": 2}, 'a span of "can" is empty'),
    ],
)
def test_a_label_that_nobody_could_give_on_the_screen_is_refused_by_name(shelf: Shelf, shape: str, part: dict[str, object], why: str) -> None:
    good = {"Boxes": BOX, "Regions": OUTLINE | {"points": [[0, 0], [4, 0], [4, 4]]}, "Spans": {"label": "can", "start": 1, "end": 3}}
    fine = good.get(shape, part | {"x": 40})
    said = [{"uri": f"{name}.jpg", "label": {"shape": shape, shape.lower(): [each]}} for name, each in (("bad", part), ("good", fine))]
    shelf.write("old/labels.jsonl", "\n".join(map(json.dumps, said)))
    schema = LabelSchema(task=TASK_OF[shape], labels=BOXES.labels)
    found, bad = shelf.read("Jsonl", "old/labels.jsonl", schema, "old/bad.jpg", "old/good.jpg")
    assert [each.key for each in found] == ["pvc://shelf/old/good.jpg"]
    assert [each.uri for each in bad] == ["pvc://shelf/old/bad.jpg"]
    assert why in bad[0].why


def test_relations_come_with_the_spans_that_they_join_and_are_those_of_the_project(shelf: Shelf) -> None:
    spans = [{"label": "can", "start": 0, "end": 3}, {"label": "bottle", "start": 5, "end": 9}]
    fine = {"label": "beside", "head": spans[0], "tail": spans[1]}
    wrong = {
        '"inside" is not a label of this project': fine | {"label": "inside"},
        'a relation "beside" joins what is no span': fine | {"tail": spans[1] | {"end": 8}},
        'a relation "beside" joins a span with itself': fine | {"tail": spans[0]},
        '"can" is not a relation of this project': fine | {"label": "can"},
    }
    said = [
        {"uri": f"{number}.txt", "label": {"shape": "Spans", "spans": spans, "relations": [each]}}
        for number, each in enumerate([fine, *wrong.values()])
    ]
    shelf.write("old/labels.jsonl", "\n".join(map(json.dumps, said)))
    schema = LabelSchema(task="NamedEntities", labels=BOXES.labels, relations=(LabelClass(name="beside"),))
    (found,), bad = shelf.read("Jsonl", "old/labels.jsonl", schema, *(f"old/{number}.txt" for number in range(len(said))))
    assert found.label == Spans.model_validate(said[0]["label"])
    assert all(any(why in each.why for each in bad) for why in wrong)
    assert len(bad) == len(wrong)


def test_what_rounding_put_beside_the_image_is_cut(shelf: Shelf) -> None:
    box = BOX | {"width": 10.4}
    outline = OUTLINE | {"points": [[0, 0], [40.5, 0], [40, 21]]}
    for shape, part, wanted in (
        ("Boxes", box, Boxes(boxes=(Box.model_validate(BOX),))),
        ("Regions", outline, Regions(regions=(Region(label="can", points=((0, 0), (40, 0), (40, 20)), image=SIZE),))),
    ):
        shelf.write("old/labels.jsonl", json.dumps({"uri": "1.jpg", "label": {"shape": shape, shape.lower(): [part]}}))
        found, bad = shelf.read("Jsonl", "old/labels.jsonl", LabelSchema(task=TASK_OF[shape], labels=BOXES.labels), "old/1.jpg")
        assert ([each.label for each in found], list(bad)) == ([wanted], [])


def test_outlines_that_an_export_writes_are_read_back_as_they_were(shelf: Shelf) -> None:
    schema = LabelSchema(task="Segmentation", labels=BOXES.labels)
    drawn = Region(label="bottle", points=((1, 2), (9.5, 2), (9.5, 12.25)), image=SIZE)
    painted = [Region(label="can", runs=runs, image=SIZE) for runs in ((0, 3, 37, 3), (45, 1, 39, 1, 2, 5), (799, 1), (0, 800))]
    label = Regions(regions=(drawn, *painted))
    item = DatasetItem(key="k", uri="s3://raw/1.jpg", sha256="1" * 64, label=label, split="train", image=SIZE)
    export = FORMATS["Coco"]([item], schema)
    (file,) = export.files
    shelf.write(f"old/{file.path}", file.content)
    (index,) = export.index
    source = Source(name="old", uri="pvc://shelf/old/images/train/")
    found, bad = shelf.read("Coco", f"old/{file.path}", schema, f"old/{index.path}", source=source)
    assert ([each.label for each in found], list(bad)) == ([label], [])


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
