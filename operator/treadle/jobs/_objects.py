"""Objects of a store as items: which ones a source means, to which group each belongs, and whether people can be shown them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from treadle.contracts.sync import Item, Source
from treadle.jobs._known import Unreadable, Withheld
from treadle.jobs._media import NotShowable, look
from treadle.jobs._store import Entry, NotThere, Refused, Store
from treadle.tasks import Task

LARGEST = 50 * 1024 * 1024
"""Bytes of one item: a Job holds as many as it reads side by side, each twice, and a browser shows no larger ones."""

Known = Mapping[tuple[str, str, int], Item]
"""Items of the last listing, by URI, mark and size: while these stay, the content need not be read again."""


@dataclass(frozen=True)
class Place:
    """An object that a source means."""

    source: str
    entry: Entry
    group: str = ""
    time: str = ""


def places(store: Store, source: Source, own: str) -> Iterator[Place]:
    """The objects below a source that a pattern includes and none excludes; nothing that Treadle itself wrote."""
    prefix = source.uri.rstrip("/") + "/"
    for entry in store.list(source.uri):
        path = entry.uri.removeprefix(prefix)
        included = not source.include or any(fnmatchcase(path, pattern) for pattern in source.include)
        excluded = any(fnmatchcase(path, pattern) for pattern in source.exclude)
        if included and not excluded and not entry.uri.startswith(own):
            yield Place(source.name, entry, group_of(path, source.group_by))


def group_of(path: str, pattern: str) -> str:
    """The group of an item, from its path below the source; empty without a pattern: each item is its own.

    >>> group_of("ward-3/anna/1.png", "{top}/{parent}")
    'ward-3/anna'
    """
    if not pattern:
        return ""
    parts = PurePosixPath(path)
    top = parts.parts[0] if len(parts.parts) > 1 else ""
    words = {"{parent}": parts.parent.name, "{top}": top, "{name}": parts.name, "{stem}": parts.stem}
    for word, text in words.items():
        pattern = pattern.replace(word, text)
    return pattern


def read_item(store: Store, task: Task, place: Place, known: Known) -> Item | Unreadable:
    """Look at an object, unless it is the same as when it was last looked at."""
    entry = place.entry
    same = known.get((entry.uri, entry.etag, entry.size))
    if same and (same.image or task.media != "Image"):
        return same.model_copy(update={"source": place.source, "group": place.group, "time": place.time})
    if entry.size > LARGEST:
        return Unreadable(entry.uri, f"it has {entry.size} bytes, more than {LARGEST} are not read")
    try:
        content = store.read(entry.uri)
    except NotThere:
        return Unreadable(entry.uri, "it vanished while it was listed")
    except Refused as refusal:
        return Withheld(entry.uri, refusal.why, place.source, refusal=refusal)
    try:
        image = look(task.media, content)
    except NotShowable as error:
        return Unreadable(entry.uri, str(error), place.source)
    return Item(
        key=entry.uri,
        source=place.source,
        uri=entry.uri,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        etag=entry.etag,
        image=image,
        group=place.group,
        time=place.time,
    )
