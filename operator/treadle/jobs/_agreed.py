"""What people agree on in a snapshot, as the items of a version; and these in the formats that trainers read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from treadle.api.reasons import Reason
from treadle.contracts.dataset import DatasetItem, ExportFile, Manifest
from treadle.contracts.labels import LabelSchema
from treadle.contracts.quality import RawAnnotation, Refused
from treadle.contracts.rank import AcceptedLabel
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.sync import Item
from treadle.jobs._accepted import with_accepted
from treadle.jobs._collected import without
from treadle.jobs._consensus import Judged, Judgement, Verdict, judge_all, wanted_of
from treadle.jobs._contents import texts
from treadle.jobs._division import Division, division_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._gone import Needs, with_gone
from treadle.jobs._lines import Lines, from_lines, pinned, to_lines
from treadle.jobs._numbers import rounded
from treadle.jobs._origins import UNKNOWN, Origin, origins_of
from treadle.jobs._rules import Rules
from treadle.jobs._store import Store
from treadle.jobs._versions import latest_items, versions_at
from treadle.jobs.exports import FORMATS, OF_SIZES, OF_TEXTS, Export, Unfit
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
        division: which split everything is in, and was in.
    """

    task: Task
    formats: tuple[str, ...]
    items: Sequence[DatasetItem]
    judgement: Judgement
    judged: Sequence[Judged]
    excluded: Mapping[str, int]
    versions: Mapping[int, Manifest]
    latest: Sequence[DatasetItem]
    division: Division


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
    judged: Sequence[Judged] = judgement.items
    versions = versions_at(store, spec.destination, spec.provenance.project)
    latest = _latest(store, spec, versions)
    origins = origins_of(listing or (), latest if spec.removed == "Keep" else ())
    if spec.removed == "Keep" and listing is not None:
        judged, origins = with_gone(store, spec.destination, _needs(spec, task, formats), listing, judged, origins, _copies(spec, latest))
    judged = [each for each in judged if each.verdict != Verdict.GOLD]
    excluded = dict(sorted(Counter(each.verdict.value for each in judged if each.verdict != Verdict.AGREED).items()))
    division = _divided(division_of(store, spec.destination, spec.splits, versions), origins, judged)
    items = Lines(DatasetItem, to_lines(_items(judged, origins, division)))
    if not items:
        raise JobFailure(Reason.NothingToRelease, f"none of {len(judged)} annotated items has an agreed label ({_counted(excluded)})")
    return Agreed(task, formats, items, judgement, judged, excluded, versions, latest, division)


def exports_of(store: Store, task: Task, formats: Sequence[str], schema: LabelSchema, items: Sequence[DatasetItem]) -> Mapping[str, Export]:
    """The items in each format, by name.

    Raises:
        JobFailure: a format cannot hold these labels, or an item cannot be read.
    """
    of_texts = task.is_written and not OF_TEXTS.isdisjoint(formats)
    with_texts: Sequence[DatasetItem] = texts(store, task, items) if of_texts else items
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


def _latest(store: Store, spec: ReleaseSpec, versions: Mapping[int, Manifest]) -> Sequence[DatasetItem]:
    """The items of the latest version, where anything of them is needed."""
    if not versions or (spec.removed != "Keep" and spec.content != "Embed"):
        return ()
    return latest_items(store, spec.destination, versions)


def _needs(spec: ReleaseSpec, task: Task, formats: Sequence[str]) -> Needs:
    texts_in = task.is_written and not OF_TEXTS.isdisjoint(formats)
    return Needs(
        sizes=not OF_SIZES.isdisjoint(formats),
        contents=spec.content == "Embed" or spec.preparation is not None or texts_in,
    )


def _copies(spec: ReleaseSpec, latest: Iterable[DatasetItem]) -> set[str]:
    """Contents of which there are copies that this release takes. A program is shown the items themselves."""
    return {item.sha256 for item in latest if item.held} if spec.content == "Embed" and spec.preparation is None else set()


def _divided(division: Division, origins: Mapping[str, Origin], judged: Sequence[Judged]) -> Division:
    for key, origin in origins.items():
        division.join(key, origin.group or key)
    for each in judged:
        if each.verdict is not Verdict.REMOVED:
            division.join(each.sha256, _group(each, origins))
    return division


def _items(judged: Sequence[Judged], origins: Mapping[str, Origin], division: Division) -> Iterator[DatasetItem]:
    return (
        DatasetItem(
            key=each.key,
            uri=each.uri,
            sha256=each.sha256,
            label=each.consensus.label,
            split=split,
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
        for each, origin, split in ((each, origins.get(each.key, UNKNOWN), division.split(_group(each, origins))) for each in judged)
        if each.verdict == Verdict.AGREED and each.consensus and not (each.accepted and split == "test")
    )


def _group(each: Judged, origins: Mapping[str, Origin]) -> str:
    return origins.get(each.key, UNKNOWN).group or each.key


def _at_copy(file: ExportFile, item: DatasetItem) -> ExportFile:
    """Where the item's bytes are to be had."""
    return file.model_copy(update={"uri": item.held}) if item.held else file


def _counted(excluded: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in excluded.items()) or "nobody annotated anything"
