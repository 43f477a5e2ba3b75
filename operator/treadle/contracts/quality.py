"""The quality Job: keep every annotation, then measure how far people agree, and what they agree on."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.stores import Blob, LabelStudioConnection, StoreConnection

SNAPSHOTS = "snapshots"
"""Folder of the destination in which snapshots of all answers are kept."""


class GoldPolicy(Contract):
    """What follows for people who miss the known answers of gold items."""

    minimum: str = Field(max_length=20, description="Accuracy that is expected of everybody, a decimal.")
    exclude: bool = Field(default=False, description="The answers of people below it count for nothing.")


class ReviewPolicy(Contract):
    """Which items wait for a second look. The reviewer's word wins."""

    sample_percent: int = Field(default=0, ge=0, le=100, description="Share of the items, chosen by a stable hash.")
    disputed: bool = Field(default=False, description="And every item whose answers give no consensus.")
    reviewers: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=(), max_length=50, description="Whose answers are reviews; none: those of people who answer an item after as many as wanted did."
    )


class Rule(Contract):
    """What every label of a version holds to."""

    name: str = Field(max_length=63)
    rule: str = Field(max_length=1024, description="CEL; see `jobs/_rules.py` for what it knows.")


class Check(Contract):
    """A program of the user's that refuses labels; see `contracts.check`."""

    name: str = Field(max_length=63)
    image: str = Field(max_length=1024)
    command: tuple[str, ...] = Field(default=(), max_length=200)


class ConsensusPolicy(Contract):
    """How several answers become one label. Part of a dataset version's identity."""

    method: Literal["MajorityVote", "DawidSkene"] = "MajorityVote"
    disputed: Literal["Exclude"] = "Exclude"
    gold: GoldPolicy | None = None
    review: ReviewPolicy | None = None
    rules: tuple[Rule, ...] = Field(default=(), max_length=20, description="Items whose label breaks one are left out.")
    checks: tuple[Check, ...] = Field(default=(), max_length=20, description="Items whose label one of them refuses are left out.")


class AnnotatorLimit(Contract):
    """How many items a person shall answer at most."""

    annotator: str = Field(max_length=128, description="As snapshots name people.")
    items: int = Field(ge=0)


class Checking(Contract):
    """Where in the pod programs of users find what they check, and where each of them leaves what it refuses, below its name."""

    labels: str = Field(max_length=256)
    refused: str = Field(max_length=256)


class Refused(Contract):
    """One line of the list of refused labels: the item as it was then, and who refused it."""

    key: str
    sha256: Sha256
    check: str
    message: str = ""


class QualitySpec(JobSpec):
    """Which labelling project to look at."""

    kind: Literal["quality"] = "quality"
    contract: Literal[1] = 1
    labels: LabelSchema
    destination: DataUri = Field(description="The project's dataset destination; snapshots are kept under `snapshots/` there.")
    store: StoreConnection
    label_studio: LabelStudioConnection | None = None
    annotations: Blob | None = Field(default=None, description="Without a labelling backend: the labels that the last sync kept.")
    items: Blob | None = Field(default=None, description="Item listing of the last sync; what is not in it any more does not count.")
    removed: Literal["Exclude", "Keep"] = Field(default="Exclude", description="Keep: items that are not in the listing any more count too.")
    consensus: ConsensusPolicy = ConsensusPolicy()
    most_answers: int = Field(default=0, ge=0, description="A disputed item gets one more annotator until it has so many answers; 0: none does.")
    answers_per_item: int = Field(default=1, ge=1, description="So many people answer an item that is not disputed.")
    limits: tuple[AnnotatorLimit, ...] = Field(default=(), max_length=200, description="Of people who shall answer no more than so many items.")
    label_errors: bool = Field(default=False, description="Look for labels that are probably wrong; reads every item.")
    accepted: Blob | None = Field(default=None, description="Proposals that are taken as labels, one `contracts.rank.AcceptedLabel` per line.")
    checking: Checking | None = Field(default=None, description="Programs have checked a snapshot, which is what is measured.")
    occasion: str = Field(
        default="", max_length=128, description="What is new since the last run (a digest of counts, say): another one makes a new Job."
    )


class RawAnnotation(Contract):
    """One line of a snapshot: what one person answered, in the backend's own words, nothing lost."""

    later: ClassVar[frozenset[str]] = frozenset({"label"})

    key: str = Field(description="The item's key.")
    uri: str = Field(description="The item's; empty for a task that is none of ours, whose answers are kept and count for nothing.")
    sha256: Sha256 = Field(description="Of the content that the person saw; of the task's data where it is none of ours.")
    task: int = Field(description="Id of the task in the backend; 0 without a backend.")
    annotation: int = Field(description="Id of the annotation in the backend.")
    annotator: str = Field(description="Opaque: `u` and the id in the backend, `a` and the annotation's where the person is gone; names nobody.")
    wanted: int = Field(default=1, ge=1, description="How many answers the backend wants for this task.")
    skipped: bool = False
    created_at: str = ""
    updated_at: str = ""
    seconds: float | None = Field(default=None, description="How long it took the person.")
    result: tuple[dict[str, object], ...] = ()
    label: Label | None = Field(default=None, description="The answer where it came as a label of its own, and not in a backend's words.")


class Finding(Contract):
    """One line of the findings of a quality run: an item that a person should look at, and why."""

    key: str
    uri: str
    tasks: tuple[int, ...] = Field(description="Where it is in the labelling backend.")
    what: Literal["Disputed", "InReview", "LabelError", "BreaksRule"]
    label: Label | None = Field(default=None, description="What it is called now, if people agree.")
    suggested: str = Field(default="", description="Of a label error: what a model that has not seen the label says.")
    margin: float | None = Field(default=None, description="Of a label error: by how much more likely that is than the label, 0 to 1.")
    rule: str = Field(default="", description="The rule that the label breaks.")

    later: ClassVar[frozenset[str]] = frozenset({"rule"})


class AnnotatorNumbers(Contract):
    """How one person answers."""

    annotator: str
    annotations: int
    agreement: float | None = Field(
        default=None, description="How like the consensus of others their answers are on average, 0 to 1, where others answered."
    )
    reliability: float | None = Field(default=None, description="By Dawid and Skene, where that is the method: how likely an answer is right.")
    gold: int = Field(default=0, description="Gold items that were answered.")
    gold_accuracy: float | None = Field(default=None, description="How like the known answers theirs are on average, 0 to 1.")
    excluded: bool = Field(default=False, description="Their answers count for nothing.")


class PairNumbers(Contract):
    """How far two people agree over the items that both answered."""

    one: str
    other: str
    items: int = Field(description="That both answered.")
    alike: float = Field(description="How like each other their answers are on average, 0 to 1.")
    kappa: float | None = Field(default=None, description="Cohen's, where an answer is one label; of a scale, weighted by squared distance.")


class LabelNumbers(Contract):
    """How one label is used."""

    label: str
    items: int = Field(description="Items whose consensus shows it.")
    agreement: float | None = Field(
        default=None, description="Of this label alone, in the shape's measure: Krippendorff's alpha against all others, or F1 of its boxes."
    )


class RuleNumbers(Contract):
    """How often one rule is broken."""

    rule: str
    items: int = Field(description="Items whose label breaks it, before any other.")


class QualityResult(Result):
    """The state of the labels. Lists hold at most 20 entries: the annotators with the lowest agreement, the labels with the lowest."""

    kind: Literal["quality"] = "quality"
    snapshot: Blob = Field(description="Every annotation, one JSON `RawAnnotation` per line.")
    digest: Sha256 = Field(description="Of snapshot, item listing, schema and policy: what a release would be made from.")
    items: int = Field(description="Items that count: with a task, and still at the source.")
    annotated: int = Field(description="Items with at least one answer.")
    complete: int = Field(description="Items with as many answers as wanted, skips included.")
    annotations: int = Field(description="Answers that count.")
    annotators: int
    agreed: int = Field(description="Complete items with a consensus: what a release would hold.")
    disputed: int = Field(default=0, description="Complete items whose answers give no consensus.")
    skipped: int = Field(default=0, description="Answers that skip the item.")
    invalid: int = Field(default=0, description="Answers that the label schema does not allow; they count for nothing.")
    in_review: int = Field(default=0, description="Items that wait for a reviewer.")
    reviewed: int = Field(default=0, description="Items whose label is a reviewer's word.")
    unheard: int = Field(default=0, description="Items that only people answered whose answers count for nothing.")
    gold: int = Field(default=0, description="Gold items that somebody answered; they count nowhere else.")
    below_gold: int = Field(default=0, description="People whose answers to gold items miss the bound.")
    accepted: int = Field(default=0, description="Items whose label is an accepted proposal; people answered none of them.")
    audited: int = Field(default=0, description="Accepted proposals that people answered too, with a consensus.")
    audited_right: int = Field(default=0, description="Those of them that people agree with.")
    accepted_list: Blob | None = Field(default=None, description="The accepted proposals that were measured.")
    removed: int = Field(default=0, description="Annotated items that are gone from the source or have other content now.")
    asked_again: int = Field(default=0, description="Disputed items that wait for one more annotator.")
    above_limit: int = Field(default=0, description="People who answered more items than they shall.")
    metric: str = Field(default="KrippendorffAlpha", description="What `agreement` is: the default measure of the task type.")
    agreement: float | None = Field(default=None, description="None: no item has two answers, or all answers are the same class.")
    percent_agreement: float | None = Field(
        default=None, description="Mean share of equal pairs of answers, over items with two answers or more, 0 to 1; only for classes."
    )
    mean_iou: float | None = Field(
        default=None, description="Mean overlap of matched parts, 0 to 1, a part without a partner counting as 0; only for what has a place."
    )
    measures: dict[str, float] = Field(default_factory=dict, description="Agreement in the further measures of the task type, by their names.")
    suspected: int | None = Field(default=None, description="Labels that are probably wrong. None: not looked for, or it cannot be told.")
    model_accuracy: float | None = Field(
        default=None, description="Of the model that the suspicion rests on, over items that it had not seen, by the labels as they are; 0 to 1."
    )
    findings: Blob | None = Field(default=None, description="Items that a person should look at, one JSON `Finding` per line.")
    settled_at: datetime | None = Field(
        default=None, description="By the backend's clock, when this last asked for one more annotator; nobody else changed anything meanwhile."
    )
    refused: Blob | None = Field(default=None, description="Labels that programs refuse, one JSON `Refused` per line.")
    by_annotator: tuple[AnnotatorNumbers, ...] = Field(default=(), max_length=20)
    by_label: tuple[LabelNumbers, ...] = Field(default=(), max_length=20)
    by_rule: tuple[RuleNumbers, ...] = Field(default=(), max_length=20, description="Rules that labels break.")

    later: ClassVar[frozenset[str]] = frozenset({"by_rule", "measures", "refused", "settled_at"})


__all__ = [
    "SNAPSHOTS",
    "AnnotatorLimit",
    "AnnotatorNumbers",
    "Check",
    "Checking",
    "ConsensusPolicy",
    "Finding",
    "GoldPolicy",
    "LabelNumbers",
    "PairNumbers",
    "QualityResult",
    "QualitySpec",
    "RawAnnotation",
    "Refused",
    "ReviewPolicy",
    "Rule",
    "RuleNumbers",
]
