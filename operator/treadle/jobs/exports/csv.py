"""Csv: files flat in one directory per split, and `<split>.csv` with a row for each: what spreadsheets and pandas read."""

import csv as rows
import io
from collections.abc import Sequence

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import ClassLabel, LabelSchema, Rating
from treadle.jobs.exports._export import Export, File, Unfit, file_name

HEADER = ("path", "label", "class_id", "uri", "annotators", "agreement")


def csv(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One name per item; `class_id` is its place in the schema, from 0."""
    index = tuple(ExportFile(path=_path(item), uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    return Export(index, tuple(File(f"{split}.csv", _table([item for item in items if item.split == split], schema), split) for split in splits))


def _table(items: Sequence[DatasetItem], schema: LabelSchema) -> bytes:
    text = io.StringIO()
    writer = rows.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for item in items:
        name = _name(item)
        writer.writerow((_path(item), name, schema.names.index(name), item.uri, item.annotators, "" if item.agreement is None else item.agreement))
    return text.getvalue().encode()


def _name(item: DatasetItem) -> str:
    if not isinstance(item.label, ClassLabel | Rating):
        raise Unfit(f"the label of {item.uri} is {item.label.shape}, not one name")
    return item.label.label


def _path(item: DatasetItem) -> str:
    return f"{item.split}/{file_name(item)}"
