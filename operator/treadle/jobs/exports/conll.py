"""Conll: one word per line with its tag, as CoNLL-2003 is laid out: `<split>.conll`, four columns, a blank line after each text.

Tags are BIO: `B-` begins a span, `I-` goes on with it, `O` is outside of all. Words are what letters and digits make; any other sign is a word of its
own. A word ends where a span begins or ends, so that no span is rounded. A word has one tag: of spans that overlap the longest stays, of equally long
ones the first, and the others are counted, as are all relations, for which there is no column. `items.jsonl` holds all of them.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import LabelSchema, Span, Spans
from treadle.jobs.exports._export import Export, File, file_name, label_of, text_of

WORD = re.compile(r"\w+|[^\w\s]")
HEAD = "-DOCSTART- -X- -X- O\n\n"


def conll(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One file per split, one sentence per item; the item's own file beside it."""
    del schema
    index = tuple(ExportFile(path=f"{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    files = tuple(_file(split, [item for item in items if item.split == split]) for split in splits)
    return Export(index, files, left_out=sum(map(_without_room, items)))


def _file(split: Split, items: Sequence[DatasetItem]) -> File:
    texts = ("".join(f"{word} -X- _ {tag}\n" for word, tag in _tagged(item)) + "\n" for item in items)
    return File(f"{split}.conll", "".join((HEAD, *texts)).encode(), split)


def _without_room(item: DatasetItem) -> int:
    label = label_of(item, Spans)
    return len(label.spans) - len(_apart(label.spans)) + len(label.relations)


def _tagged(item: DatasetItem) -> Iterator[tuple[str, str]]:
    text, spans = text_of(item), _apart(label_of(item, Spans).spans)
    for start, end in _words(text, spans):
        inside = next((span for span in spans if span.start <= start < span.end), None)
        tag = "O" if inside is None else f"{'B' if not text[inside.start : start].strip() else 'I'}-{_tag(inside.label)}"
        yield text[start:end], tag


def _apart(spans: Sequence[Span]) -> Sequence[Span]:
    """Spans that do not overlap: the longest, then the first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start, span.label)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _words(text: str, spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Where words begin and end; no word crosses the end of a span."""
    cuts = sorted({end for span in spans for end in (span.start, span.end)})
    for word in WORD.finditer(text):
        ends = [word.start(), *(cut for cut in cuts if word.start() < cut < word.end()), word.end()]
        yield from pairwise(ends)


def _tag(label: str) -> str:
    """A label as one word."""
    return "_".join(label.split())
