"""What is different in the items of a later version. Both lists are walked side by side, line by line, so that their size does not matter."""

from collections import Counter
from collections.abc import Iterable, Iterator

from treadle.contracts import one_line
from treadle.contracts.compare import Changes, Example, Move, What
from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import ClassLabel, Label, Rating, Spans, parts_of

MOVES = 10
"""So many changes of label are listed, the most frequent."""
EXAMPLES = 3
"""So many items are named of each kind of change."""
KEY, WORDS = 200, 80
"""Longest key, and longest label in words, of an example."""

Pair = tuple[DatasetItem | None, DatasetItem | None]


def changes_between(before: Iterable[bytes], after: Iterable[bytes], *, sensitive: bool = False) -> Changes:
    """Compare the lines of two items.jsonl, both sorted by key. Of a sensitive dataset no label and no item is named."""
    counts: Counter[What] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    splits: Counter[tuple[str, str]] = Counter()
    examples: list[Example] = []
    same = 0
    for old, new in _pairs(before, after):
        found = list(_told(old, new))
        same += not found
        for each in found:
            counts[each.what] += 1
            if each.what == "Moved":
                splits[each.before, each.after] += 1
            elif each.what == "Relabelled":
                labels[each.before, each.after] += 1
            if counts[each.what] <= EXAMPLES:
                examples.append(each)
    return Changes(
        same=same,
        added=counts["Added"],
        removed=counts["Removed"],
        replaced=counts["Replaced"],
        relabelled=counts["Relabelled"],
        moved=counts["Moved"],
        labels=() if sensitive else _moves(labels)[:MOVES],
        splits=_moves(splits),
        examples=() if sensitive else tuple(sorted(examples, key=lambda each: (each.what, each.key))),
    )


def _pairs(before: Iterable[bytes], after: Iterable[bytes]) -> Iterator[Pair]:
    """Items of the same key, or one that is in one list only. Equal lines, the most by far, are not even read."""
    olds, news = (line for line in before if line), (line for line in after if line)
    old, new = next(olds, None), next(news, None)
    while old is not None and new is not None:
        if old == new:
            yield None, None
            old, new = next(olds, None), next(news, None)
            continue
        was, now = DatasetItem.model_validate_json(old), DatasetItem.model_validate_json(new)
        yield (was if was.key <= now.key else None), (now if now.key <= was.key else None)
        if was.key <= now.key:
            old = next(olds, None)
        if now.key <= was.key:
            new = next(news, None)
    while old is not None:
        yield DatasetItem.model_validate_json(old), None
        old = next(olds, None)
    while new is not None:
        yield None, DatasetItem.model_validate_json(new)
        new = next(news, None)


def _told(old: DatasetItem | None, new: DatasetItem | None) -> Iterator[Example]:
    if old is None and new is not None:
        yield Example(what="Added", key=_key(new), after=words_of(new.label))
    if new is None and old is not None:
        yield Example(what="Removed", key=_key(old), before=words_of(old.label))
    if old is None or new is None:
        return
    if old.sha256 != new.sha256:
        yield Example(what="Replaced", key=_key(new), before=words_of(old.label), after=words_of(new.label))
    if old.label != new.label:
        yield Example(what="Relabelled", key=_key(new), before=words_of(old.label), after=words_of(new.label))
    if old.split != new.split:
        yield Example(what="Moved", key=_key(new), before=old.split, after=new.split)


def words_of(label: Label) -> str:
    """A label in a few words: its name, or how many things of which name it marks.

    >>> words_of(ClassLabel(label="can"))
    'can'
    """
    if isinstance(label, ClassLabel | Rating):
        return one_line(label.label, WORDS)
    parts = parts_of(label)
    if parts is None:
        return "an answer"
    relations = label.relations if isinstance(label, Spans) else ()
    counts = Counter(part.label for part in (*parts, *relations))
    return one_line(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing", WORDS)


def _key(item: DatasetItem) -> str:
    return item.key if len(item.key) <= KEY else "…" + item.key[-KEY:]  # its end tells more


def _moves(counts: Counter[tuple[str, str]]) -> tuple[Move, ...]:
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Move(before=before, after=after, items=items) for (before, after), items in ranked)
