"""Items' own contents, where a version is made of them: copies at the destination, and texts.

Copies are kept once per content, for all versions together. They lie as a remote of DVC does: by their MD5.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from treadle.api.reasons import Reason
from treadle.contracts.dataset import DatasetItem
from treadle.jobs._failure import JobFailure
from treadle.jobs._media import words
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import Store, below
from treadle.jobs.exports import TextItem
from treadle.tasks import Task


def embedded(store: Store, destination: str, items: Iterable[DatasetItem], earlier: Iterable[DatasetItem]) -> list[DatasetItem]:
    """The items, each with its copy; made unless an earlier version holds the same content.

    Raises:
        JobFailure: an item is gone or has other content than people saw, or the store does not answer.
    """
    copies = {item.sha256: item.held for item in earlier if item.held}

    def copied(item: DatasetItem) -> DatasetItem:
        if item.held:
            return item
        if (copy := copies.get(item.sha256)) is not None:
            return item.model_copy(update={"held": copy})
        content = _content(store, item)
        held = place_of(destination, hashlib.md5(content, usedforsecurity=False).hexdigest())
        store.create(held, content)
        return item.model_copy(update={"held": held})

    return side_by_side(copied, items)


def texts(store: Store, task: Task, items: Sequence[DatasetItem]) -> list[TextItem]:
    """The items with their words; as the labelling screen shows them, so that places in them are the same.

    Raises:
        JobFailure: an item is gone or has other content than people saw, or the store does not answer.
    """

    def read(item: DatasetItem) -> TextItem:
        return TextItem(**dict(item), words=words(task.media, _content(store, item)))

    return side_by_side(read, items)


def put_objects(store: Store, destination: str, objects: Mapping[str, bytes]) -> None:
    """Keep further contents among the copies."""
    for md5, content in objects.items():
        store.create(place_of(destination, md5), content)


def place_of(destination: str, md5: str) -> str:
    """Where the content with this MD5 is.

    >>> place_of("s3://sets/shelf/", "d41d8cd98f00b204e9800998ecf8427e")
    's3://sets/shelf/files/md5/d4/1d8cd98f00b204e9800998ecf8427e'
    """
    return below(destination, "files", "md5", md5[:2], md5[2:])


def _content(store: Store, item: DatasetItem) -> bytes:
    content = store.read(item.held or item.uri)
    if hashlib.sha256(content).hexdigest() != item.sha256:
        raise JobFailure(Reason.ContentChanged, f"{item.uri} has other content than people saw; the next sync takes it in")
    return content
