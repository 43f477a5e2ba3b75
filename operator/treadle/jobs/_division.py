"""Which split each item is in: the one that it was in before; of what is new, a stable hash decides.

Percentages and groups may be edited, and objects renamed, while a champion is measured on `test`: what it was trained with must not come there. So
whatever a version holds under this key, with this content or in this group keeps its split. The latest version tells: by its items, and by what it
remembers of items that only earlier ones hold. A group is never divided: where a new grouping joins what was in several splits, all of it goes to
the one that has seen most.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from treadle.api.reasons import Reason
from treadle.contracts.dataset import EARLIER, DatasetItem, EarlierSplit, Manifest, Split, Splits
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store
from treadle.jobs._versions import items_of, lines_of
from treadle.statistics.splits import split_of

MOST_SEEN: Sequence[Split] = ("train", "validation", "test")
"""Splits by how much a model knows of them: it learns from the first, is chosen by the second, and is measured on the third."""

log = logging.getLogger(__name__)


class Division:
    """Which split a group is in; an item without a group is its own, under its key. Names are held as digests, since there are very many."""

    def __init__(self, splits: Splits, items: Iterable[DatasetItem] = (), earlier: Iterable[EarlierSplit] = ()) -> None:
        self._splits = splits
        self._known: dict[bytes, Split] = {}
        for each in earlier:
            self._note(bytes.fromhex(each.name), each.split)
        self.note(items)

    def note(self, items: Iterable[DatasetItem]) -> None:
        """This is where the items are."""
        for item in items:
            for name in _names(item):
                self._note(name, item.split)

    def join(self, name: str, group: str) -> None:
        """An item that is in this group now: what is known of its key, or of its content, holds for the whole group."""
        if (split := self._known.get(_digest(name))) is not None:
            self._note(_digest(group), split)

    def split(self, group: str) -> Split:
        """Where it was, or where it goes."""
        seed, train, validation = self._splits.seed, self._splits.train, self._splits.validation
        return self._known.get(_digest(group)) or cast("Split", split_of(group, seed=seed, train=train, validation=validation))

    def beyond(self, items: Iterable[DatasetItem]) -> Iterator[EarlierSplit]:
        """What is known apart from these items, by digest."""
        told = {name for item in items for name in _names(item)}
        return (EarlierSplit(name=name.hex(), split=self._known[name]) for name in sorted(self._known.keys() - told))

    def _note(self, name: bytes, split: Split) -> None:
        self._known[name] = min(split, self._known.get(name, split), key=MOST_SEEN.index)


def division_of(store: Store, destination: str, splits: Splits, versions: Mapping[int, Manifest]) -> Division:
    """What is known from the latest version; from the one before it, where that was damaged.

    Raises:
        JobFailure: the store does not answer.
    """
    for number in sorted(versions, reverse=True):
        manifest = versions[number]
        items = (DatasetItem.model_validate_json(line) for line in items_of(store, destination, manifest))
        try:
            return Division(splits, items, _earlier(store, destination, manifest))
        except (JobFailure, ValidationError) as failure:
            if isinstance(failure, JobFailure) and failure.reason is not Reason.ContentChanged:
                raise
            log.warning("the splits of version %s are not known: %s", number, failure)
    return Division(splits)


def _earlier(store: Store, destination: str, manifest: Manifest) -> Iterator[EarlierSplit]:
    for file in manifest.files:
        if file.path == EARLIER:
            yield from (EarlierSplit.model_validate_json(line) for line in lines_of(store, destination, manifest, file.path, file.sha256))


def _names(item: DatasetItem) -> set[bytes]:
    return {_digest(name) for name in (item.key, item.sha256, item.group) if name}


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]
