"""List the sources, and see to it that every item is one task in the labelling project. Nothing that people made is ever touched."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from treadle.api.names import digest
from treadle.api.reasons import Reason
from treadle.contracts import RESULT_LIMIT, Blob, one_line
from treadle.contracts.quality import SNAPSHOTS, RawAnnotation
from treadle.contracts.sync import KEY_FIELD, Item, LeftOut, SyncResult, SyncSpec
from treadle.jobs._failure import JobFailure
from treadle.jobs._kept_labels import kept_labels
from treadle.jobs._known import Unreadable
from treadle.jobs._label_studio import PAGE, LabellingTask, LabelStudio
from treadle.jobs._labelling_tasks import Before, labelling_tasks, mark_of
from treadle.jobs._lines import from_lines, keep, pinned, to_lines
from treadle.jobs._listing import LISTINGS, Found, find
from treadle.jobs._notes import told_of
from treadle.jobs._places import keys_for, split_uri
from treadle.jobs._restore import Lost, Present, as_annotation, lost_of
from treadle.jobs._snapshot import collected, raw_annotations
from treadle.jobs._store import NotThere, Store, below
from treadle.tasks import NotSupportedYet, Task, for_type

LEFT_OUT = "unreadable"
"""Folder of the destination for lists of what could not be read; beside the listings, of which the newest is looked for by its date."""
EXAMPLES = 3
EXAMPLE_LENGTH = 200  # bytes

log = logging.getLogger(__name__)


def sync(spec: SyncSpec) -> SyncResult:
    """Bring the labelling project up to what is at the sources.

    Raises:
        JobFailure: nothing at the sources, or a system refuses or does not answer.
    """
    task = for_type(spec.labels.task)
    if isinstance(task, NotSupportedYet):
        raise JobFailure(Reason.TaskTypeNotSupported, task.message)
    store = Store(spec.store)
    found = find(store, spec, task)
    items, unreadable = found.items, found.unreadable
    examples = () if spec.sensitive else tuple(one_line(f"{bad.uri}: {bad.why}", EXAMPLE_LENGTH) for bad in unreadable[:EXAMPLES])
    gold = sum(item.gold is not None for item in items)
    if len(items) == gold:
        raise JobFailure(Reason.SourceEmpty, _why_empty(spec, len(unreadable), examples))
    listing = keep(store, below(spec.destination, LISTINGS), to_lines(items))
    brought = _bring(store, spec, task, found) if spec.label_studio else _Brought()
    kept = kept_labels(found, spec.keep) if spec.keep else None
    result = SyncResult(
        items=len(items) - gold,
        gold=gold,
        added=brought.added,
        removed=brought.removed,
        duplicates=found.duplicates,
        unreadable=len(unreadable),
        examples=examples,
        unreadable_list=_left_out(store, spec, unreadable),
        broken_notes=brought.broken_notes,
        passed_over=brought.passed_over,
        listing=listing,
        digest=digest([[item.key, item.sha256] for item in items if item.gold is None]),
        annotations=keep(store, below(spec.destination, SNAPSHOTS), kept.lines) if kept else None,
        answers=kept.answers if kept else 0,
        annotated=kept.annotated if kept else 0,
        finished=kept.finished if kept else 0,
        snapshot=brought.snapshot,
        asked_again=brought.asked_again,
        lost_tasks=brought.lost_tasks,
        restored=brought.restored,
        withdrawn=brought.withdrawn,
        unasked=_unasked(store, spec, items),
    )
    while result.examples and len(result.to_json().encode()) > RESULT_LIMIT:  # all of them are in the list
        result = result.model_copy(update={"examples": result.examples[:-1]})
    return result


def _left_out(store: Store, spec: SyncSpec, unreadable: Sequence[Unreadable]) -> Blob | None:
    if not unreadable:
        return None
    lines = sorted((LeftOut(uri=bad.uri, why=bad.why) for bad in unreadable), key=lambda line: (line.uri, line.why))
    return keep(store, below(spec.destination, LEFT_OUT), to_lines(lines))


def _unasked(store: Store, spec: SyncSpec, items: Sequence[Item]) -> int | None:
    """How many items whoever proposes labels was never asked about; None where nobody was asked, or it is not known any more about what."""
    if spec.asked is None:
        return None
    try:
        before = from_lines(Item, store.read(below(spec.destination, LISTINGS, f"{spec.asked}.jsonl")))
        asked = {(item.key, item.sha256) for item in before if item.gold is None}
    except (NotThere, ValidationError):
        log.warning("the listing %s is not readable; nobody knows what is new since then", spec.asked)
        return None
    return sum(item.gold is None and (item.key, item.sha256) not in asked for item in items)


def _why_empty(spec: SyncSpec, unreadable: int, examples: Sequence[str]) -> str:
    where = ", ".join(source.uri for source in spec.sources)
    if not unreadable:
        return f"nothing matches at {where}"
    return f"none of {unreadable} object{'s' if unreadable > 1 else ''} at {where} can be read as {spec.labels.task} needs it" + "".join(
        f"; {example}" for example in examples[:1]
    )


@dataclass(frozen=True)
class _Brought:
    """What a sync did to the labelling project, and what people had answered there when it was done."""

    added: int = 0
    removed: int = 0
    snapshot: Blob | None = None
    asked_again: int = 0
    lost_tasks: int = 0
    restored: int = 0
    withdrawn: int = 0
    broken_notes: int = 0
    passed_over: int = 0


def _bring(store: Store, spec: SyncSpec, task: Task, found: Found) -> _Brought:
    """Keep what people answered, bring back what is lost of it, import what is missing, and drop what nobody needs or touched."""
    assert spec.label_studio
    items = found.items
    backend = LabelStudio(spec.label_studio)
    if not task.is_written and not spec.copy_media:
        for bucket, uri in sorted({split_uri(item.uri)[0]: item.uri for item in items}.items()):
            backend.link_storage(bucket, keys_for(spec.store, uri), presign=spec.media_links == "Presigned")
    present, snapshot = _look(store, spec, backend)
    lost = _lost(store, spec, items, present)
    people = backend.people() if lost.by_key else set()
    answers = {key: [as_annotation(each, people) for each in earlier] for key, earlier in lost.by_key.items()}
    passed_over = _passed_over(found, present)
    missing = [item for item in _mixed(items) if mark_of(item).task_key not in present.tasks]
    told = told_of(store, spec.sources, missing) if any(source.kind == "Feedback" for source in spec.sources) else None
    before = Before(found.said, answers, told.notes if told else None, spec.labels)
    added = 0
    for start in range(0, len(missing), PAGE):
        upload = backend.upload if spec.copy_media else None
        tasks = labelling_tasks(store, task, missing[start : start + PAGE], before, upload)
        backend.import_tasks(tasks)
        added += len(tasks)
    for key in answers.keys() & present.tasks.keys():
        for annotation in answers[key]:
            backend.add_annotation(min(task.id for task in present.tasks[key]), annotation)
    if missing or answers:
        present, snapshot = _look(store, spec, backend)
    wanted = {mark_of(item).task_key for item in items}
    _drop_twins(backend, [tasks for key, tasks in present.tasks.items() if key in wanted])
    gone = [tasks for key, tasks in present.tasks.items() if key not in wanted]
    if spec.removed == "Exclude":
        left = [[task for task in tasks if not _drop_untouched(backend, task)] for tasks in gone]
        gone = [tasks for tasks in left if tasks]
    return _Brought(
        added=added,
        removed=len(gone),
        snapshot=snapshot,
        asked_again=sum(_asked_again(spec, present.tasks.get(key, ()), len(present.answered.get(key, ()))) for key in present.tasks),
        lost_tasks=lost.tasks,
        restored=sum(len(each) for each in answers.values()),
        withdrawn=lost.withdrawn,
        broken_notes=told.broken if told else 0,
        passed_over=passed_over,
    )


def _passed_over(found: Found, present: Present) -> int:
    """How many labels that people gave to items at the sources the labelling project does not hold: one comes with each task, when that is made. What
    came later is not brought to tasks that are there: nobody could tell it from what people took back.
    """
    count = 0
    for item in found.items:
        labels = sum(said.kind == "Annotation" for said in found.said.get(item.key, ())) if item.gold is None else 0
        tasks = present.tasks.get(mark_of(item).task_key, ()) if labels else ()
        held = not tasks or any(not task.untouched for task in tasks)
        count += max(labels - held, 0)
    return count


def _asked_again(spec: SyncSpec, tasks: Sequence[LabellingTask], answers: int) -> bool:
    """Whether an item was disputed by as many people as answer any item, and the next one has not answered yet."""
    most = max((task.overlap for task in tasks), default=0)
    return 1 < spec.answers_per_item <= answers < most


def _look(store: Store, spec: SyncSpec, backend: LabelStudio) -> tuple[Present, Blob]:
    """The labelling project as it is, and where all answers in it are kept now. Tasks come in pages; answers are not held longer than their page."""
    tasks: defaultdict[str, list[LabellingTask]] = defaultdict(list)
    answered: defaultdict[str, set[str]] = defaultdict(set)
    task_ids: set[int] = set()
    annotation_ids: set[int] = set()

    def noted() -> Iterator[LabellingTask]:
        for task in backend.tasks(annotations=True):
            task_ids.add(task.id)
            annotation_ids.update(annotation.id for annotation in task.annotations)
            if key := task.data.get(KEY_FIELD):
                tasks[key].append(task.without_answers())
                answered[key].update(each.annotator for each in raw_annotations(task))
            yield task

    _, lines = collected(noted())
    return Present(tasks, answered, task_ids, annotation_ids), keep(store, below(spec.destination, SNAPSHOTS), lines)


def _lost(store: Store, spec: SyncSpec, items: Sequence[Item], present: Present) -> Lost:
    """What is gone since the last look; by command, also what people took back."""
    assert spec.label_studio
    lost = Lost()
    if spec.earlier is not None:
        same = spec.earlier.project == spec.label_studio.project
        try:
            lost = lost_of(from_lines(RawAnnotation, pinned(store, spec.earlier.snapshot)), items, present, same_project=same)
        except NotThere:
            log.warning("the snapshot %s is gone: nothing can be brought back from it", spec.earlier.snapshot.uri)
    if spec.restore is None:
        return lost
    try:
        asked = lost_of(from_lines(RawAnnotation, pinned(store, spec.restore)), items, present, same_project=False)
    except NotThere:
        log.warning("there is no snapshot %s", spec.restore.uri)
        return lost
    return replace(lost, by_key={**asked.by_key, **lost.by_key}, withdrawn=0)


def _mixed(items: Sequence[Item]) -> list[Item]:
    """The order of import, which is the order that people see: gold items evenly among the others."""
    others, gold = [item for item in items if item.gold is None], [item for item in items if item.gold is not None]
    places = [(place / max(len(each), 1), kind, item) for kind, each in enumerate((others, gold)) for place, item in enumerate(each)]
    return [item for _, _, item in sorted(places, key=lambda each: each[:2])]


def _drop_twins(backend: LabelStudio, present: Sequence[Sequence[LabellingTask]]) -> None:
    """A sync that was killed may have its import carried out after all, beside that of its successor: of twins that nobody touched, one stays."""
    for twins in present:
        untouched = [task for task in twins if task.untouched]
        surplus = untouched if len(untouched) < len(twins) else untouched[1:]
        for task in surplus:
            _drop_untouched(backend, task)


def _drop_untouched(backend: LabelStudio, task: LabellingTask) -> bool:
    """Delete a task that nobody touched, looked at just before; whether it is gone."""
    if not task.untouched or not backend.task(task.id).untouched:
        return False
    backend.delete_task(task.id)
    return True
