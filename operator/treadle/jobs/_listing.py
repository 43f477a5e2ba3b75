"""What is at the sources: distinct readable items, and what is left out and why."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from pydantic import ValidationError

from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.sync import GoldSource, Item, Source, SyncSpec
from treadle.jobs._fitting import fitting
from treadle.jobs._known import Unreadable, Withheld, known_labels, label_file
from treadle.jobs._label_folders import is_label_file
from treadle.jobs._labelling_tasks import Said
from treadle.jobs._lines import from_lines
from treadle.jobs._manifests import Row, is_manifest, place_of, rows, written_in
from treadle.jobs._objects import Place, places, read_item
from treadle.jobs._side_by_side import in_turn
from treadle.jobs._source_labels import source_labels
from treadle.jobs._store import Entry, NotThere, Store, below
from treadle.statistics.splits import bucket
from treadle.tasks import Invalid, Task

LISTINGS = "items"
SIDE_BY_SIDE = 8
BATCH = 500  # rows of a manifest that are held at a time
GOLD = "gold"
"""What the items of the gold folder have as their source."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What is there.

    Attributes:
        items: distinct readable ones by key, gold items among them.
        duplicates: how many objects repeat one of them.
        unreadable: what cannot be read, and why.
        said: labels that came with items, by the items' keys, in the order in which they came.
    """

    items: Sequence[Item]
    duplicates: int
    unreadable: Sequence[Unreadable]
    said: Mapping[str, Sequence[Said]] = field(default_factory=dict)


def find(store: Store, spec: SyncSpec, task: Task) -> Found:
    """Look at every source and at the gold items. What has not changed since the last listing is not read again.

    Raises:
        JobFailure: a store does not answer, or gives nothing at all of a source.
    """
    earlier = _earlier(store, spec)
    answers, bad = known_labels(store, spec.gold.uri, task, spec.labels) if spec.gold else ({}, [])
    looked = [*_objects(store, spec, task, answers, earlier), *_texts(store, spec, task, earlier)]
    _insist(looked)
    looked = [_with_answer(each, answers, task, spec.labels) if isinstance(each, Item) else each for each in looked]
    readable = [each for each in looked if isinstance(each, Item)]
    before = {item.key for item in earlier}
    first: dict[str, Item] = {}
    # a copy takes the place neither of a gold item nor of what people have answered
    for item in sorted(readable, key=lambda item: (item.gold is None, item.key not in before)):
        first.setdefault(item.sha256, item)
    items = _enough_gold(sorted(first.values(), key=lambda item: item.key), spec.gold)
    said, strange = _said(store, spec, task, items)
    return Found(items, len(readable) - len(first), [*bad, *strange, *(each for each in looked if isinstance(each, Unreadable))], said)


def _insist(looked: Sequence[Item | Unreadable]) -> None:
    """One object that the store does not give (archived, or of somebody else) stops nothing. Where the keys are refused for all of a source, nothing
    may be concluded from that: least of all that its items are gone.
    """
    given = {each.source for each in looked if not isinstance(each, Withheld)}
    for each in looked:
        if isinstance(each, Withheld) and each.refusal.of_keys and each.source not in given:
            raise each.refusal


def _objects(store: Store, spec: SyncSpec, task: Task, answers: Mapping[str, Label], earlier: Sequence[Item]) -> Iterator[Item | Unreadable]:
    """Objects that sources list, that manifests name, and that are gold, by their URIs."""
    known = {(item.uri, item.etag, item.size): item for item in earlier if item.etag}
    own = spec.destination.rstrip("/") + "/"
    no_items = {label_file(spec.gold.uri)} if spec.gold else set()
    no_items |= {source.labels.uri for source in spec.sources if source.labels}
    found = {entry.uri: Place(GOLD, entry) for entry in _gold_entries(store, spec.gold, answers)} if spec.gold else {}
    for source in spec.sources:
        if not is_manifest(source):
            found |= {place.entry.uri: place for place in places(store, source, own)}
        elif not task.is_written:
            for place in in_turn(partial(_placed, store, source), rows(store, source.uri), at_once=SIDE_BY_SIDE, ahead=BATCH):
                if isinstance(place, Unreadable):
                    yield place
                else:
                    found[place.entry.uri] = place
    items = sorted(uri for uri in found.keys() - no_items if not any(is_label_file(uri, source) for source in spec.sources))
    yield from in_turn(lambda uri: read_item(store, task, found[uri], known), items, at_once=SIDE_BY_SIDE, ahead=BATCH)


def _placed(store: Store, source: Source, row: Row | Unreadable) -> Place | Unreadable:
    return row if isinstance(row, Unreadable) else place_of(store, source, row)


def _texts(store: Store, spec: SyncSpec, task: Task, earlier: Sequence[Item]) -> Iterator[Item | Unreadable]:
    """Texts, or pairs of them, that stand in manifests. An id that comes twice is told: nobody could say which of the two is meant."""
    before = {item.key: item for item in earlier}
    seen: set[str] = set()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for source in spec.sources if task.is_written else ():
            if not is_manifest(source):
                continue
            lines = rows(store, source.uri)
            while batch := list(islice(lines, BATCH)):
                for row, item in zip(batch, pool.map(partial(_written, store, spec, task, source, before), batch), strict=True):
                    if isinstance(item, Item) and isinstance(row, Row) and item.key in seen:
                        yield Unreadable(row.where, "its id was in a row before")
                        continue
                    seen |= {item.key} if isinstance(item, Item) else set()
                    yield item


def _written(store: Store, spec: SyncSpec, task: Task, source: Source, before: Mapping[str, Item], row: Row | Unreadable) -> Item | Unreadable:
    return row if isinstance(row, Unreadable) else written_in(store, task, source, row, spec.destination, before)


def _said(store: Store, spec: SyncSpec, task: Task, items: Sequence[Item]) -> tuple[Mapping[str, Sequence[Said]], Sequence[Unreadable]]:
    """Labels that come with the sources, by the keys of their items."""
    found: defaultdict[str, list[Said]] = defaultdict(list)
    bad: list[Unreadable] = []
    for source in spec.sources:
        if source.labels is not None:
            labels, strange = source_labels(store, source, source.labels, task, spec.labels, items)
            for each in labels:
                found[each.key].append(Said(each.label, source.labels.kind, source.name, each.annotator))
            bad += strange
    return found, bad


def _gold_entries(store: Store, gold: GoldSource, answers: Mapping[str, Label]) -> list[Entry]:
    return [entry for entry in store.list(label_file(gold.uri).rpartition("/")[0]) if entry.uri in answers]


def _with_answer(item: Item, answers: Mapping[str, Label], task: Task, schema: LabelSchema) -> Item | Unreadable:
    """The item with its known answer, if there is one. People cannot be measured by what the labelling screen does not let them say."""
    if (known := answers.get(item.uri)) is None:
        return item.model_copy(update={"gold": None})
    answer = fitting(known, item.image, task, schema)
    if isinstance(answer, Invalid):
        return Unreadable(item.uri, f"its known answer: {answer.message}", item.source)
    return item.model_copy(update={"gold": answer})


def _enough_gold(items: Sequence[Item], gold: GoldSource | None) -> Sequence[Item]:
    """All items but so many gold ones as are wanted; those that stay are always the same ones, and more only when there are more items."""
    if gold is None:
        return items
    others = sum(item.gold is None for item in items)
    wanted = -(-others * gold.percent // (100 - gold.percent))
    in_order = sorted((item.key for item in items if item.gold is not None), key=lambda key: (bucket(key, GOLD), key))
    kept = set(in_order[:wanted])
    return [item for item in items if item.gold is None or item.key in kept]


def _earlier(store: Store, spec: SyncSpec) -> Sequence[Item]:
    """The newest listing of an earlier sync: what has not changed since need not be read again."""
    listings = sorted(store.list(below(spec.destination, LISTINGS)), key=lambda entry: entry.modified)
    if not listings:
        return ()
    try:
        return list(from_lines(Item, store.read(listings[-1].uri)))
    except (NotThere, ValidationError):
        log.warning("the listing %s is not readable; everything is read again", listings[-1].uri)
        return ()
