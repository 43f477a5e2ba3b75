"""Jsonl: the canonical items as they are, files flat in one directory per split. `items.jsonl` of the fetched dataset holds label and path."""

from collections.abc import Sequence

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import LabelSchema
from treadle.jobs.exports._export import Export, file_name


def jsonl(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """Only an index: the labels stand in `items.jsonl`, which every fetched dataset has."""
    del schema
    return Export(tuple(ExportFile(path=f"{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items))
