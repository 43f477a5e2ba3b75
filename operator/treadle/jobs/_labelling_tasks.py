"""Labelling tasks for items: what people see, how the task is found again, and what was said about the item before."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from treadle.contracts.feedback import FeedbackNote
from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.sync import KEY_FIELD, MARK_FIELD, WHY_FIELD, Item, TaskMark
from treadle.jobs._media import words
from treadle.jobs._notes import proposal, why
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import NotThere, Refused, Store
from treadle.tasks import Task

PROPOSER = "sources"
"""In whose name proposals of all sources stand: the backend puts before people those of one name only."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """A label that came with an item: somebody's word, or a proposal."""

    label: Label
    kind: Literal["Annotation", "Prediction"]
    source: str
    annotator: str = ""


@dataclass(frozen=True)
class Before:
    """What was said of items before they are imported.

    Attributes:
        labels: that came with them, by their keys.
        answers: of people, by the keys of their tasks.
        notes: of deployments, by the digests of the items' contents; None where no source is of that kind.
        schema: what a deployment's answer may be.
    """

    labels: Mapping[str, Sequence[Said]]
    answers: Mapping[str, Sequence[Mapping[str, Any]]]
    notes: Mapping[str, FeedbackNote] | None
    schema: LabelSchema


def mark_of(item: Item) -> TaskMark:
    """What a labelling task shows."""
    return TaskMark(key=item.key, uri=item.uri, sha256=item.sha256)


def labelling_tasks(
    store: Store, task: Task, items: Sequence[Item], before: Before, upload: Callable[[str, bytes], str] | None = None
) -> list[Mapping[str, object]]:
    """Tasks to import: items by their URIs or, with `upload`, by where their copies are; but what is written as it is. A text or copy that is gone,
    refused or has changed since it was listed gets none.

    Where people answered an item before, their answers are there again, instead of what came with it. Of several labels that came with an item the
    last that somebody gave is shown: the backend knows none of these people, and would take them for one. What a deployment's model answered is
    proposed where nobody said anything else.
    """
    shown: Iterable[Mapping[str, str] | None]
    if task.is_written:
        shown = side_by_side(lambda item: _words(store, task, item), items)
    else:
        (field,) = task.fields
        places = (item.uri if upload is None else _copy(store, item, upload) for item in items)
        shown = (None if place is None else {field: place} for place in places)
    there = zip(items, shown, strict=True)
    return [_task(task, item, content, before) for item, content in there if content is not None]


def _task(task: Task, item: Item, content: Mapping[str, str], before: Before) -> Mapping[str, object]:
    mark = mark_of(item)
    note = (before.notes or {}).get(item.sha256) if item.gold is None else None
    data = {**content, KEY_FIELD: mark.task_key}
    if before.notes is not None:
        data[WHY_FIELD] = why(note) if note is not None else ""
    return {"data": data, "meta": {MARK_FIELD: mark.model_dump(mode="json")}, **_known(task, item, note, before)}


def _known(task: Task, item: Item, note: FeedbackNote | None, before: Before) -> Mapping[str, object]:
    """What people find in the task when they open it: answers, or what is proposed. Nothing gives a gold item away."""
    if answers := before.answers.get(mark_of(item).task_key):
        return {"annotations": list(answers)}
    if item.gold is not None:
        return {}
    if labels := before.labels.get(item.key):
        said = next((each for each in reversed(labels) if each.kind == "Annotation"), labels[-1])
        result = task.show(said.label, item.image)
        return {"annotations": [{"result": result}]} if said.kind == "Annotation" else _proposed(1.0, result)
    if note is None or (proposed := proposal(note, item, task, before.schema)) is None:
        return {}
    return _proposed(proposed.confidence, task.show(proposed.label, item.image))


def _proposed(score: float, result: Sequence[Mapping[str, Any]]) -> Mapping[str, object]:
    return {"predictions": [{"model_version": PROPOSER, "score": score, "result": result}]}


def _words(store: Store, task: Task, item: Item) -> Mapping[str, str] | None:
    content = _content(store, item)
    return None if content is None else words(task.media, content)


def _copy(store: Store, item: Item, upload: Callable[[str, bytes], str]) -> str | None:
    content = _content(store, item)
    return None if content is None else upload(item.uri.rpartition("/")[2], content)


def _content(store: Store, item: Item) -> bytes | None:
    """What was listed; None where it is gone, refused or has changed."""
    try:
        content = store.read(item.uri)
    except (NotThere, Refused) as failure:
        log.warning("%s gets no task: %s", item.uri, failure.message)
        return None
    return content if hashlib.sha256(content).hexdigest() == item.sha256 else None
