"""What a program of the user's made of a draft, checked line by line: items of the draft, in their splits, with labels that the schema allows.

A program is no person: what it writes is taken whole or not at all.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.api.reasons import Reason
from treadle.contracts.dataset import ITEMS, DatasetItem
from treadle.contracts.labels import ImageSize
from treadle.contracts.prepare import OUTPUT_VARIABLE, PreparedItem
from treadle.contracts.release import ReleaseSpec
from treadle.jobs._contents import place_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import WrongContent, own_content
from treadle.jobs._media import NotShowable, look
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import Store
from treadle.jobs._written import Miswritten, NotWritten, written
from treadle.tasks import Invalid, Task

LEFT_OUT = "Prepared"
"""Under this name items are counted that the program left out."""


@dataclass(frozen=True)
class _Line:
    """One line of the program's, its number, the item that it speaks of, and the key that it has in the version: the item's, or one after it."""

    number: int
    said: PreparedItem
    item: DatasetItem
    key: str


def prepared(store: Store, spec: ReleaseSpec, items: Sequence[DatasetItem], task: Task) -> tuple[Sequence[DatasetItem], int]:
    """The items of the version by key, and how many of the draft are not among them.

    Raises:
        JobFailure: the program wrote something that is no version, or the store does not answer.
    """
    assert spec.preparation is not None
    output = Path(spec.preparation.output)
    lines = list(_lines(output, items))
    paths = _paths(Path(spec.preparation.dataset))
    found = side_by_side(lambda line: _made(store, spec, task, output, paths, line), lines)
    if not found:
        raise JobFailure(Reason.PreparationInvalid, f"{ITEMS} in {OUTPUT_VARIABLE} has no line: nothing is left of {len(items)} items")
    return sorted(found, key=lambda item: item.key), len(items) - len({line.item.key for line in lines})


def _lines(output: Path, items: Sequence[DatasetItem]) -> Iterator[_Line]:
    known = {item.key: item for item in items}
    taken: set[str] = set()
    try:
        for number, said in written(output, ITEMS, PreparedItem):
            if said.key not in known:
                raise Miswritten(number, "its key is that of no item of the draft")
            key, turn = said.key, 1
            while key in taken or (turn > 1 and key in known):
                turn += 1
                key = f"{said.key}#{turn}"
            taken.add(key)
            yield _Line(number, said, known[said.key], key)
    except NotWritten as error:
        raise JobFailure(Reason.PreparationInvalid, f"there is no {ITEMS} in {OUTPUT_VARIABLE}") from error
    except Miswritten as error:
        raise _wrong(error.number, error.why) from error


def _paths(dataset: Path) -> Mapping[str, str]:
    """Where each item of the draft lies, by its key."""
    drafted = (json.loads(line) for line in (dataset / ITEMS).read_bytes().splitlines())
    return {line["key"]: line["path"] for line in drafted}


def _made(store: Store, spec: ReleaseSpec, task: Task, output: Path, paths: Mapping[str, str], line: _Line) -> DatasetItem:
    item, said = line.item, line.said
    content = _content(output, paths, line)
    changed: dict[str, object] = {"label": said.label}
    image = item.image
    if content is not None and (sha256 := hashlib.sha256(content).hexdigest()) != item.sha256:
        image = _look(task, content, line.number)
        copy = place_of(spec.destination, hashlib.md5(content, usedforsecurity=False).hexdigest())
        store.create(copy, content)
        changed |= {"uri": copy, "held": copy, "sha256": sha256, "image": image, "made_of": item.key}
    if line.key != item.key:
        changed |= {"key": line.key, "made_of": item.key, "group": item.group or item.key}
    _check(spec, task, said, image, line.number)
    return item.model_copy(update=changed)


def _content(output: Path, paths: Mapping[str, str], line: _Line) -> bytes | None:
    """What the program wrote for the item; None where it is to stay as it was."""
    path = line.said.path
    if not path:
        return None
    try:
        return own_content(output, path)
    except WrongContent as error:
        raise _wrong(line.number, str(error)) from error
    except OSError as error:
        if path == paths.get(line.item.key):
            return None
        raise _wrong(line.number, f"{path} is no file in {OUTPUT_VARIABLE}, and not the item's own path") from error


def _look(task: Task, content: bytes, number: int) -> ImageSize | None:
    try:
        return look(task.media, content)
    except NotShowable as error:
        raise _wrong(number, f"its file: {error}") from error


def _check(spec: ReleaseSpec, task: Task, said: PreparedItem, image: ImageSize | None, number: int) -> None:
    if said.label.shape != task.shape:
        raise _wrong(number, f"its label is of the shape {said.label.shape}, {task.type} has {task.shape}")
    if strange := set(said.label.names) - set(spec.labels.all_names) if spec.labels.names else set():
        raise _wrong(number, f"{sorted(strange)[0]} is no label of the project")
    if image is None and task.media == "Image":
        return
    if isinstance(answer := task.parse(task.show(said.label, image), spec.labels), Invalid):
        raise _wrong(number, f"its label: {answer.message}")


def _wrong(number: int, why: str) -> JobFailure:
    return JobFailure(Reason.PreparationInvalid, f"line {number} of {ITEMS} in {OUTPUT_VARIABLE}: {why}")
