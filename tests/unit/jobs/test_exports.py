import base64
import csv
import hashlib
import io
import json
from collections.abc import Sequence
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
import yaml
from arro3.io import read_parquet
from PIL import Image

from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import (
    Answer,
    Box,
    Boxes,
    ClassLabel,
    ImageSize,
    Interval,
    Intervals,
    LabelClass,
    LabelSchema,
    Point,
    Points,
    Rating,
    Region,
    Regions,
    Relation,
    Span,
    Spans,
)
from treadle.jobs._files import WrongContent, inside
from treadle.jobs.exports import FORMATS, OF_TEXTS, TextItem, Unfit
from treadle.tasks import TASKS

NAMES = ("can", "Dr. Pepper/7up", "..", ".")
SCHEMA = LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=name) for name in NAMES))
ITEMS = [
    DatasetItem(key=uri, uri=uri, sha256=f"{number}" * 64, label=ClassLabel(label=name), split="train")
    for number, (uri, name) in enumerate(zip(("s3://b/a/1.PNG", "s3://b/b/1.png", "s3://b/c.d/noext", "s3://b/x.y z"), NAMES, strict=True))
]
SHELF = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="Flasche: groß"), LabelClass(name="apple")))


def picture(name: str, number: int, split: str, *boxes: Box) -> DatasetItem:
    uri, size = f"s3://b/{name}", ImageSize(width=200, height=100)
    return DatasetItem.model_validate(
        {"key": uri, "uri": uri, "sha256": f"{number}" * 64, "label": Boxes(boxes=boxes), "split": split, "image": size}
    )


PICTURES = [
    picture("a.jpg", 0, "train", Box(label="can", x=0, y=10, width=50, height=20), Box(label="apple", x=150, y=75, width=50, height=25)),
    picture("b.jpg", 1, "train"),
    picture("c", 2, "test", Box(label="Flasche: groß", x=1, y=2, width=3, height=4)),
]
SIZE = ImageSize(width=200, height=100)
CORNERS = ((10.0, 10.0), (30.0, 10.0), (30.0, 20.0), (10.0, 20.0))
OUTLINES = Regions(regions=(Region(label="can", points=CORNERS, image=SIZE), Region(label="apple", runs=(200, 2, 198, 2), image=SIZE)))


def labelled(label: object) -> tuple[list[DatasetItem], LabelSchema]:
    """The same pictures with other labels."""
    return [DatasetItem.model_validate(dict(picture) | {"label": label}) for picture in PICTURES], SHELF


OF_SHAPE = {
    "Class": (ITEMS, SCHEMA),
    "Boxes": (PICTURES, SHELF),
    "Regions": labelled(OUTLINES),
    "Spans": labelled(Spans(spans=(Span(label="can", start=0, end=3),))),
    "Intervals": labelled(Intervals(intervals=(Interval(label="can", start=0, end=3),))),
    "Points": labelled(Points(points=(Point(label="can", x=1, y=2, scale=100),))),
    "Answer": labelled(Answer(parts=({"type": "choices"},))),
    "Rating": labelled(Rating(step=1, label="can")),
}
POSSIBLE = sorted({(name, task.shape) for task in TASKS.values() for name in task.formats})


def with_text(items: Sequence[DatasetItem], text: str = "Cans, cans!") -> list[TextItem]:
    """The items as texts, which some formats hold."""
    return [TextItem(**dict(item), words={"text": text}) for item in items]


def rows(content: bytes) -> list[dict[str, object]]:
    """The rows of a Parquet table."""
    batches = read_parquet(io.BytesIO(content)).read_all().to_batches()
    return [dict(row) for batch in batches for row in batch.to_struct_array().to_pylist()]


@pytest.mark.parametrize(("name", "shape"), POSSIBLE)
def test_every_item_has_one_place_of_its_own_inside_the_directory(name: str, shape: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    items, schema = OF_SHAPE[shape]
    export = FORMATS[name](with_text(items) if name in OF_TEXTS and shape in ("Class", "Rating", "Spans") else items, schema)
    assert [(file.uri, file.sha256, file.split) for file in export.index] == [(item.uri, item.sha256, item.split) for item in items]
    root = tmp_path_factory.getbasetemp()
    texts = [path for file in export.index for path in (*file.texts, *file.binaries)]
    places = [inside(root, path) for path in (*(file.path for file in export.index), *texts, *(file.path for file in export.files))]
    assert len(set(places)) == len(places)


def test_an_image_folder_has_one_directory_per_label_and_says_their_order() -> None:
    export = FORMATS["ImageFolder"](ITEMS, SCHEMA)
    assert [file.path for file in export.index] == [
        "train/can/0000000000000000.png",
        "train/Dr. Pepper%2F7up/1111111111111111.png",
        "train/%2E%2E/2222222222222222",
        "train/%2E/3333333333333333",
    ]
    (classes,) = export.files
    assert (classes.path, classes.content.decode().splitlines()) == ("classes.txt", ["can", "Dr. Pepper%2F7up", "%2E%2E", "%2E"])


def test_every_format_fits_some_task() -> None:
    assert {name for name, _ in POSSIBLE} == set(FORMATS)


def test_coco_counts_from_one_in_the_order_of_the_schema() -> None:
    export = FORMATS["Coco"](PICTURES, SHELF)
    assert [file.path for file in export.index] == [
        "images/train/0000000000000000.jpg",
        "images/train/1111111111111111.jpg",
        "images/test/2222222222222222",
    ]
    assert [(file.path, file.split) for file in export.files] == [
        ("annotations/instances_test.json", "test"),
        ("annotations/instances_train.json", "train"),
    ]
    content = json.loads(export.files[1].content)
    assert content["categories"] == [
        {"id": 1, "name": "can", "supercategory": ""},
        {"id": 2, "name": "Flasche: groß", "supercategory": ""},
        {"id": 3, "name": "apple", "supercategory": ""},
    ]
    assert content["images"] == [
        {"id": 1, "file_name": "0000000000000000.jpg", "width": 200, "height": 100},
        {"id": 2, "file_name": "1111111111111111.jpg", "width": 200, "height": 100},
    ]
    assert [(each["id"], each["image_id"], each["category_id"], each["bbox"], each["area"]) for each in content["annotations"]] == [
        (1, 1, 3, [150, 75, 50, 25], 1250),
        (2, 1, 1, [0, 10, 50, 20], 1000),
    ]


def test_coco_holds_polygons_by_their_corners_and_painted_regions_by_runs_down_the_columns() -> None:
    items, schema = OF_SHAPE["Regions"]
    content = json.loads(FORMATS["Coco"](items[:1], schema).files[0].content)
    apple, can = content["annotations"]
    assert (can["bbox"], can["area"], can["segmentation"]) == ([10, 10, 20, 10], 200, [[10, 10, 30, 10, 30, 20, 10, 20]])
    assert (apple["bbox"], apple["area"]) == ([0, 1, 2, 2], 4)
    assert apple["segmentation"] == {"counts": [1, 2, 98, 2, 19897], "size": [100, 200]}


def test_yolo_counts_from_zero_and_says_places_as_parts_of_the_image() -> None:
    export = FORMATS["Yolo"](PICTURES, SHELF)
    assert [file.texts for file in export.index] == [
        {"labels/train/0000000000000000.txt": "2 0.875000 0.875000 0.250000 0.250000\n0 0.125000 0.200000 0.250000 0.200000\n"},
        {"labels/train/1111111111111111.txt": ""},
        {"labels/test/2222222222222222.txt": "1 0.012500 0.040000 0.015000 0.040000\n"},
    ]
    (data,) = export.files
    assert yaml.safe_load(data.content) == {
        "path": ".",
        "train": "images/train",
        "test": "images/test",
        "nc": 3,
        "names": {0: "can", 1: "Flasche: groß", 2: "apple"},
    }


@pytest.mark.parametrize("name", ["Coco", "Yolo"])
def test_what_a_format_cannot_hold_is_told(name: str) -> None:
    with pytest.raises(Unfit, match=r"a\.jpg is Class, not Boxes"):
        FORMATS[name]([PICTURES[0].model_copy(update={"label": ClassLabel(label="can")})], SHELF)
    with pytest.raises(Unfit, match=r"size of s3://b/a\.jpg"):
        FORMATS[name]([PICTURES[0].model_copy(update={"image": None})], SHELF)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "a/.."])
def test_no_path_leads_out_of_the_directory(path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(WrongContent):
        inside(tmp_path_factory.getbasetemp(), path)


def test_voc_counts_pixels_from_one() -> None:
    export = FORMATS["Voc"](PICTURES, SHELF)
    (text,) = export.index[2].texts.values()
    annotation = fromstring(text)
    assert [annotation.findtext(word) for word in ("filename", "size/width", "size/height")] == ["2222222222222222", "200", "100"]
    (part,) = annotation.findall("object")
    assert part.findtext("name") == "Flasche: groß"
    assert [part.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")] == ["2", "3", "4", "6"]
    assert export.files[0].path == "labelmap.txt"
    assert [(file.path, file.content.decode()) for file in export.files[1:]] == [
        ("ImageSets/Main/test.txt", "2222222222222222\n"),
        ("ImageSets/Main/train.txt", "0000000000000000\n1111111111111111\n"),
    ]
    assert len(fromstring(next(iter(export.index[1].texts.values()))).findall("object")) == 0


def test_csv_has_a_row_for_each_item_and_survives_any_name() -> None:
    (file,) = FORMATS["Csv"](ITEMS, SCHEMA).files
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert [(row["label"], row["class_id"]) for row in rows] == [(name, str(number)) for number, name in enumerate(NAMES)]
    assert rows[0]["path"] == "train/0000000000000000.png"
    with pytest.raises(Unfit, match="not one name"):
        FORMATS["Csv"](PICTURES, SHELF)


def test_parquet_has_a_row_for_each_item_and_records_for_its_parts() -> None:
    export = FORMATS["Parquet"](PICTURES, SHELF)
    test, train = export.files
    assert [(file.path, file.split) for file in (test, train)] == [("test.parquet", "test"), ("train.parquet", "train")]
    first, second = rows(train.content)
    assert (first["path"], first["uri"], first["annotators"], first["agreement"]) == ("train/0000000000000000.jpg", "s3://b/a.jpg", 0, None)
    assert first["boxes"] == [
        {"label": "apple", "class_id": 2, "x": 150.0, "y": 75.0, "width": 50.0, "height": 25.0},
        {"label": "can", "class_id": 0, "x": 0.0, "y": 10.0, "width": 50.0, "height": 20.0},
    ]
    assert second["boxes"] == []
    assert FORMATS["Parquet"](PICTURES, SHELF) == export, "equal input gives equal bytes"


def test_parquet_of_texts_holds_the_texts() -> None:
    (train,) = FORMATS["Parquet"](with_text(ITEMS), SCHEMA).files
    assert [(row["text"], row["label"], row["class_id"]) for row in rows(train.content)] == [
        ("Cans, cans!", name, number) for number, name in enumerate(NAMES)
    ]


@pytest.mark.parametrize("name", ["Parquet", "HuggingFace"])
def test_a_table_of_pairs_has_what_a_reward_model_is_trained_with(name: str) -> None:
    schema = LabelSchema(task="PairwisePreference", labels=TASKS["PairwisePreference"].silent)
    judged = ITEMS[0].model_copy(update={"label": ClassLabel(label="Second")})
    item = TextItem(**dict(judged), words={"prompt": "Why?", "first": "No.", "second": "Because."})
    (row,) = rows(FORMATS[name]([item], schema).files[0].content)
    assert {column: row[column] for column in ("prompt", "first", "second")} == item.words
    assert row["label"] == ("Second" if name == "Parquet" else 2)


def test_a_hugging_face_folder_names_files_and_has_labels_as_numbers_with_names() -> None:
    export = FORMATS["HuggingFace"](PICTURES, SHELF)
    assert [file.path for file in export.index][:2] == ["train/0000000000000000.jpg", "train/1111111111111111.jpg"]
    _, train = export.files
    assert train.path == "train/metadata.parquet"
    first, _ = rows(train.content)
    assert first["file_name"] == "0000000000000000.jpg"
    assert first["boxes"] == [
        {"label": 2, "x": 150.0, "y": 75.0, "width": 50.0, "height": 25.0},
        {"label": 0, "x": 0.0, "y": 10.0, "width": 50.0, "height": 20.0},
    ]
    described = json.loads(read_parquet(io.BytesIO(train.content)).schema.metadata_str["huggingface"])["info"]["features"]
    assert described["boxes"]["feature"]["label"] == {"names": list(SHELF.names), "_type": "ClassLabel"}

    texts = FORMATS["HuggingFace"](with_text(ITEMS), SCHEMA)
    assert [file.path for file in texts.files] == ["data/train.parquet", "README.md"]
    assert [(row["text"], row["label"]) for row in rows(texts.files[0].content)] == [("Cans, cans!", number) for number in range(4)]


def test_conll_tags_words_and_breaks_them_where_a_span_ends() -> None:
    spans = Spans(spans=(Span(label="soft drink", start=0, end=12), Span(label="can", start=17, end=21)))
    item = PICTURES[0].model_copy(update={"label": spans})
    (train,) = FORMATS["Conll"](with_text([item], "Dr. Pepper 7up's cans!"), SHELF).files
    assert train.path == "train.conll"
    assert train.content.decode().splitlines() == [
        "-DOCSTART- -X- -X- O",
        "",
        *("Dr -X- _ B-soft_drink", ". -X- _ I-soft_drink", "Pepper -X- _ I-soft_drink", "7 -X- _ I-soft_drink", "up -X- _ O", "' -X- _ O"),
        *("s -X- _ O", "cans -X- _ B-can", "! -X- _ O"),
        "",
    ]


def test_of_spans_that_overlap_conll_has_the_longest_and_counts_the_others() -> None:
    within = Span(label="apple", start=4, end=8)
    spans = Spans(spans=(Span(label="can", start=0, end=8), within, Span(label="apple", start=6, end=11), Span(label="can", start=9, end=11)))
    found = FORMATS["Conll"](with_text([PICTURES[0].model_copy(update={"label": spans})], "New York is"), SHELF)
    assert found.files[0].content.decode().splitlines()[2:-1] == ["New -X- _ B-can", "York -X- _ I-can", "is -X- _ B-can"]
    assert found.left_out == 2
    alike = Spans(spans=(Span(label="can", start=4, end=8), Span(label="apple", start=0, end=4), Span(label="apple", start=2, end=6)))
    found = FORMATS["Conll"](with_text([PICTURES[0].model_copy(update={"label": alike})], "abcdefgh"), SHELF)
    assert found.files[0].content.decode().splitlines()[2:-1] == ["abcd -X- _ B-apple", "efgh -X- _ B-can"], "of equally long ones the first"


PLANT, CITY = Span(label="can", start=0, end=4), Span(label="Flasche: groß", start=8, end=12)
RELATED = SHELF.model_copy(update={"relations": (LabelClass(name="grows in"), LabelClass(name="of"))})
RELATIONS = (Relation(label="of", head=CITY.mention, tail=PLANT.mention), Relation(label="grows in", head=PLANT.mention, tail=CITY.mention))


def related(*relations: Relation) -> list[TextItem]:
    """Two texts with the same spans, the first with these relations."""
    labels = (Spans(spans=(PLANT, CITY), relations=relations), Spans(spans=(PLANT, CITY)))
    return with_text([PICTURES[number].model_copy(update={"label": label}) for number, label in enumerate(labels)], "Kale in Kiel")


def test_tables_name_the_ends_of_relations_by_their_place_among_the_spans() -> None:
    (train,) = FORMATS["Parquet"](related(*RELATIONS), RELATED).files
    first, second = rows(train.content)
    assert isinstance(first["spans"], list)
    assert [span["label"] for span in first["spans"]] == ["Flasche: groß", "can"]
    assert first["relations"] == [
        {"label": "grows in", "class_id": 0, "head": 1, "tail": 0},
        {"label": "of", "class_id": 1, "head": 0, "tail": 1},
    ]
    assert second["relations"] == []


def test_a_hugging_face_table_has_relations_as_numbers_with_names_of_their_own() -> None:
    train, _ = FORMATS["HuggingFace"](related(*RELATIONS), RELATED).files
    first, _ = rows(train.content)
    assert first["relations"] == [{"label": 0, "head": 1, "tail": 0}, {"label": 1, "head": 0, "tail": 1}]
    described = json.loads(read_parquet(io.BytesIO(train.content)).schema.metadata_str["huggingface"])["info"]["features"]
    assert described["relations"]["feature"]["label"] == {"names": ["grows in", "of"], "_type": "ClassLabel"}
    assert described["relations"]["feature"]["head"] == {"dtype": "int64", "_type": "Value"}


@pytest.mark.parametrize("name", ["Parquet", "HuggingFace"])
def test_a_project_without_relations_has_no_column_for_them(name: str) -> None:
    (row, *_) = rows(FORMATS[name](related(), SHELF).files[0].content)
    assert "spans" in row
    assert "relations" not in row


def test_conll_has_the_spans_and_counts_the_relations() -> None:
    plain, found = (FORMATS["Conll"](related(*relations), RELATED) for relations in ((), RELATIONS))
    assert found.files == plain.files
    assert (plain.left_out, found.left_out) == (0, 2)


def test_a_mask_has_class_ids_and_small_things_in_front() -> None:
    whole = Region(label="can", points=((0.0, 0.0), (200.0, 0.0), (200.0, 100.0), (0.0, 100.0)), image=SIZE)
    part = Region(label="apple", points=CORNERS, image=SIZE)
    item = PICTURES[0].model_copy(update={"label": Regions(regions=(part, whole))})
    export = FORMATS["MaskPng"]([item], SHELF)
    (file,) = export.index
    masks = {path: Image.open(io.BytesIO(base64.b64decode(content))) for path, content in file.binaries.items()}
    assert list(masks) == ["SegmentationClass/0000000000000000.png", "SegmentationObject/0000000000000000.png"]
    classes, objects = (np.asarray(mask) for mask in masks.values())
    assert {mask.mode for mask in masks.values()} == {"P"}
    assert (classes.shape, classes[0, 0], classes[15, 15], int((classes == 3).sum())) == ((100, 200), 1, 3, 200)
    assert set(objects.ravel().tolist()) == {1, 2}
    assert {file.path: file.content.decode().splitlines() for file in export.files} == {
        "ImageSets/Segmentation/train.txt": ["0000000000000000"],
        "labelmap.txt": [
            "# label:color_rgb:parts:actions",
            *("background:0,0,0::", "can:128,0,0::", "Flasche groß:0,128,0::", "apple:128,128,0::"),
        ],
    }


def test_a_dvc_pointer_names_the_list_of_what_the_destination_holds() -> None:
    copied = [PICTURES[0].model_copy(update={"held": f"s3://sets/files/md5/aa/{'a' * 30}"}), *PICTURES[1:]]
    export = FORMATS["Dvc"](copied, SHELF)
    (pointer,) = export.files
    (out,) = yaml.safe_load(pointer.content)["outs"]
    listed = json.loads(export.objects[out["md5"]])
    assert f"{hashlib.md5(export.objects[out['md5']]).hexdigest()}.dir" == out["md5"]
    assert {each["relpath"] for each in listed} == {"items.jsonl", "train/0000000000000000.jpg"}, "what is only referred to cannot be pulled"
    (lines,) = (content for name, content in export.objects.items() if not name.endswith(".dir"))
    assert [json.loads(line)["path"] for line in lines.splitlines()] == [file.path for file in export.index]
