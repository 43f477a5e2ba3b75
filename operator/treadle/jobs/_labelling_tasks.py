"""Labelling tasks for items: what people see, how the task is found again, and what was said about the item before."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from treadle.contracts.labels import Label
from treadle.contracts.sync import KEY_FIELD, MARK_FIELD, Item, TaskMark
from treadle.jobs._media import text
from treadle.jobs._store import NotThere, Store
from treadle.tasks import Task

SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Said:
    """A label that came with an item: somebody's word, or a proposal."""

    label: Label
    kind: Literal["Annotation", "Prediction"]
    source: str
    annotator: str = ""


def mark_of(item: Item) -> TaskMark:
    """What a labelling task shows."""
    return TaskMark(key=item.key, uri=item.uri, sha256=item.sha256)


def labelling_tasks(
    store: Store,
    task: Task,
    items: Sequence[Item],
    said: Mapping[str, Sequence[Said]],
    answers: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    upload: Callable[[str, bytes], str] | None = None,
) -> list[Mapping[str, object]]:
    """Tasks to import: items by their URIs or, with `upload`, by where their copies are; but texts as they are. A text or copy that is gone or has
    changed since it was listed gets none.

    Where people answered an item before, their `answers` (by the keys of tasks) are there again, instead of what came with it. Of several labels that
    came with an item the last is shown: the backend knows none of the people who gave them.
    """
    shown: Iterable[str | None] = (item.uri for item in items)
    if task.media == "Text":
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            shown = list(pool.map(lambda item: _text(store, item), items))
    elif upload is not None:
        shown = [_copy(store, item, upload) for item in items]
    last = {key: each[-1] for key, each in said.items()}
    there = zip(items, shown, strict=True)
    return [_task(task, item, content, last.get(item.key), answers or {}) for item, content in there if content is not None]


def _task(task: Task, item: Item, content: str, said: Said | None, answers: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, object]:
    mark = mark_of(item)
    known = _known(task, item, said) if said is not None and item.gold is None else {}
    if before := answers.get(mark.task_key):
        known = {"annotations": list(before)}
    return {"data": {task.field: content, KEY_FIELD: mark.task_key}, "meta": {MARK_FIELD: mark.model_dump(mode="json")}, **known}


def _known(task: Task, item: Item, said: Said) -> Mapping[str, object]:
    result = task.show(said.label, item.image)
    if said.kind == "Annotation":
        return {"annotations": [{"result": result}]}
    return {"predictions": [{"model_version": f"source:{said.source}", "score": 1.0, "result": result}]}


def _text(store: Store, item: Item) -> str | None:
    content = _content(store, item)
    return None if content is None else text(content)


def _copy(store: Store, item: Item, upload: Callable[[str, bytes], str]) -> str | None:
    content = _content(store, item)
    return None if content is None else upload(item.uri.rpartition("/")[2], content)


def _content(store: Store, item: Item) -> bytes | None:
    """What was listed; None where it is gone or has changed."""
    try:
        content = store.read(item.uri)
    except NotThere:
        return None
    return content if hashlib.sha256(content).hexdigest() == item.sha256 else None
