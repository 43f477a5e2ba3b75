"""Parquet: files flat in one directory per split, and `<split>.parquet` with a row for each: what pandas, Polars, DuckDB and Spark read at once."""

from collections.abc import Sequence

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import LabelSchema
from treadle.jobs.exports._columns import Column, columns_of, rows_of
from treadle.jobs.exports._export import Export, File, file_name


def parquet(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One table per split. `path` is where the item's file lies; labels with places are lists of records."""
    index = tuple(ExportFile(path=_path(item), uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    return Export(index, tuple(_table(split, [item for item in items if item.split == split], schema) for split in splits))


def _table(split: Split, items: Sequence[DatasetItem], schema: LabelSchema) -> File:
    from treadle.jobs.exports._table import table  # only a release writes tables, and only its image can

    rows = ({"path": _path(item), **row} for item, row in zip(items, rows_of(items, schema), strict=True))
    return File(f"{split}.parquet", table((Column("path"), *columns_of(items, schema)), rows), split)


def _path(item: DatasetItem) -> str:
    return f"{item.split}/{file_name(item)}"
