"""HuggingFace: a folder that `datasets.load_dataset` loads without a word of configuration, splits, labels and images or recordings included.

Items with a file: `<split>/<file>` and `<split>/metadata.parquet`, which names the files. Texts: `data/<split>.parquet` with the texts in it; their
files are under `files/`. The tables say which columns are class labels and how these are called, in the words of `datasets`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import LabelSchema
from treadle.jobs.exports._columns import Column, Kind, Row, columns_of, rows_of
from treadle.jobs.exports._export import Export, File, TextItem, file_name

TYPES: Mapping[Kind, str] = {"Text": "string", "Integer": "int64", "Number": "float64", "Truth": "bool"}
FILE = Column("file_name")
NUMBER = "class_id"
"""The column that is left out: the label is a number itself."""


def hugging_face(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """Labels are numbers with names, as `datasets` has them; what a label of parts consists of is a list of records."""
    texts = any(isinstance(item, TextItem) for item in items)
    folder = "files/" if texts else ""
    index = tuple(ExportFile(path=f"{folder}{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    tables = tuple(_table(split, [item for item in items if item.split == split], schema, texts=texts) for split in splits)
    return Export(index, (*tables, _readme(splits)) if texts else tables)


def _readme(splits: Sequence[Split]) -> File:
    """Where the tables are, for texts: `datasets` would else load whatever files there are most of. YAML by hand: a JSON text is a YAML text too."""
    files = [{"split": split, "path": f"data/{split}.parquet"} for split in splits]
    return File("README.md", f"---\nconfigs: {json.dumps([{'config_name': 'default', 'data_files': files}])}\n---\n".encode())


def _table(split: Split, items: Sequence[DatasetItem], schema: LabelSchema, *, texts: bool) -> File:
    from treadle.jobs.exports._table import table  # only a release writes tables, and only its image can

    columns = tuple(_numbered(column) for column in columns_of(items, schema) if column.name != NUMBER)
    rows: list[Row] = [_numbers(row) for row in rows_of(items, schema)]
    if not texts:
        columns, rows = (FILE, *columns), [{FILE.name: file_name(item), **row} for item, row in zip(items, rows, strict=True)]
    features = {column.name: _feature(column, schema) for column in columns}
    content = table([_stored(column) for column in columns], rows, {"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)})
    return File(f"data/{split}.parquet" if texts else f"{split}/metadata.parquet", content, split)


def _numbered(column: Column) -> Column:
    return replace(column, parts=tuple(part for part in column.parts if part.name != NUMBER))


def _stored(column: Column) -> Column:
    """The column as the table has it: labels are numbers."""
    return replace(column, kind="Integer" if column.kind in ("Label", "Relation") else column.kind, parts=tuple(map(_stored, column.parts)))


def _numbers(row: Row) -> Row:
    """The row, or a part of it, with each label as its number."""
    named = {name: _numbers_in(value) for name, value in row.items() if name != NUMBER}
    return named | ({"label": row[NUMBER]} if NUMBER in row else {})


def _numbers_in(value: object) -> object:
    return [_numbers(part) if isinstance(part, Mapping) else part for part in value] if isinstance(value, list) else value


def _feature(column: Column, schema: LabelSchema) -> object:
    """A column in the words of `datasets`."""
    feature: object = {"dtype": TYPES.get(column.kind), "_type": "Value"}
    if column.kind in ("Label", "Relation"):
        feature = {"names": list(schema.names if column.kind == "Label" else schema.relation_names), "_type": "ClassLabel"}
    if column.parts:
        feature = {part.name: _feature(part, schema) for part in column.parts}
    for _ in range(column.depth):
        feature = {"feature": feature, "_type": "List"}
    return feature
