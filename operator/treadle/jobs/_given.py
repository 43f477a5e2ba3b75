"""What people gave, item by item: the latest word of each, read as canonical labels; reviews apart from answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.quality import RawAnnotation, ReviewPolicy
from treadle.jobs._light import Answers
from treadle.tasks import Invalid, Task

Identity = tuple[str, str]
"""Key and content of an item: other content under the same key is another item, for nobody has seen it."""


@dataclass(frozen=True, slots=True)
class Given:
    """An annotated item.

    Attributes:
        answers: annotator and label, valid ones only, by annotator.
        skips: annotators who skipped it.
        invalid: answers that the schema does not allow.
        wanted: so many people are to answer it.
        complete: as many people as wanted answered or skipped it.
        review: the latest valid word of a reviewer.
        tasks: where it is in the labelling backend; several, where an import was carried out twice.
    """

    key: str
    uri: str
    sha256: str
    answers: Answers
    skips: int
    invalid: int
    wanted: int
    complete: bool
    review: Label | None
    tasks: tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """Which items count.

    Attributes:
        present: those that are still at the sources; None: all.
        known: the answers of gold items.
    """

    present: Set[Identity] | None
    known: Mapping[Identity, Label]

    def is_present(self, item: Given) -> bool:
        """Whether it is still at the sources, with this content."""
        return self.present is None or (item.key, item.sha256) in self.present

    def is_gold(self, item: Given) -> bool:
        """Whether people are measured by it."""
        return (item.key, item.sha256) in self.known


def given(annotations: Iterable[RawAnnotation], schema: LabelSchema, task: Task, review: ReviewPolicy | None) -> list[Given]:
    """What people gave, by key and content. Answers to what is no item of ours have no URI, and are passed over.

    Args:
        annotations: sorted by key, as a snapshot is: one item at a time is held in the backend's own words.
        schema: of the project.
        task: of the project.
        review: whose answers are reviews.
    """
    found: list[Given] = []
    for _, of_key in groupby(annotations, key=lambda each: each.key):
        by_content: defaultdict[str, list[RawAnnotation]] = defaultdict(list)
        for annotation in of_key:
            if annotation.uri:
                by_content[annotation.sha256].append(annotation)
        found += [_given(by_content[sha256], schema, task, review) for sha256 in sorted(by_content)]
    return found


def _given(annotations: Sequence[RawAnnotation], schema: LabelSchema, task: Task, review: ReviewPolicy | None) -> Given:
    wanted = max(each.wanted for each in annotations)
    reviewers = _reviewers(annotations, wanted, review)
    latest = {each.annotator: each for each in sorted(annotations, key=lambda each: (each.updated_at, each.annotation))}
    parsed = {who: each.label or task.parse(each.result, schema) for who, each in sorted(latest.items()) if not each.skipped}
    valid = {who: label for who, label in parsed.items() if not isinstance(label, Invalid)}
    answers = Answers([(who, label) for who, label in valid.items() if who not in reviewers])
    skips = sum(each.skipped for who, each in latest.items() if who not in reviewers)
    reviews = sorted((each for who, each in latest.items() if who in reviewers and who in valid), key=lambda each: (each.updated_at, each.annotation))
    first = annotations[0]
    return Given(
        key=first.key,
        uri=first.uri,
        sha256=first.sha256,
        answers=answers,
        skips=skips,
        invalid=sum(isinstance(label, Invalid) for who, label in parsed.items() if who not in reviewers),
        wanted=wanted,
        complete=len(answers) + skips >= wanted,
        review=valid[reviews[-1].annotator] if reviews else None,
        tasks=tuple(sorted({each.task for each in annotations if each.task})),
    )


def _reviewers(annotations: Sequence[RawAnnotation], wanted: int, review: ReviewPolicy | None) -> frozenset[str]:
    """Whose words about this item are reviews."""
    if review is None:
        return frozenset()
    if review.reviewers:
        return frozenset(review.reviewers)
    came = sorted(annotations, key=lambda each: (each.created_at, each.annotation))
    in_order = list(dict.fromkeys(each.annotator for each in came))
    return frozenset(in_order[wanted:])
