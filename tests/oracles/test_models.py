"""How well answers match the truth, against scikit-learn, pycocotools and nervaluate."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from nervaluate import Evaluator
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from treadle.contracts.labels import Box, Boxes, ImageSize, Point, Region, Span, Spans
from treadle.statistics.classification import Confusion
from treadle.statistics.detection import detection_metrics
from treadle.statistics.raster import column_runs
from treadle.statistics.shapes import SHAPES
from treadle.statistics.shapes import boxes as box_shape
from treadle.statistics.shapes import regions as region_shape
from treadle.statistics.shapes.points import TOLERANCE, similarity

EXACT = 1e-9
NAMES = ("can", "bottle", "apple")
SIZE = ImageSize(width=120, height=80)
LABELS = [f"label {number}" for number in range(6)]


def test_metrics_of_classes(chance: np.random.Generator) -> None:
    truths = [LABELS[number] for number in chance.integers(6, size=300)]
    answers = [truth if chance.random() < 0.6 else LABELS[chance.integers(5)] for truth in truths]
    ours = Confusion.of(truths, answers).metrics()
    assert ours["accuracy"] == pytest.approx(accuracy_score(truths, answers), abs=EXACT)
    mean = precision_recall_fscore_support(truths, answers, average="macro", zero_division=0.0)
    each = precision_recall_fscore_support(truths, answers, labels=LABELS, zero_division=0.0)
    for place, name in enumerate(("precision", "recall", "f1")):
        assert ours[name] == pytest.approx(mean[place], abs=EXACT)
        assert [ours[f"{name}/{label}"] for label in LABELS] == pytest.approx(list(each[place]), abs=EXACT)


def boxes(chance: np.random.Generator, count: int) -> list[Box]:
    places = chance.random((count, 4)) * (60, 40, 50, 30) + (0, 0, 5, 5)
    return [
        Box(label=NAMES[chance.integers(3)], x=x, y=y, width=width, height=height, score=round(chance.random(), 6))
        for x, y, width, height in places.tolist()
    ]


def near(chance: np.random.Generator, box: Box) -> Box:
    """The same object, found less or more well."""
    x, y, width, height = np.maximum(np.array([box.x, box.y, box.width, box.height]) + chance.normal(scale=3, size=4), 0.5).tolist()
    return box.model_copy(update={"x": x, "y": y, "width": width, "height": height, "score": round(chance.random(), 6)})


def test_overlap_of_boxes_and_of_regions(chance: np.random.Generator) -> None:
    one, other = boxes(chance, 20), boxes(chance, 20)
    theirs = masks.iou(*([[box.x, box.y, box.width, box.height] for box in these] for these in (one, other)), [0] * 20)
    assert np.allclose([[box_shape.iou(first, second) for second in other] for first in one], theirs, atol=EXACT)

    drawn = [Region(label="can", image=SIZE, points=tuple(map(tuple, (chance.random((6, 2)) * (120, 80)).tolist()))) for _ in range(12)]
    encoded = [masks.frPyObjects({"counts": column_runs(region_shape.mask_of(each), SIZE), "size": [80, 120]}, 80, 120) for each in drawn]
    assert [region_shape.mask_of(each).area for each in drawn] == list(masks.area(encoded))
    ours = [[region_shape.iou(first, second) for second in drawn] for first in drawn]
    assert np.allclose(ours, masks.iou(encoded, encoded, [0] * len(encoded)), atol=EXACT)


def test_average_precision(chance: np.random.Generator) -> None:
    truths = [boxes(chance, int(chance.integers(6))) for _ in range(40)]
    answers = [[near(chance, box) for box in image if chance.random() < 0.8] + boxes(chance, int(chance.integers(3))) for image in truths]
    ours = detection_metrics([Boxes(boxes=tuple(image)) for image in truths], [Boxes(boxes=tuple(image)) for image in answers])
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in range(1, 41)],
            "categories": [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)],
            "annotations": [{**each, "id": number, "iscrowd": 0} for number, each in enumerate(in_coco(truths), start=1)],
        }
        coco.createIndex()
        judged = COCOeval(coco, coco.loadRes(in_coco(answers)), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    assert (ours["map"], ours["map50"]) == pytest.approx(judged.stats[:2].tolist(), abs=EXACT)


def in_coco(images: list[list[Box]]) -> list[dict[str, object]]:
    return [
        {
            "image_id": number,
            "category_id": NAMES.index(box.label) + 1,
            "bbox": [box.x, box.y, box.width, box.height],
            "area": box.width * box.height,
            "score": box.score,
        }
        for number, image in enumerate(images, start=1)
        for box in image
    ]


def test_similarity_of_points(chance: np.random.Generator) -> None:
    """As COCO's of an object with one point, whose area is the image's."""
    places = chance.random((20, 4)) * 20 + 20
    coco = COCO()
    scale = float(np.sqrt(SIZE.width * SIZE.height))

    def points(columns: slice) -> list[dict[str, object]]:
        return [
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "keypoints": [*row[columns].tolist(), 2],
                "num_keypoints": 1,
                "area": scale**2,
                "bbox": [0, 0, SIZE.width, SIZE.height],
                "iscrowd": 0,
                "score": 1.0,
            }
            for number, row in enumerate(places, start=1)
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        coco.dataset = {
            "images": [{"id": number} for number in range(1, 21)],
            "categories": [{"id": 1, "name": "eye"}],
            "annotations": points(slice(0, 2)),
        }
        coco.createIndex()
        judged = COCOeval(coco, coco.loadRes(points(slice(2, 4))), "keypoints")
        judged.params.kpt_oks_sigmas = np.array([TOLERANCE / 2])
        judged.evaluate()
    for number, (x, y, u, v) in enumerate(places.tolist(), start=1):
        ours = similarity(Point(label="eye", x=x, y=y, scale=scale), Point(label="eye", x=u, y=v, scale=scale))
        assert ours == pytest.approx(float(judged.ious[number, 1][0, 0]), abs=EXACT)


def test_f1_of_spans(chance: np.random.Generator) -> None:
    def marked() -> Spans:
        starts = np.flatnonzero(chance.random(30) < 0.4) * 10
        return Spans(
            spans=tuple(Span(label=NAMES[chance.integers(3)], start=int(start), end=int(start) + int(chance.integers(1, 4))) for start in starts)
        )

    for _ in range(20):
        one, other = marked(), marked()
        theirs = Evaluator(
            *([[{"label": span.label, "start": span.start, "end": span.end} for span in these.spans]] for these in (one, other)), tags=list(NAMES)
        ).evaluate()
        assert SHAPES["Spans"].similarity(one, other) == pytest.approx(theirs["overall"]["strict"].f1, abs=EXACT)
