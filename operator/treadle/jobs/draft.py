"""Lay out what a release would hold, for a program of the user's that says what it shall hold."""

from pathlib import Path

from treadle.contracts.dataset import FetchedDataset
from treadle.contracts.prepare import DraftResult, DraftSpec
from treadle.jobs._agreed import agreed_in, exports_of
from treadle.jobs._layout import lay_out
from treadle.jobs._store import Store, below


def draft(spec: DraftSpec) -> DraftResult:
    """The draft in its first format, as a training would see the version.

    Raises:
        JobFailure: nothing to release, an unknown format, a snapshot or item gone, or a store that refuses or does not answer.
    """
    release, store = spec.release, Store(spec.release.store)
    assert release.preparation is not None
    agreed = agreed_in(store, release)
    name = agreed.formats[0]
    export = exports_of(store, agreed.task, [name], release.labels, agreed.items)[name]
    number = max(agreed.versions, default=0) + 1
    description = FetchedDataset(
        version=number,
        digest="0" * 64,
        uri=below(release.destination, ""),
        format=name,
        labels=release.labels.names,
        relations=release.labels.relation_names,
        splits={},
    )
    pairs = list(zip(export.index, agreed.items, strict=True))
    root = Path(release.preparation.dataset)
    size = lay_out(store, root, description, pairs, ((file.path, file.content) for file in export.files))
    return DraftResult(items=len(agreed.items), bytes=size)
