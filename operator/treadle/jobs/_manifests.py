"""Manifests: a source that is one file with a row for each item, as JSON lines or as CSV with a header.

A text, or a pair of them, stands in its row. It is kept as an object of its own under its digest, so that versions, pods and people read it like any
other item. Images, recordings and series stand elsewhere; their rows say where.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.contracts.sync import Item, Source, SourceFields
from treadle.jobs._known import Unreadable, Withheld
from treadle.jobs._lines import streamed
from treadle.jobs._media import NotShowable, json_object, pair_of, text
from treadle.jobs._objects import Place
from treadle.jobs._store import NotThere, Refused, Store, below
from treadle.tasks import Task

TEXTS = "texts"
"""Folder of the destination in which texts and pairs of manifests are kept."""
SUFFIXES = (".jsonl", ".csv")
LONGEST_ID = 200  # characters


@dataclass(frozen=True)
class Row:
    """One row: where it stands, for people, and what it says."""

    where: str
    values: Mapping[str, Any]

    def get(self, field: str) -> str:
        """What a field says, as text; empty when it says nothing."""
        value = self.values.get(field)
        return "" if value is None or not field else str(value)


def is_manifest(source: Source) -> bool:
    """Whether the source is one file with a row for each item."""
    return source.uri.endswith(SUFFIXES)


def rows(store: Store, uri: str) -> Iterator[Row | Unreadable]:
    """The rows of a manifest, one after the other. A row that cannot be read is told; what follows one that breaks the whole file is not read.

    Raises:
        JobFailure: there is no such file, or the store does not answer.
    """
    lines = streamed(store, uri)
    yield from _csv_rows(lines, uri) if uri.endswith(".csv") else _json_rows(lines, uri)


def place_of(store: Store, source: Source, row: Row) -> Place | Unreadable:
    """The object that a row names, relative to the folder of the manifest or as a whole URI."""
    fields = source.fields or SourceFields()
    named = row.get(fields.uri)
    if not named:
        return Unreadable(row.where, f"the field {fields.uri} says no URI")
    uri = named if "://" in named else below(source.uri.rpartition("/")[0], named)
    try:
        return Place(source.name, store.look(uri), row.get(fields.group), row.get(fields.time))
    except NotThere:
        return Unreadable(row.where, f"{uri} does not exist")
    except Refused as refusal:
        return Withheld(row.where, f"{uri}: {refusal.why}", source.name, refusal=refusal)


def written_in(store: Store, task: Task, source: Source, row: Row, destination: str, before: Mapping[str, Item]) -> Item | Unreadable:
    """What a row says as an item, kept as an object; one that was there at the last listing is kept already."""
    fields = source.fields or SourceFields()
    try:
        content, suffix = _content(task, fields, row)
    except NotShowable as error:
        return Unreadable(row.where, str(error))
    sha256 = hashlib.sha256(content).hexdigest()
    name = row.get(fields.id) or sha256
    if len(name) > LONGEST_ID:
        return Unreadable(row.where, f"the field {fields.id} has {len(name)} characters, more than {LONGEST_ID}")
    key, uri = f"{source.uri}#{name}", below(destination, TEXTS, f"{sha256}{suffix}")
    known = before.get(key)
    if known is None or (known.sha256, known.uri) != (sha256, uri):
        store.create(uri, content)
    group, time = row.get(fields.group), row.get(fields.time)
    return Item(key=key, source=source.name, uri=uri, sha256=sha256, size=len(content), group=group, time=time)


def _content(task: Task, fields: SourceFields, row: Row) -> tuple[bytes, str]:
    """What the object of a row holds, and how its name ends. The same words are the same object, in whichever order the row says them."""
    if task.media == "Pair":
        return pair_of(row.values, fields).to_json().encode(), ".json"
    content = row.get(fields.text).encode()
    try:
        text(content)
    except NotShowable as error:
        raise NotShowable(f"the field {fields.text}: {error}") from error
    return content, ".txt"


def _json_rows(lines: Iterator[bytes], uri: str) -> Iterator[Row | Unreadable]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{uri} line {number}"
        try:
            yield Row(where, json_object(line))
        except NotShowable as error:
            yield Unreadable(where, str(error))


def _csv_rows(lines: Iterator[bytes], uri: str) -> Iterator[Row | Unreadable]:
    reader = csv.DictReader((line.decode("utf-8-sig" if first else "utf-8") + "\n" for first, line in _with_first(lines)), strict=True)
    try:
        for values in reader:
            yield Row(f"{uri} line {reader.line_num}", {name: value for name, value in values.items() if name is not None})
    except (csv.Error, UnicodeDecodeError) as error:
        yield Unreadable(f"{uri} line {reader.line_num + 1}", f"not CSV, and nothing after it is read: {error}")


def _with_first(lines: Iterator[bytes]) -> Iterator[tuple[bool, bytes]]:
    return ((number == 0, line) for number, line in enumerate(lines))
