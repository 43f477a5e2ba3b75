"""Rows as a Parquet table, whose bytes are the same for the same rows."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence

from arro3.core import DataType, Field, Schema
from arro3.io import read_json, write_parquet

from treadle.jobs.exports._columns import Column, Row

KINDS = {
    "Text": DataType.utf8(),
    "Label": DataType.utf8(),
    "Relation": DataType.utf8(),
    "Integer": DataType.int64(),
    "Number": DataType.float64(),
    "Truth": DataType.bool(),
}
COMPRESSION = "zstd(3)"


def table(columns: Sequence[Column], rows: Iterable[Row], metadata: Mapping[str, str] | None = None) -> bytes:
    """The rows, which have these columns; `metadata` is said of the table as a whole."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    schema = Schema([_field(column) for column in columns], metadata=dict(metadata or {}))
    content = io.BytesIO()
    write_parquet(read_json(io.BytesIO(lines), schema), content, compression=COMPRESSION)
    return content.getvalue()


def _field(column: Column) -> Field:
    """Every value may be missing, as far as the table says: `datasets` knows its own features again only so."""
    kind = DataType.struct([_field(part) for part in column.parts]) if column.parts else KINDS[column.kind]
    for _ in range(column.depth):
        kind = DataType.list(Field("item", kind))
    return Field(column.name, kind)
