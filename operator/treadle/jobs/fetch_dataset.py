"""Bring one dataset version into a directory of the pod: the format's files, the items' own bytes, and dataset.json for the user's script.

Everything is checked against its sha256, and what is there already is not fetched again. dataset.json comes last: where it is, the dataset is whole.
"""

import hashlib
from pathlib import Path
from typing import TypeVar

from treadle.api.reasons import Reason
from treadle.contracts.dataset import (
    INDEX,
    ITEMS,
    MANIFEST,
    DatasetItem,
    ExportFile,
    FetchDatasetResult,
    FetchDatasetSpec,
    Manifest,
    ManifestFile,
    Split,
    identity_digest,
)
from treadle.jobs._failure import JobFailure
from treadle.jobs._layout import described, lay_out
from treadle.jobs._lines import from_lines
from treadle.jobs._store import NotThere, Store, below

SIDE_BY_SIDE = 16
SAMPLED: Split = "train"

Given = TypeVar("Given")


def fetch_dataset(spec: FetchDatasetSpec) -> FetchDatasetResult:
    """Fetch one version.

    Raises:
        JobFailure: no such version, no such format, content other than pinned, or the store does not answer.
    """
    store, root = Store(spec.store), Path(spec.directory)
    manifest = _manifest(store, spec)
    export = _format(spec, manifest)
    files = {file.path: file for file in manifest.files}
    own = f"exports/{export}/"
    items = list(from_lines(DatasetItem, _file(store, spec, _items_file(manifest))))
    index = list(from_lines(ExportFile, _file(store, spec, files[own + INDEX])))
    pairs = list(zip(index, items, strict=False))  # both in the same order
    if strange := [file.uri for file, item in pairs if (file.uri, file.sha256) != (item.held or item.uri, item.sha256)]:
        raise JobFailure(Reason.ContentChanged, f"the index of format {export} names what is no item of the version: {strange[0]}")
    if len(index) != len(items):
        raise JobFailure(Reason.ContentChanged, f"the index of format {export} names {len(index)} items, the version has {len(items)}")
    wanted = [pair for pair in pairs if not spec.splits or pair[0].split in spec.splits]
    if spec.sample and spec.splits and SAMPLED not in spec.splits:
        sampled = (pair for pair in pairs if pair[0].split == SAMPLED)
        wanted += sorted(sampled, key=lambda pair: (pair[0].sha256, pair[0].uri, pair[1].key))[: spec.sample]
    texts = (
        (path.removeprefix(own), _file(store, spec, file))
        for path, file in files.items()
        if path.startswith(own) and path != own + INDEX and (not spec.splits or file.split in (None, *spec.splits))
    )
    size = lay_out(store, root, described(manifest, spec.uri, export), wanted, texts)
    return FetchDatasetResult(version=manifest.version, digest=manifest.digest, items=len(wanted), bytes=size)


def _manifest(store: Store, spec: FetchDatasetSpec) -> Manifest:
    uri = below(spec.uri, MANIFEST)
    try:
        manifest = Manifest.model_validate_json(store.read(uri))
    except NotThere as error:
        raise JobFailure(Reason.DatasetVersionNotFound, f"there is no dataset version at {spec.uri}") from error
    except ValueError as error:
        raise JobFailure(Reason.ContentChanged, f"{uri} is not a manifest: {error}") from error
    if (found := identity_digest(manifest.identity)) != spec.digest:
        raise JobFailure(Reason.ContentChanged, f"the version at {spec.uri} has digest {found}, pinned is {spec.digest}")
    return manifest


def _items_file(manifest: Manifest) -> ManifestFile:
    """The list of items as the version's digest pins it, whatever the manifest's list of files says."""
    return ManifestFile(path=ITEMS, sha256=manifest.identity.items, size=0)


def _format(spec: FetchDatasetSpec, manifest: Manifest) -> str:
    export = spec.format or next(iter(manifest.exports), "")
    if export not in manifest.exports:
        raise JobFailure(Reason.FormatNotSupported, f'version {manifest.version} has no format "{export}"; it has {", ".join(manifest.exports)}')
    return export


def _file(store: Store, spec: FetchDatasetSpec, file: ManifestFile) -> bytes:
    uri = below(spec.uri, file.path)
    content = store.read(uri)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise JobFailure(Reason.ContentChanged, f"{uri} has other content than its manifest says")
    return content
