"""From a snapshot of all annotations to an immutable dataset version, written with create-only puts, the manifest last.

Two releases may run at once, and one may be killed half-way. Whoever finds other content under a version's number goes on to the next number;
whoever finds the same content finishes that version. So no version ever mixes two contents, and the same content is released once.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

from pydantic import ValidationError

from treadle.contracts.compare import Changes
from treadle.contracts.dataset import (
    CARD,
    CROISSANT,
    EARLIER,
    INDEX,
    ITEMS,
    PAGE,
    DatasetItem,
    Identity,
    Manifest,
    ManifestFile,
    Split,
    identity_digest,
    version_directory,
)
from treadle.contracts.labels import Label
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.jobs._agreed import agreed_in, exports_of
from treadle.jobs._card import card
from treadle.jobs._card_page import card_page, said_of
from treadle.jobs._changes import changes_between
from treadle.jobs._consensus import Judgement
from treadle.jobs._contents import embedded, put_objects
from treadle.jobs._croissant import croissant
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import Lines, to_lines
from treadle.jobs._numbers import by_annotator, by_pair
from treadle.jobs._prepared import LEFT_OUT, prepared
from treadle.jobs._samples import samples_of
from treadle.jobs._store import Store, below
from treadle.jobs._versions import items_of, write_version
from treadle.jobs.exports import Export, File
from treadle.statistics.shapes import SHAPES, Shape

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
log = logging.getLogger(__name__)


def release(spec: ReleaseSpec, now: datetime) -> ReleaseResult:
    """The version that holds what people agree on in the snapshot: found, or made.

    Raises:
        JobFailure: nothing to release, an unknown format, a snapshot gone, or a store that refuses or does not answer.
    """
    store = Store(spec.store)
    agreed = agreed_in(store, spec)
    task, formats, versions = agreed.task, agreed.formats, agreed.versions
    excluded, items = dict(agreed.excluded), agreed.items
    if spec.preparation:
        items, left_out = prepared(store, spec, agreed.items, task)
        excluded |= {LEFT_OUT: left_out} if left_out else {}
        agreed.division.note(agreed.items)  # also of what the program changed or left out
    if spec.content == "Embed":
        items = embedded(store, spec.destination, items, agreed.latest)

    lines = items.content if isinstance(items, Lines) else to_lines(items)
    items = Lines(DatasetItem, lines)
    identity = Identity(items=_sha256(lines), labels=spec.labels, guidelines=spec.guidelines, policy=spec.policy, splits=spec.splits, formats=formats)
    manifest = next((each for each in versions.values() if _is_same(each.identity, identity)), None)
    created = manifest is None
    if manifest is None:
        exports = exports_of(store, task, formats, spec.labels, items)
        files = _files(lines, to_lines(agreed.division.beyond(items)), exports)
        for export in exports.values():
            put_objects(store, spec.destination, export.objects)
        draft = _draft(spec, identity, items, files, excluded, max(versions, default=None), now)
        parent, said = versions.get(draft.parent or 0), said_of(agreed.judged)
        samples = () if spec.sensitive else samples_of(store, task.media, spec.labels.names, items)

        def told(manifest: Manifest) -> Mapping[str, bytes]:
            page = card_page(manifest, parent, said, samples)
            return {CARD: card(manifest, parent).encode(), PAGE: page.encode(), CROISSANT: croissant(manifest)}

        found = {
            **_of_people(spec, SHAPES[task.shape], agreed.judgement),
            "changes": _changes(store, spec, parent, lines),
            "left_out": {name: export.left_out for name, export in exports.items() if export.left_out},
        }
        manifest, created = write_version(store, spec.destination, draft.model_copy(update=found), files, told)
    return ReleaseResult(
        version=manifest.version,
        digest=manifest.digest,
        uri=below(spec.destination, version_directory(manifest.version)) + "/",
        created=created,
        items=manifest.items,
        agreed=len(agreed.items) if spec.preparation else None,
        splits=manifest.splits,
        excluded=excluded,
    )


def _is_same(there: Identity, wanted: Identity) -> bool:
    """Whether the content is the same. Percentages say where new items go; where each item is stands in the items."""
    return there.model_copy(update={"splits": wanted.splits}) == wanted


def _of_people(spec: ReleaseSpec, shape: Shape[Label], judgement: Judgement) -> dict[str, object]:
    """How each person answered, and how far each two agree; nobody where the project is sensitive."""
    if spec.sensitive:
        return {}
    return {"annotators": by_annotator(shape, judgement), "pairs": by_pair(shape, judgement, spec.labels.names)}


def _changes(store: Store, spec: ReleaseSpec, parent: Manifest | None, lines: bytes) -> Changes | None:
    """What is different from the version before; None for the first, and where nobody can tell since that one was damaged."""
    if parent is None:
        return None
    before = items_of(store, spec.destination, parent)
    try:
        return changes_between(before, (line.removesuffix(b"\n") for line in BytesIO(lines)), sensitive=spec.sensitive or parent.sensitive)
    except (JobFailure, ValidationError) as failure:
        log.warning("what changed since version %s is not told: %s", parent.version, failure)
        return None


def _files(lines: bytes, earlier: bytes, exports: Mapping[str, Export]) -> list[File]:
    files = [File(ITEMS, lines), *([File(EARLIER, earlier)] if earlier else [])]
    for name, export in exports.items():
        files.append(File(f"exports/{name}/{INDEX}", to_lines(export.index)))
        files += [replace(file, path=f"exports/{name}/{file.path}") for file in export.files]
    return files


def _draft(
    spec: ReleaseSpec,
    identity: Identity,
    items: Sequence[DatasetItem],
    files: Sequence[File],
    excluded: Mapping[str, int],
    parent: int | None,
    now: datetime,
) -> Manifest:
    in_split, with_label = Counter(item.split for item in items), Counter((name, item.split) for item in items for name in item.label.names)
    return Manifest(
        version=(parent or 0) + 1,
        digest=identity_digest(identity),
        identity=identity,
        parent=parent,
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        items=len(items),
        splits={split: in_split[split] for split in SPLITS if in_split[split]},
        counts={name: sum(with_label[name, split] for split in SPLITS) for name in spec.labels.all_names},
        in_splits={name: {split: with_label[name, split] for split in SPLITS if in_split[split]} for name in spec.labels.all_names},
        excluded=dict(excluded),
        reviewed=sum(item.reviewed for item in items),
        accepted=sum(item.accepted for item in items),
        exports=identity.formats,
        sensitive=spec.sensitive,
        provenance=spec.provenance,
        files=tuple(
            ManifestFile(path=file.path, sha256=_sha256(file.content), size=len(file.content), split=file.split)
            for file in sorted(files, key=lambda file: file.path)
        ),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
