"""Labels that come with the items of a source, in any format that is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from treadle.contracts.labels import LabelSchema
from treadle.contracts.sync import Item, Source, SourceLabels
from treadle.jobs._coco import coco_labels
from treadle.jobs._fitting import fitting
from treadle.jobs._known import Opinion, Unreadable, opinion_of, opinions
from treadle.jobs._label_folders import image_folder, voc, yolo
from treadle.jobs._manifests import Row, rows
from treadle.jobs._store import Store
from treadle.tasks import Invalid, Task

SHAPES = {"Coco": ("Boxes", "Regions"), "Yolo": ("Boxes",), "Voc": ("Boxes",), "ImageFolder": ("Class",)}
"""Which labels a format holds, where it does not hold all."""


def source_labels(
    store: Store, source: Source, labels: SourceLabels, task: Task, schema: LabelSchema, items: Sequence[Item] = ()
) -> tuple[Sequence[Opinion], Sequence[Unreadable]]:
    """Who says what of which item, and what is no label of this project.

    Args:
        store: where they are.
        source: that they come with.
        labels: their place and format.
        task: of the project.
        schema: of the project.
        items: of all sources; formats without names of their own need them.

    Raises:
        JobFailure: there is no such file, or the store does not answer.
    """
    possible = SHAPES.get(labels.format, (task.shape,))
    if task.shape not in possible:
        return (), [Unreadable(labels.uri, f"{labels.format} holds {' and '.join(possible)}, {task.type} has {task.shape}")]
    said, bad = _read(store, source, labels, task, schema, items)
    of_key = {item.key: item for item in items}
    fit, strange = _divided(_checked(each, of_key.get(each.key), task, schema) for each in said)
    return fit, [*bad, *strange]


def _read(
    store: Store, source: Source, labels: SourceLabels, task: Task, schema: LabelSchema, items: Sequence[Item]
) -> tuple[Sequence[Opinion], Sequence[Unreadable]]:
    match labels.format:
        case "Jsonl":
            return opinions(store, labels.uri, task, schema)
        case "Csv":
            return _divided(_csv(store, labels.uri, task, schema))
        case "Coco":
            sizes = {item.key: item.image for item in items if item.image is not None}
            found, bad = coco_labels(store.read(labels.uri), labels.uri, source.uri, "Boxes" if task.shape == "Boxes" else "Regions", schema, sizes)
            return [Opinion(key, label) for key, label in found.items()], bad
        case "Yolo":
            return _divided(yolo(store, source, labels.uri, items, schema))
        case "Voc":
            return _divided(voc(store, source, labels.uri, items, schema))
        case "ImageFolder":
            return _divided(image_folder(source, labels.uri, items, schema))
        case _:
            assert_never(labels.format)


def _checked(said: Opinion, item: Item | None, task: Task, schema: LabelSchema) -> Opinion | Unreadable:
    """What is said of an item, unless nobody could say it on the labelling screen. What is said of no item is heard by nobody."""
    if item is None:
        return said
    label = fitting(said.label, item.image, task, schema)
    return Unreadable(said.key, label.message) if isinstance(label, Invalid) else replace(said, label=label)


def _csv(store: Store, uri: str, task: Task, schema: LabelSchema) -> Iterator[Opinion | Unreadable]:
    """Rows with the columns `uri`, `label` and, where several people answered, `annotator`."""
    folder = uri.rpartition("/")[0]
    for row in rows(store, uri):
        if isinstance(row, Row):
            said = opinion_of({name: row.get(name) for name in ("uri", "label", "annotator")}, folder, task, schema)
            yield Unreadable(row.where, said) if isinstance(said, str) else said
        else:
            yield row


def _divided(found: Iterable[Opinion | Unreadable]) -> tuple[Sequence[Opinion], Sequence[Unreadable]]:
    all_of_it = list(found)
    return [each for each in all_of_it if isinstance(each, Opinion)], [each for each in all_of_it if isinstance(each, Unreadable)]
