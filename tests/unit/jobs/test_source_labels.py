"""Labels that come as COCO files, and the groups that items have by their paths."""

import json
from typing import Any

import pytest

from treadle.contracts.labels import Box, Boxes, ImageSize, LabelClass, LabelSchema, Region, Regions
from treadle.jobs._coco import coco_labels
from treadle.jobs._objects import group_of

SCHEMA = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
FILE, FOLDER = "s3://raw/instances.json", "s3://raw/shelf"


def instances(**change: Any) -> bytes:
    annotation = {"id": 1, "image_id": 7, "category_id": 2, "bbox": [10, 20, 30, 40], "segmentation": [[10, 20, 40, 20, 40, 60]]}
    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": 200, "height": 100}, {"id": 8, "file_name": "b.png", "width": 200, "height": 100}],
        "categories": [{"id": 2, "name": "bottle"}, {"id": 3, "name": "jar"}],
        "annotations": [annotation | change],
    }
    return json.dumps(content).encode()


def test_boxes_are_found_by_their_images_and_an_image_without_any_shows_none() -> None:
    found, bad = coco_labels(instances(), FILE, FOLDER, "Boxes", SCHEMA)
    box = Box(label="bottle", x=10, y=20, width=30, height=40)
    assert (found, bad) == ({f"{FOLDER}/a.png": Boxes(boxes=(box,)), f"{FOLDER}/b.png": Boxes()}, [])


def test_polygons_are_outlines() -> None:
    found, _ = coco_labels(instances(), FILE, FOLDER, "Regions", SCHEMA)
    region = Region(label="bottle", points=((10, 20), (40, 20), (40, 60)), image=ImageSize(width=200, height=100))
    assert found[f"{FOLDER}/a.png"] == Regions(regions=(region,))


@pytest.mark.parametrize(
    ("shape", "change", "why"),
    [
        ("Boxes", {"category_id": 3}, 'a.png: "jar" is not a label of this project'),
        ("Boxes", {"category_id": 4}, 'a.png: "category 4" is not a label of this project'),
        ("Boxes", {"bbox": [0, 0, 0, 5]}, "greater than 0"),
        ("Regions", {"segmentation": {"counts": [1], "size": [1, 1]}}, "annotation 1 is not one polygon"),
        ("Regions", {"segmentation": [[1, 2, 3]]}, "a.png"),
    ],
)
def test_an_image_with_a_strange_annotation_has_no_label(shape: Any, change: dict[str, Any], why: str) -> None:
    found, bad = coco_labels(instances(**change), FILE, FOLDER, shape, SCHEMA)
    assert set(found) == {f"{FOLDER}/b.png"}
    assert why in bad[0].why


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"images": 3}', b"[" * 10_000])
def test_what_is_no_coco_file_is_told(content: bytes) -> None:
    found, bad = coco_labels(content, FILE, FOLDER, "Boxes", SCHEMA)
    assert not found
    assert bad[0].why.startswith("no file of COCO instances")


@pytest.mark.parametrize(
    ("path", "pattern", "group"),
    [
        ("ward/anna/1.png", "", ""),
        ("ward/anna/1.png", "{parent}", "anna"),
        ("ward/anna/1.png", "{top}", "ward"),
        ("ward/anna/1.png", "{top}-{stem}", "ward-1"),
        ("ward/anna/1.png", "{name}", "1.png"),
        ("1.png", "{parent}", ""),
        ("1.png", "{top}", ""),
    ],
)
def test_the_group_of_an_item_follows_from_its_path(path: str, pattern: str, group: str) -> None:
    assert group_of(path, pattern) == group
