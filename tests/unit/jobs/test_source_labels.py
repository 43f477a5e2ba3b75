"""Labels that come as COCO files, and the groups that items have by their paths."""

import json
from typing import Any

import pytest

from treadle.contracts.labels import Box, Boxes, ImageSize, LabelClass, LabelSchema, Region, Regions
from treadle.jobs._coco import coco_labels
from treadle.jobs._objects import group_of
from treadle.statistics.shapes.regions import mask_of

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
        ("Boxes", {"bbox": [0, 0, 0, 5]}, 'a.png: a box of "bottle" is empty'),
        ("Boxes", {"bbox": [200, 0, 10, 5]}, 'a.png: a box of "bottle" lies outside of the image'),
        ("Boxes", {"bbox": [-10, 0, 10, 5]}, 'a.png: a box of "bottle" lies outside of the image'),
        ("Boxes", {"bbox": [float("nan"), 0, 10, 5]}, 'a.png: a box of "bottle" has no place'),
        ("Regions", {"segmentation": {"counts": [1], "size": [1, 1]}}, "a.png: annotation 1: its mask is 1 x 1 pixels, its image 200 x 100"),
        ("Regions", {"segmentation": {"counts": [5, 2], "size": [100, 200]}}, "annotation 1: its mask has 7 pixels, its image 20000"),
        ("Regions", {"segmentation": {"counts": [20001, -1], "size": [100, 200]}}, "annotation 1: counts"),
        ("Regions", {"segmentation": {"counts": [20000], "size": [100, 200]}}, 'annotation 1: an outline of "bottle" covers no pixel'),
        ("Regions", {"segmentation": {"size": [100, 200]}}, "annotation 1: counts"),
        ("Regions", {"segmentation": {"counts": "5 2", "size": [100, 200]}}, "annotation 1: its mask is not packed as COCO packs them"),
        ("Regions", {"segmentation": {"counts": "o" * 1000, "size": [100, 200]}}, "annotation 1: its mask is not packed as COCO packs them"),
        ("Regions", {"segmentation": {"counts": "5o", "size": [100, 200]}}, "it ends too early"),
        ("Regions", {"segmentation": [[1, 2, 3]]}, "annotation 1: a polygon has 3 numbers"),
        ("Regions", {"segmentation": [[1, 2, 3, 4]]}, "annotation 1: a polygon has 4 numbers"),
        ("Regions", {"segmentation": [[1, 2, 3, 4, 5, 1e999]]}, "annotation 1: a polygon has corners nowhere"),
        ("Regions", {"segmentation": []}, 'annotation 1: an outline of "bottle" covers no pixel'),
    ],
)
def test_an_image_with_a_strange_annotation_has_no_label(shape: Any, change: dict[str, Any], why: str) -> None:
    found, bad = coco_labels(instances(**change), FILE, FOLDER, shape, SCHEMA)
    assert set(found) == {f"{FOLDER}/b.png"}
    assert why in bad[0].why


PIXELS = {(2, 1), (2, 2), (3, 1), (3, 2), (5, 0)}
"""Column and row of what a mask of 6 by 4 pixels shows: a square, and one pixel by itself."""
COUNTS = [9, 2, 2, 2, 5, 1, 3]
"""The same column by column: 9 pixels are outside, then 2 inside, and so on."""


def pixels_of(region: Region) -> set[tuple[int, int]]:
    mask = mask_of(region)
    return {(mask.left + int(column), mask.top + int(row)) for row, column in zip(*mask.pixels.nonzero(), strict=True)}


@pytest.mark.parametrize("counts", [COUNTS, "92203ON"], ids=["numbers", "packed"])
def test_a_mask_marks_the_pixels_that_its_runs_count(counts: Any) -> None:
    size = {"images": [{"id": 7, "file_name": "a.png", "width": 6, "height": 4}]}
    content = json.loads(instances(segmentation={"counts": counts, "size": [4, 6]}))
    found, bad = coco_labels(json.dumps(content | size).encode(), FILE, FOLDER, "Regions", SCHEMA)
    assert bad == []
    label = found[f"{FOLDER}/a.png"]
    assert isinstance(label, Regions)
    (region,) = label.regions
    assert pixels_of(region) == PIXELS
    assert region.runs == (5, 1, 2, 2, 4, 2)


def test_a_thing_of_which_something_is_hidden_has_several_polygons_and_is_one_region() -> None:
    left, right = [10, 10, 12, 10, 12, 12, 10, 12], [20, 10, 21, 10, 21, 11, 20, 11]
    found, bad = coco_labels(instances(segmentation=[left, right, left]), FILE, FOLDER, "Regions", SCHEMA)
    assert bad == []
    label = found[f"{FOLDER}/a.png"]
    assert isinstance(label, Regions)
    (region,) = label.regions
    assert (region.label, region.points) == ("bottle", ())
    assert pixels_of(region) == {(10, 10), (11, 10), (10, 11), (11, 11), (20, 10)}


def test_places_in_an_image_of_another_size_are_not_taken_and_images_that_are_no_items_are_passed_over() -> None:
    sizes = {f"{FOLDER}/a.png": ImageSize(width=100, height=200)}
    found, bad = coco_labels(instances(), FILE, FOLDER, "Boxes", SCHEMA, sizes)
    assert found == {}
    assert [each.why for each in bad] == ["a.png: the file says 200 x 100 pixels, the image has 100 x 200"]


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
