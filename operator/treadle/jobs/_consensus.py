"""From raw annotations to what people agree on, item by item. The quality Job counts it, the release Job publishes it: one function, one truth."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, RawAnnotation, ReviewPolicy
from treadle.contracts.sync import Item
from treadle.jobs._given import Given, Identity, Wanted, given
from treadle.jobs._light import Answer, Answers, LabelsOf, Reached, light
from treadle.jobs._people import Standing, standings
from treadle.jobs._rules import Rules
from treadle.statistics.shapes import SHAPES, Consensus, Shape
from treadle.statistics.splits import BUCKETS, bucket
from treadle.tasks import Task


class Verdict(StrEnum):
    """What becomes of an annotated item. Only agreed ones are released; the others are counted by this name."""

    AGREED = "Agreed"
    DISPUTED = "Disputed"
    IN_REVIEW = "InReview"
    INCOMPLETE = "Incomplete"
    SKIPPED = "Skipped"
    INVALID = "Invalid"
    UNHEARD = "Unheard"
    REMOVED = "Removed"
    GOLD = "Gold"
    BREAKS_RULE = "BreaksRule"


@dataclass(frozen=True, slots=True)
class Judged:
    """One annotated item: who says what, and what follows.

    Attributes:
        answers: annotator and label; the latest of each annotator whose answers count.
        skips: annotators who skipped it.
        invalid: answers that the schema does not allow.
        reviewed: the label is a reviewer's word.
        rule: the name of the rule that the label breaks.
        disputed: as many people as wanted answered, and do not agree.
        wanted: so many answers make it complete.
        accepted: the label is a proposal, and nobody answered.
        tasks: where it is in the labelling backend.
    """

    key: str
    uri: str
    sha256: str
    answers: Sequence[Answer]
    skips: int
    invalid: int
    complete: bool
    verdict: Verdict
    consensus: Reached | None
    reviewed: bool = False
    disputed: bool = False
    wanted: int = 1
    tasks: tuple[int, ...] = ()
    accepted: bool = False
    rule: str = ""


@dataclass(frozen=True)
class Judgement:
    """All annotated items, sorted by key, and how the people stand."""

    items: Sequence[Judged]
    people: Mapping[str, Standing]


def judge_all(
    annotations: Iterable[RawAnnotation], wanted: Wanted, schema: LabelSchema, task: Task, policy: ConsensusPolicy | None = None
) -> Judgement:
    """Judge every annotated item; answers to what is no item of ours are passed over. Annotations are sorted by key.

    Raises:
        JobFailure: a rule of the policy cannot be asked.
    """
    policy = policy or ConsensusPolicy()
    shape: Shape[Label] = SHAPES[task.shape]
    items = given(annotations, schema, task, policy.review)
    people = standings(shape, items, wanted.known, policy.gold)
    heard = [_heard(item.answers, {who for who in item.answers.people if people[who].excluded}) for item in items]
    reached, reliability = _reached(shape, heard, schema, policy.method)
    rules = Rules(policy.rules, task.shape)
    judged = [held(_judge(shape, item, answers, found, wanted, policy), rules) for item, answers, found in zip(items, heard, reached, strict=True)]
    return Judgement(judged, {who: standing.with_reliability(reliability.get(who)) for who, standing in people.items()})


def held(judged: Judged, rules: Rules) -> Judged:
    """The item, whose label holds to the rules or is none."""
    broken = rules.broken(judged.consensus.label) if judged.consensus else ""
    return replace(judged, verdict=Verdict.BREAKS_RULE, consensus=None, reviewed=False, rule=broken) if broken else judged


def _heard(answers: Answers, excluded: Set[str]) -> Answers:
    return Answers([answer for answer in answers if answer[0] not in excluded]) if excluded else answers


def _reached(
    shape: Shape[Label], heard: Sequence[Answers], schema: LabelSchema, method: str
) -> tuple[Iterable[Consensus[Label] | None], Mapping[str, float]]:
    if method == "DawidSkene" and shape.weighed is not None:
        weighed = shape.weighed(heard, schema.names)
        return weighed.consensus, weighed.accuracy
    return (shape.consensus(labels) for labels in LabelsOf(heard)), {}


def _judge(
    shape: Shape[Label],
    item: Given,
    answers: Answers,
    reached: Consensus[Label] | None,
    wanted: Wanted,
    policy: ConsensusPolicy,
) -> Judged:
    consensus = reached if item.complete else None
    if item.review is not None:
        alike = fmean(shape.similarity(label, item.review) for _, label in answers) if answers else 1.0
        consensus = Consensus(item.review, alike)
    verdict = _verdict(item, wanted, heard=bool(answers), agreed=consensus is not None, review=policy.review)
    return Judged(
        key=item.key,
        uri=item.uri,
        sha256=item.sha256,
        answers=answers,
        skips=item.skips,
        invalid=item.invalid,
        complete=item.complete,
        verdict=verdict,
        consensus=light(consensus) if consensus and verdict is Verdict.AGREED else None,
        reviewed=item.review is not None and verdict is Verdict.AGREED,
        disputed=item.complete and bool(answers) and consensus is None and verdict in (Verdict.DISPUTED, Verdict.IN_REVIEW),
        wanted=item.wanted,
        tasks=item.tasks,
    )


def _verdict(item: Given, wanted: Wanted, *, heard: bool, agreed: bool, review: ReviewPolicy | None) -> Verdict:
    if wanted.is_gold(item):
        return Verdict.GOLD
    if not wanted.is_present(item):
        return Verdict.REMOVED
    if item.review is not None:
        return Verdict.AGREED
    if not item.complete:
        return Verdict.INVALID if item.invalid else Verdict.INCOMPLETE
    if not item.answers:
        return Verdict.SKIPPED
    if not heard:
        return Verdict.UNHEARD
    if review is not None and (_sampled(item, review) or (review.disputed and not agreed)):
        return Verdict.IN_REVIEW
    return Verdict.AGREED if agreed else Verdict.DISPUTED


def _sampled(item: Given, review: ReviewPolicy) -> bool:
    return bucket(item.key, "review") < review.sample_percent * BUCKETS // 100


def wanted_of(listing: Iterable[Item] | None, removed: str = "Exclude") -> Wanted:
    """What the listing says of the items; without one, all count and none is gold."""
    known: dict[Identity, Label] = {}
    present: set[Identity] = set()
    for item in listing or ():
        present.add((item.key, item.sha256))
        if item.gold is not None:
            known[item.key, item.sha256] = item.gold
    return Wanted(None if listing is None or removed == "Keep" else present, known)
