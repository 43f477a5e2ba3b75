"""A version's items in a directory, as a program finds them: their own bytes, the files of one format, items.jsonl and, last, dataset.json."""

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from treadle.api.reasons import Reason
from treadle.contracts.dataset import DESCRIPTION, ITEMS, DatasetItem, ExportFile, FetchedDataset, FetchedItem, Manifest
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import WrongContent, has_content, inside, write_whole
from treadle.jobs._lines import to_lines
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import Store


def lay_out(
    store: Store,
    root: Path,
    description: FetchedDataset,
    items: Sequence[tuple[ExportFile, DatasetItem]],
    files: Iterable[tuple[str, bytes]],
) -> int:
    """Write the items where their format wants them, checked against their sha256; returns their bytes. What is there already is not fetched again.

    Raises:
        JobFailure: an item has other content than it should, or the store does not answer.
    """
    for path, content in files:
        write_whole(inside(root, path), [content])
    distinct = {file.path: file for file, _ in items}  # items of the same content are one file in some formats
    sizes = side_by_side(lambda file: _item(store, root, file), list(distinct.values()))
    fetched = [FetchedItem(**item.model_dump(), path=file.path) for file, item in sorted(items, key=lambda pair: pair[1].key)]
    write_whole(root / ITEMS, [to_lines(fetched)])
    splits = dict(Counter(item.split for item in fetched))
    write_whole(root / DESCRIPTION, [description.model_copy(update={"splits": splits}).to_json().encode()])
    return sum(sizes)


def described(manifest: Manifest, uri: str, format_: str) -> FetchedDataset:
    """What a program is told of a version."""
    schema = manifest.identity.labels
    return FetchedDataset(
        version=manifest.version,
        digest=manifest.digest,
        uri=uri,
        format=format_,
        labels=schema.names,
        relations=schema.relation_names,
        splits={},
    )


def _item(store: Store, root: Path, file: ExportFile) -> int:
    try:
        path = inside(root, file.path)
        if not has_content(path, file.sha256):
            write_whole(path, store.stream(file.uri), file.sha256)
        for beside, text in file.texts.items():
            write_whole(inside(root, beside), [text.encode()])
        for beside, content in file.binaries.items():
            write_whole(inside(root, beside), [base64.b64decode(content)])
    except WrongContent as error:
        raise JobFailure(Reason.ContentChanged, f"{file.uri}: {error}") from error
    return path.stat().st_size
