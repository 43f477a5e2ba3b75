"""Everything that people answered, as it stands in the labelling backend: kept before anything is changed, so that nothing of it can be lost."""

from collections.abc import Iterable, Iterator, Set
from contextlib import suppress

from pydantic import ValidationError

from treadle.api.names import digest
from treadle.contracts.quality import RawAnnotation
from treadle.contracts.sync import MARK_FIELD, TaskMark
from treadle.jobs._given import Identity
from treadle.jobs._label_studio import LabellingTask
from treadle.jobs._lines import to_lines


def collected(tasks: Iterable[LabellingTask]) -> tuple[Set[Identity], bytes]:
    """Which items have a task, and all annotations as lines sorted by key. Tasks come in pages, and none is held longer than its page."""
    marks: set[Identity] = set()
    lines: list[tuple[str, int, bytes]] = []
    for task in tasks:
        if isinstance(mark := (task.meta or {}).get(MARK_FIELD), dict):
            marks.add((str(mark.get("key")), str(mark.get("sha256"))))
        lines += [(each.key, each.annotation, to_lines([each])) for each in raw_annotations(task)]
    return marks, b"".join(line for _, _, line in sorted(lines))


def raw_annotations(task: LabellingTask) -> Iterator[RawAnnotation]:
    """A task's annotations. Those of a task that is none of ours (made by hand, or there before the project was adopted) are kept like all others."""
    key, uri, sha256 = f"task:{task.id}", "", digest(task.data)
    with suppress(ValidationError):
        mark = TaskMark.model_validate((task.meta or {}).get(MARK_FIELD))
        key, uri, sha256 = mark.key, mark.uri, mark.sha256
    for annotation in task.annotations:
        yield RawAnnotation(
            key=key,
            uri=uri,
            sha256=sha256,
            task=task.id,
            annotation=annotation.id,
            annotator=f"u{annotation.completed_by}" if annotation.completed_by else f"a{annotation.id}",
            wanted=max(task.overlap, 1),
            skipped=annotation.was_cancelled,
            created_at=annotation.created_at,
            updated_at=annotation.updated_at,
            seconds=annotation.lead_time,
            result=annotation.result,
        )
