"""Bring a model's files from the store into a directory of a serving pod. `MLmodel` comes last: where it is, the model is whole.

In a directory that outlives the pod, a note beside it says what was brought, so that the next pod needs no store to start; it trusts nothing else of
what it finds there, and reads every byte once to see that it is still the same.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from treadle.api.reasons import Reason
from treadle.contracts._base import Contract, one_line
from treadle.contracts.fetch_model import SAID, FetchModelResult, FetchModelSpec
from treadle.contracts.smoke import ITEM_LIMIT
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import WrongContent, has_content, inside, tree_digest, write_whole
from treadle.jobs._store import Entry, Store

MODEL_FILE = "MLmodel"
NOTE = "fetched.json"
"""Beside the model's directory; written last."""

log = logging.getLogger("treadle.jobs")


def fetch_model(spec: FetchModelSpec) -> FetchModelResult:
    """Fetch every file below the URI.

    Raises:
        JobFailure: no model there, content other than pinned, or the store does not answer.
    """
    if (kept := _kept(spec)) is not None:
        log.info("%s is there already: %d files", spec.uri, kept.files)
        if spec.reference is not None and not has_content(Path(spec.reference_file), spec.reference.sha256):
            _fetch_reference(spec, Store(spec.store))
        return _with_smoke(spec, kept)
    store, root, prefix = Store(spec.store), Path(spec.directory), spec.uri.rstrip("/") + "/"
    entries = {entry.uri.removeprefix(prefix): entry for entry in store.list(spec.uri)}
    if not entries or (MODEL_FILE not in entries and not spec.any_files):
        raise JobFailure(Reason.ModelFilesNotFound, f"there is no {MODEL_FILE} below {spec.uri} ({len(entries)} other files)")
    paths = sorted(set(entries) - {MODEL_FILE})
    _fetch_reference(spec, store)
    contents = {path: _fetch(store, entries[path], root, path) for path in chain(paths, [MODEL_FILE] if MODEL_FILE in entries else [])}
    found = tree_digest(contents)
    if spec.digest not in ("", found):
        inside(root, MODEL_FILE).unlink(missing_ok=True)
        raise JobFailure(Reason.ContentChanged, f"the files below {spec.uri} have digest {found}, pinned is {spec.digest}")
    result = FetchModelResult(uri=spec.uri, digest=found, files=len(entries), bytes=sum(entry.size for entry in entries.values()))
    if spec.cached:
        write_whole(_note(spec), [Fetched(result=result, contents=contents).to_json().encode()])
    return _with_smoke(spec, result)


class Fetched(Contract):
    """What an earlier pod brought, and the SHA-256 of each file."""

    result: FetchModelResult
    contents: Mapping[str, str]


def _note(spec: FetchModelSpec) -> Path:
    return Path(spec.directory).with_name(NOTE)


def _kept(spec: FetchModelSpec) -> FetchModelResult | None:
    """What is there, if all of it is: of this URI, as pinned, every file with the content that it had."""
    if not spec.cached:
        return None
    try:
        fetched = Fetched.model_validate_json(_note(spec).read_bytes())
        whole = all(has_content(inside(Path(spec.directory), path), sha256) for path, sha256 in fetched.contents.items())
    except (OSError, ValidationError, WrongContent):
        return None
    pinned = spec.digest in ("", tree_digest(fetched.contents))
    return fetched.result if whole and pinned and fetched.result.uri == spec.uri else None


def _fetch_reference(spec: FetchModelSpec, store: Store) -> None:
    """A model serves without its reference too."""
    if spec.reference is None:
        return
    try:
        write_whole(Path(spec.reference_file), store.stream(spec.reference.uri), spec.reference.sha256)
    except (JobFailure, WrongContent) as failure:
        log.warning("the reference of drift is done without: %s", failure)


def _with_smoke(spec: FetchModelSpec, result: FetchModelResult) -> FetchModelResult:
    """Bring the smoke example too. A model serves without it: the item may be gone long since, or its store may be down while pods are needed."""
    if (smoke := spec.smoke) is None:
        return result
    file = Path(smoke.file(spec.smoke_directory))
    if has_content(file, smoke.sha256):
        return result
    try:
        write_whole(file, _bounded(Store(spec.store).stream(smoke.uri)), smoke.sha256)
    except (JobFailure, WrongContent) as failure:
        log.warning("the smoke example is done without: %s", failure)
        return result.model_copy(update={"smoke": one_line(f"{smoke.uri}: {failure}", SAID)})
    return result


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Raises: WrongContent: for more than an example may have."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > ITEM_LIMIT:
            raise WrongContent(f"it is larger than {ITEM_LIMIT} bytes")
        yield chunk


def _fetch(store: Store, entry: Entry, root: Path, path: str) -> str:
    try:
        return write_whole(inside(root, path), store.stream(entry.uri))
    except WrongContent as error:
        raise JobFailure(Reason.ContentChanged, f"{entry.uri}: {error}") from error
