"""The moment that a measurement is about: which items have a task, all answers as they are, and when a task last changed. Taken now, or a while ago
by another container of the same pod, for programs that checked it meanwhile.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from treadle.api.reasons import Reason
from treadle.contracts.check import COLLECTED, LABELS, REFUSED, SNAPSHOT, Collected, LabelToCheck, RefusedLabel
from treadle.contracts.prelabel import TASK_FILE, TaskToLabel
from treadle.contracts.prepare import OUTPUT_VARIABLE
from treadle.contracts.quality import SNAPSHOTS, Checking, QualitySpec, Refused
from treadle.contracts.stores import Blob
from treadle.contracts.sync import Item
from treadle.jobs._asking import Newest
from treadle.jobs._consensus import Judged, Judgement, Verdict
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import write_whole
from treadle.jobs._given import Identity
from treadle.jobs._label_studio import LabelStudio
from treadle.jobs._lines import keep, pinned, to_lines
from treadle.jobs._snapshot import collected
from treadle.jobs._store import Store, below
from treadle.jobs._written import Miswritten, NotWritten, written


@dataclass(frozen=True)
class Moment:
    """What there was.

    Attributes:
        marks: items with a task.
        lines: all annotations.
        newest: when a task last changed, by the backend's clock.
        snapshot: where the annotations are kept.
    """

    marks: Set[Identity]
    lines: bytes
    newest: datetime | None
    snapshot: Blob


def taken(store: Store, spec: QualitySpec, backend: LabelStudio | None, listing: Sequence[Item]) -> Moment:
    """Now: everything is read and kept, before anything is changed.

    Raises:
        JobFailure: a system refuses or does not answer.
    """
    newest = Newest()
    if backend:
        marks, lines = collected(newest.of(backend.tasks(annotations=True)))
    else:
        marks, lines = {(item.key, item.sha256) for item in listing}, pinned(store, spec.annotations) if spec.annotations else b""
    return Moment(marks, lines, newest.at, keep(store, below(spec.destination, SNAPSHOTS), lines))


def laid_out(root: Path, moment: Moment, spec: QualitySpec, agreed: Sequence[Judged], listing: Sequence[Item]) -> None:
    """Write the moment for programs that check it, and for the measurement after them."""
    sizes = {(item.key, item.sha256): item.image for item in listing}
    labels = (
        LabelToCheck(
            key=item.key,
            uri=item.uri,
            sha256=item.sha256,
            label=item.consensus.label,
            annotators=len(item.answers),
            image=sizes.get((item.key, item.sha256)),
        )
        for item in agreed
        if item.consensus
    )
    write_whole(root / LABELS, [to_lines(labels)])
    write_whole(root / SNAPSHOT, [moment.lines])
    task = TaskToLabel(type=spec.labels.task, labels=spec.labels.names, relations=spec.labels.relation_names)
    write_whole(root / TASK_FILE, [task.to_json().encode()])
    write_whole(root / COLLECTED, [Collected(marks=tuple(sorted(moment.marks)), newest=moment.newest).to_json().encode()])


def read_back(store: Store, spec: QualitySpec, checking: Checking) -> Moment:
    """The moment that programs have checked."""
    root = Path(checking.labels)
    lines, known = (root / SNAPSHOT).read_bytes(), Collected.model_validate_json((root / COLLECTED).read_bytes())
    return Moment(frozenset(known.marks), lines, known.newest, keep(store, below(spec.destination, SNAPSHOTS), lines))


def refused_by(checking: Checking, names: Sequence[str], agreed: Sequence[Judged]) -> list[Refused]:
    """The labels that programs refuse, by key; of several that refuse one the first counts.

    Raises:
        JobFailure: a program left nothing that can be read, or refuses what it was not shown.
    """
    shown = {item.key: item for item in agreed}
    found: dict[str, Refused] = {}
    for name in names:
        try:
            for number, said in written(Path(checking.refused) / name, REFUSED, RefusedLabel):
                if said.key not in shown:
                    raise Miswritten(number, "its key is that of no label that it was shown")
                item = shown[said.key]
                found.setdefault(said.key, Refused(key=item.key, sha256=item.sha256, check=name, message=said.message))
        except NotWritten as error:
            raise JobFailure(Reason.CheckInvalid, f"{name} left no {REFUSED} in {OUTPUT_VARIABLE}") from error
        except Miswritten as error:
            raise JobFailure(Reason.CheckInvalid, f"{name}: line {error.number} of {REFUSED}: {error.why}") from error
    return [found[key] for key in sorted(found)]


def without(judgement: Judgement, refused: Sequence[Refused]) -> Judgement:
    """The judgement, in which refused labels are none, like those that break a rule."""
    by: Mapping[Identity, str] = {(each.key, each.sha256): each.check for each in refused}

    def held(item: Judged) -> Judged:
        if item.verdict is not Verdict.AGREED or not (check := by.get((item.key, item.sha256), "")):
            return item
        return replace(item, verdict=Verdict.BREAKS_RULE, consensus=None, reviewed=False, rule=check)

    return replace(judgement, items=[held(item) for item in judgement.items]) if by else judgement


def agreed_of(judgement: Judgement) -> list[Judged]:
    """The items on whose label people agree."""
    return [item for item in judgement.items if item.verdict is Verdict.AGREED and item.consensus]
