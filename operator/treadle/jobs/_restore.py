"""Bring back what people answered, where somebody deleted it: their words from a snapshot, in their names, into tasks for the same content.

What a person has answered again since, or still has, stays as it is: bringing back never overwrites. Done twice, it is done once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from treadle.contracts.quality import RawAnnotation
from treadle.contracts.sync import Item
from treadle.jobs._given import Identity
from treadle.jobs._label_studio import LabellingTask
from treadle.jobs._labelling_tasks import mark_of


@dataclass(frozen=True)
class Present:
    """The labelling project as it is: its tasks by their keys, who has answered them, and the ids of tasks and answers."""

    tasks: Mapping[str, Sequence[LabellingTask]]
    answered: Mapping[str, Set[str]]
    task_ids: Set[int]
    annotation_ids: Set[int]


@dataclass(frozen=True)
class Lost:
    """What an earlier snapshot holds and the labelling project does not.

    Attributes:
        by_key: answers to bring back, by the keys of their tasks.
        tasks: so many tasks that held some of them are gone.
        withdrawn: answers that are gone from tasks that are there.
    """

    by_key: Mapping[str, Sequence[RawAnnotation]] = field(default_factory=dict)
    tasks: int = 0
    withdrawn: int = 0


def lost_of(earlier: Iterable[RawAnnotation], items: Sequence[Item], present: Present, *, same_project: bool) -> Lost:
    """What is lost of earlier answers to items that are still at the sources.

    Args:
        earlier: a snapshot.
        items: of the listing.
        present: the labelling project now.
        same_project: the snapshot is of this very project: what is gone from a task that is there was taken back by people. False: everything that
            people have not answered since is brought back.
    """
    keys: Mapping[Identity, str] = {(item.key, item.sha256): mark_of(item).task_key for item in items}
    lost: list[tuple[str, RawAnnotation]] = []  # few, whereas of those that are there one at a time is held
    withdrawn = 0
    for answer in earlier:
        key = keys.get((answer.key, answer.sha256))
        if key is None or (same_project and answer.annotation in present.annotation_ids) or answer.annotator in present.answered.get(key, ()):
            continue
        if same_project and answer.task in present.task_ids:
            withdrawn += 1
        else:
            lost.append((key, answer))
    found: defaultdict[str, dict[str, RawAnnotation]] = defaultdict(dict)
    for key, answer in sorted(lost, key=lambda each: (each[1].updated_at, each[1].annotation)):
        found[key][answer.annotator] = answer
    by_key = {key: sorted(answers.values(), key=lambda each: each.annotation) for key, answers in found.items()}
    return Lost(by_key, len({answer.task for _, answer in lost}), withdrawn)


def as_annotation(answer: RawAnnotation, people: Set[int]) -> Mapping[str, Any]:
    """An answer as it is imported; of people whom the backend does not know any more, in nobody's name."""
    who = answer.annotator.removeprefix("u")
    known = {"completed_by": int(who)} if who.isdigit() and int(who) in people else {}
    return {"result": list(answer.result), "was_cancelled": answer.skipped, "lead_time": answer.seconds, **known}


__all__ = ["Lost", "Present", "as_annotation", "lost_of"]
