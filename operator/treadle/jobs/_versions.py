"""The versions at a destination: found, read, and written once with create-only puts, the manifest last."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import ValidationError

from treadle.api.reasons import Reason
from treadle.contracts.dataset import ITEMS, MANIFEST, DatasetItem, Manifest, version_directory
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import Lines, streamed
from treadle.jobs._store import NotThere, Store, below
from treadle.jobs.exports import File

VERSION = re.compile(r"v\d{4,}")
log = logging.getLogger(__name__)


def versions_at(store: Store, destination: str, project: str) -> Mapping[int, Manifest]:
    """Every whole version at the destination, by number.

    Raises:
        JobFailure: one of them belongs to another project, or is no manifest.
    """
    folders = [folder for folder in store.folders(destination) if VERSION.fullmatch(folder)]
    found = ((int(folder[1:]), _manifest_in(store, below(destination, folder))) for folder in folders)
    versions = {version: manifest for version, manifest in sorted(found, key=lambda each: each[0]) if manifest is not None}
    for version, manifest in versions.items():
        if project and manifest.provenance.project not in ("", project):
            theirs = f"version {version} at {destination} belongs to {manifest.provenance.project}"
            raise JobFailure(Reason.OwnedElsewhere, f"{theirs}; choose another dataset.destination")
    return versions


def manifest_of(store: Store, destination: str, version: int) -> Manifest:
    """The manifest of a version.

    Raises:
        JobFailure: there is none, or it is no manifest.
    """
    manifest = _manifest_in(store, below(destination, version_directory(version)))
    if manifest is None:
        raise JobFailure(Reason.DatasetVersionNotFound, f"there is no version {version} at {destination}")
    return manifest


def items_of(store: Store, destination: str, manifest: Manifest) -> Iterator[bytes]:
    """The lines of a version's items, one after the other, checked at the end.

    Raises:
        JobFailure: they are gone, or not those of the manifest.
    """
    return lines_of(store, destination, manifest, ITEMS, manifest.identity.items)


def latest_items(store: Store, destination: str, versions: Mapping[int, Manifest]) -> Sequence[DatasetItem]:
    """The items of the latest version; of the one before it, where that was damaged. None, where all were.

    Raises:
        JobFailure: the store does not answer.
    """
    for number in sorted(versions, reverse=True):
        try:
            return Lines(DatasetItem, b"".join(line + b"\n" for line in items_of(store, destination, versions[number])))
        except JobFailure as failure:
            if failure.reason is not Reason.ContentChanged:
                raise
            log.warning("the items of version %s are not known: %s", number, failure)
    return ()


def lines_of(store: Store, destination: str, manifest: Manifest, path: str, wanted: str) -> Iterator[bytes]:
    """The lines of a version's file, one after the other, checked at the end by the digest that is wanted.

    Raises:
        JobFailure: they are gone, or not those of the manifest.
    """
    uri, sha256 = below(destination, version_directory(manifest.version), path), hashlib.sha256()
    try:
        for line in streamed(store, uri):
            sha256.update(line + b"\n")
            yield line
    except NotThere as error:
        raise JobFailure(Reason.ContentChanged, f"{uri} is gone, its manifest is not") from error
    if sha256.hexdigest() != wanted:
        raise JobFailure(Reason.ContentChanged, f"{uri} has other content than its manifest says")


def write_version(
    store: Store, destination: str, draft: Manifest, files: Sequence[File], told: Callable[[Manifest], Mapping[str, bytes]]
) -> tuple[Manifest, bool]:
    """Write the draft under the first free number from its own on; returns what stands there, and whether it is ours."""
    directory = below(destination, version_directory(draft.version))
    if all(_put(store, below(directory, file.path), file.content) for file in files):
        for name, content in told(draft).items():
            store.create(below(directory, name), content)
        if store.create(below(directory, MANIFEST), draft.to_json().encode()):
            return draft, True
        there = _read_manifest(store, below(directory, MANIFEST))
        if there.digest == draft.digest:
            return there, False
    return write_version(store, destination, draft.model_copy(update={"version": draft.version + 1}), files, told)


def _put(store: Store, uri: str, content: bytes) -> bool:
    """Whether the object holds this content now: written by us, or by a release of the same that was cut."""
    return store.create(uri, content) or store.read(uri) == content


def _manifest_in(store: Store, directory: str) -> Manifest | None:
    """The manifest of a version's directory; None for a version that was begun and is not whole."""
    try:
        return _read_manifest(store, below(directory, MANIFEST))
    except NotThere:
        return None


def _read_manifest(store: Store, uri: str) -> Manifest:
    try:
        return Manifest.model_validate_json(store.read(uri))
    except ValidationError as error:
        raise JobFailure(Reason.ContentChanged, f"{uri} is not a manifest of this contract: {error}") from error
