"""Known answers of gold items: people are measured only by what they could have said."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.stores import StoreConnection
from treadle.contracts.sync import GoldSource, Source, SyncSpec
from treadle.jobs._listing import find
from treadle.jobs._store import Store
from treadle.tasks import TASKS

SCHEMA = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"),))


def test_an_answer_that_nobody_could_give_makes_its_item_no_gold_item_and_is_told(tmp_path: Path) -> None:
    for folder, name, shade in (("raw", "1.png", 1), ("gold", "good.png", 2), ("gold", "bad.png", 3)):
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / folder / name).write_bytes(content.getvalue())
    boxes = {"good.png": {"x": 30, "y": 5, "width": 10, "height": 5}, "bad.png": {"x": 300, "y": 5, "width": 10, "height": 5}}
    lines = [{"uri": name, "label": {"shape": "Boxes", "boxes": [{"label": "can", **box}]}} for name, box in boxes.items()]
    (tmp_path / "data" / "gold" / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))

    connection = StoreConnection(claims=str(tmp_path))
    spec = SyncSpec(
        labels=SCHEMA,
        sources=(Source(name="new", uri="pvc://data/raw/"),),
        destination="pvc://data/sets/",
        store=connection,
        gold=GoldSource(uri="pvc://data/gold/", percent=50),
    )
    found = find(Store(connection), spec, TASKS[SCHEMA.task])
    assert {item.key: item.gold is not None for item in found.items} == {"pvc://data/raw/1.png": False, "pvc://data/gold/good.png": True}
    (bad,) = found.unreadable
    assert (bad.uri, bad.why) == ("pvc://data/gold/bad.png", 'its known answer: a box of "can" lies outside of the image')
