"""What people agree on in a snapshot, as the items of a version; and these in the formats that trainers read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

from treadle.api.reasons import Reason
from treadle.contracts.dataset import ITEMS, DatasetItem, ExportFile, Manifest, Split, version_directory
from treadle.contracts.labels import ImageSize, LabelSchema
from treadle.contracts.quality import RawAnnotation, Refused
from treadle.contracts.rank import AcceptedLabel
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.sync import Item
from treadle.jobs._accepted import with_accepted
from treadle.jobs._collected import without
from treadle.jobs._consensus import Judged, Judgement, Verdict, judge_all, wanted_of
from treadle.jobs._contents import texts
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import Lines, from_lines, pinned, to_lines
from treadle.jobs._numbers import rounded
from treadle.jobs._rules import Rules
from treadle.jobs._store import Store, below
from treadle.jobs._versions import versions_at
from treadle.jobs.exports import FORMATS, OF_TEXTS, Export, Unfit
from treadle.statistics.splits import split_of
from treadle.tasks import NotSupportedYet, Task, for_type


@dataclass(frozen=True)
class Agreed:
    """What a release is made from.

    Attributes:
        items: those on whose label people agree, by key.
        judged: all annotated items but gold ones.
        excluded: how many were left out, by reason.
        versions: what was released before, by number.
        latest: the items of the latest version, where anything of them is needed.
    """

    task: Task
    formats: tuple[str, ...]
    items: Sequence[DatasetItem]
    judgement: Judgement
    judged: Sequence[Judged]
    excluded: Mapping[str, int]
    versions: Mapping[int, Manifest]
    latest: Sequence[DatasetItem]


def agreed_in(store: Store, spec: ReleaseSpec) -> Agreed:
    """Judge the snapshot, and take what may be released.

    Raises:
        JobFailure: nothing to release, an unknown format, a snapshot gone, or a store that refuses or does not answer.
    """
    task = for_type(spec.labels.task)
    if isinstance(task, NotSupportedYet):
        raise JobFailure(Reason.TaskTypeNotSupported, task.message)
    formats = _formats(spec, task)
    listing = Lines(Item, pinned(store, spec.items)) if spec.items else None
    annotations = from_lines(RawAnnotation, pinned(store, spec.snapshot))
    wanted = wanted_of(listing, spec.removed)
    accepted = from_lines(AcceptedLabel, pinned(store, spec.accepted)) if spec.accepted else ()
    answered = judge_all(annotations, wanted, spec.labels, task, spec.policy)
    judgement = with_accepted(answered, accepted, wanted, Rules(spec.policy.rules, task.shape))
    judgement = without(judgement, list(from_lines(Refused, pinned(store, spec.refused)))) if spec.refused else judgement
    judged = [each for each in judgement.items if each.verdict != Verdict.GOLD]
    excluded = dict(sorted(Counter(each.verdict.value for each in judged if each.verdict != Verdict.AGREED).items()))
    versions = versions_at(store, spec.destination, spec.provenance.project)
    latest = _latest(store, spec, versions)
    items = Lines(DatasetItem, to_lines(_items(spec, judged, _origins(spec, listing, latest))))
    if not items:
        raise JobFailure(Reason.NothingToRelease, f"none of {len(judged)} annotated items has an agreed label ({_counted(excluded)})")
    return Agreed(task, formats, items, judgement, judged, excluded, versions, latest)


def exports_of(store: Store, task: Task, formats: Sequence[str], schema: LabelSchema, items: Sequence[DatasetItem]) -> Mapping[str, Export]:
    """The items in each format, by name.

    Raises:
        JobFailure: a format cannot hold these labels, or an item cannot be read.
    """
    of_texts = task.media == "Text" and not OF_TEXTS.isdisjoint(formats)
    with_texts: Sequence[DatasetItem] = texts(store, items) if of_texts else items
    exports = {}
    for name in formats:
        try:
            export = FORMATS[name](with_texts if name in OF_TEXTS else items, schema)
        except Unfit as error:
            raise JobFailure(Reason.FormatNotSupported, f"{name}: {error}") from error
        exports[name] = replace(export, index=tuple(_at_copy(file, item) for file, item in zip(export.index, items, strict=True)))
    return exports


def _formats(spec: ReleaseSpec, task: Task) -> tuple[str, ...]:
    formats = spec.formats or task.formats[:1]
    if unknown := [name for name in formats if name not in task.formats]:
        raise JobFailure(Reason.FormatNotSupported, f"{', '.join(unknown)} cannot hold {task.type}; possible are {', '.join(task.formats)}")
    return formats


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is known of an item apart from its label."""

    source: str = ""
    group: str = ""
    image: ImageSize | None = None
    time: str = ""


def _latest(store: Store, spec: ReleaseSpec, versions: Mapping[int, Manifest]) -> Sequence[DatasetItem]:
    """The items of the latest version, where anything of them is needed."""
    if not versions or (spec.removed != "Keep" and spec.content != "Embed"):
        return ()
    return Lines(DatasetItem, store.read(below(spec.destination, version_directory(max(versions)), ITEMS)))


def _origins(spec: ReleaseSpec, listing: Sequence[Item] | None, latest: Sequence[DatasetItem]) -> Mapping[str, _Origin]:
    """By key: what the listing says, and of items that are gone and kept all the same, what the latest version says."""
    sizes: dict[ImageSize | None, ImageSize | None] = {}
    found: dict[str, _Origin] = {}
    known: Iterator[DatasetItem | Item] = chain(latest if spec.removed == "Keep" else (), listing or ())
    for item in known:
        found[item.key] = _Origin(item.source, item.group, sizes.setdefault(item.image, item.image), item.time)
    return found


def _items(spec: ReleaseSpec, judged: Sequence[Judged], origins: Mapping[str, _Origin]) -> Iterator[DatasetItem]:
    return (
        DatasetItem(
            key=each.key,
            uri=each.uri,
            sha256=each.sha256,
            label=each.consensus.label,
            split=_split(spec, origin.group or each.key),
            group=origin.group,
            source=origin.source,
            image=origin.image,
            annotators=len(each.answers),
            agreement=None if each.accepted else rounded(each.consensus.agreement),
            confidence=rounded(each.consensus.confidence),
            reviewed=each.reviewed,
            time=origin.time,
            accepted=each.accepted,
        )
        for each, origin in ((each, origins.get(each.key, _Origin())) for each in judged)
        if each.verdict == Verdict.AGREED and each.consensus and not (each.accepted and _split(spec, origin.group or each.key) == "test")
    )


def _split(spec: ReleaseSpec, group: str) -> Split:
    return cast("Split", split_of(group, seed=spec.splits.seed, train=spec.splits.train, validation=spec.splits.validation))


def _at_copy(file: ExportFile, item: DatasetItem) -> ExportFile:
    """Where the item's bytes are to be had."""
    return file.model_copy(update={"uri": item.held}) if item.held else file


def _counted(excluded: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in excluded.items()) or "nobody annotated anything"
