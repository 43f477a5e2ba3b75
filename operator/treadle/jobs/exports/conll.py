"""Conll: one word per line with its tag, as CoNLL-2003 is laid out: `<split>.conll`, four columns, a blank line after each text.

Tags are BIO: `B-` begins a span, `I-` goes on with it, `O` is outside of all. Words are what letters and digits make; any other sign is a word of its
own. A word ends where a span begins or ends, so that no span is rounded.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import LabelSchema, Span, Spans
from treadle.jobs.exports._export import Export, File, Unfit, file_name, label_of, text_of

WORD = re.compile(r"\w+|[^\w\s]")
HEAD = "-DOCSTART- -X- -X- O\n\n"


def conll(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One file per split, one sentence per item; the item's own file beside it. Spans that overlap cannot be written, and are told."""
    del schema
    index = tuple(ExportFile(path=f"{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    return Export(index, tuple(_file(split, [item for item in items if item.split == split]) for split in splits))


def _file(split: Split, items: Sequence[DatasetItem]) -> File:
    texts = ("".join(f"{word} -X- _ {tag}\n" for word, tag in _tagged(item)) + "\n" for item in items)
    return File(f"{split}.conll", "".join((HEAD, *texts)).encode(), split)


def _tagged(item: DatasetItem) -> Iterator[tuple[str, str]]:
    text, spans = text_of(item), sorted(label_of(item, Spans).spans, key=lambda span: span.start)
    if any(one.end > other.start for one, other in pairwise(spans)):
        raise Unfit(f"the spans of {item.uri} overlap; a word has one tag: choose Jsonl")
    for start, end in _words(text, spans):
        inside = next((span for span in spans if span.start <= start < span.end), None)
        tag = "O" if inside is None else f"{'B' if not text[inside.start : start].strip() else 'I'}-{_tag(inside.label)}"
        yield text[start:end], tag


def _words(text: str, spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Where words begin and end; no word crosses the end of a span."""
    cuts = sorted({end for span in spans for end in (span.start, span.end)})
    for word in WORD.finditer(text):
        ends = [word.start(), *(cut for cut in cuts if word.start() < cut < word.end()), word.end()]
        yield from pairwise(ends)


def _tag(label: str) -> str:
    """A label as one word."""
    return "_".join(label.split())
