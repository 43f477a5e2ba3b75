"""Dvc: `dataset.dvc`, a pointer that `dvc pull` follows. See https://dvc.org/doc/user-guide/project-structure/dvc-files

A remote of DVC holds contents under their MD5, and a directory as a list of them. The destination is such a remote: the list and `items.jsonl` are
put there with the version, and the items' own bytes where `spec.dataset.content` is Embed. Of a version that refers to its items, the pointer has the
labels and where the items are.
"""

import hashlib
import json
from collections.abc import Sequence

from treadle.contracts.dataset import DatasetItem, ExportFile, FetchedItem
from treadle.contracts.labels import LabelSchema
from treadle.jobs._lines import to_lines
from treadle.jobs.exports._export import Export, File, file_name

DIRECTORY = "dataset"
"""What `dvc pull` makes, beside the pointer."""


def dvc(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """The pointer to files flat in one directory per split, and `items.jsonl` with label and path of each."""
    del schema
    index = tuple(ExportFile(path=f"{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    lines = to_lines(FetchedItem(**item.model_dump(), path=file.path) for item, file in zip(items, index, strict=True))
    held = {file.path: md5_of(item.held) for item, file in zip(items, index, strict=True) if item.held} | {"items.jsonl": _md5(lines)}
    listed = json.dumps([{"md5": md5, "relpath": path} for path, md5 in sorted(held.items())]).encode()
    pointer = f"outs:\n- md5: {_md5(listed)}.dir\n  nfiles: {len(held)}\n  hash: md5\n  path: {DIRECTORY}\n"
    return Export(index, (File("dataset.dvc", pointer.encode()),), objects={_md5(lines): lines, f"{_md5(listed)}.dir": listed})


def md5_of(held: str) -> str:
    """The MD5 of a content, from the end of its copy's URI."""
    return "".join(held.rsplit("/", 2)[1:])


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
