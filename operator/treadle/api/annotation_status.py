"""What Treadle writes about an AnnotationProject. `AnnotationProjectMemory` is what its plan reads back: only what the world cannot tell."""

from typing import Annotated, Literal

from pydantic import Field

from treadle.api.annotation_proposals import AcceptanceRecord, Count, ProposalsReport, ProposerRecord, StoredFile, VoterReport
from treadle.api.base import Atomic, Digest, ListMap, Measure, Model, Percent, Sha256, Uri
from treadle.api.status import Commands, ExactInstant, Instant, Place, Recent, Said, Text


class StageRecord(Model):
    """The latest attempt at one stage: the record of done work. The same digest and Succeeded means that no Job is needed."""

    digest: Digest
    """Digest of the stage's inputs."""
    attempt: Annotated[int, Field(ge=1)] = 1
    """1 for the first attempt at these inputs."""
    result: Literal["Succeeded", "Failed"]
    """How it ended."""
    reason: Text = ""
    """Why it failed, in one word."""
    message: Said = ""
    """Why it failed, in a sentence."""
    job: Text | None = None
    """Its Job."""
    slot: Count | None = None
    """Of a sync: number of the interval that it was made for."""
    made_at: Instant | None = None
    """When its Job was made."""
    finished_at: Instant | None = None
    """When it ended."""


class Stages(Model):
    """The stages, each a Job."""

    sync: StageRecord | None = None
    """Lists the sources and imports what is new."""
    prelabel: StageRecord | None = None
    """Lets the model propose."""
    rank: StageRecord | None = None
    """Brings proposals to people, and puts the items in order."""
    quality: StageRecord | None = None
    """Stores all annotations, and measures agreement."""
    release: StageRecord | None = None
    """Writes a dataset version."""


class SourceContent(Model):
    """What the last successful sync found. It stays while later syncs fail."""

    digest: Digest
    """Digest of the items: equal means that nothing came, went or changed."""
    items: Count = 0
    """Items in the sources."""
    added: Count = 0
    """Items that were new to the backend."""
    removed: Count = 0
    """Items that are gone from the sources."""
    unreadable: Count = 0
    """Files that could not be read."""
    unreadable_example: Text = ""
    """One of them, with why. Silent when the project is sensitive."""
    unreadable_list: StoredFile | None = None
    """The list of all of them, one JSON object per line: where, and why."""
    broken_notes: Count = 0
    """Notes of deployments that could not be read, of those beside items that were new; such items come without a reason."""
    passed_over: Count = 0
    """Labels at the sources that Label Studio does not hold: of several about an item all but the last, and what came after its task was made."""
    duplicates: Count = 0
    """Files with the content of another."""
    gold: Count = 0
    """Gold items mixed in; they count nowhere else."""
    listing: StoredFile | None = None
    """The list of all items."""
    annotations: StoredFile | None = None
    """With the backend Files: the labels that came with the items."""
    answers: Count = 0
    """With the backend Files: labels that people gave to items."""
    annotated: Count = 0
    """With the backend Files: items with at least one label."""
    finished: Count = 0
    """With the backend Files: items with as many labels as they need."""
    asked_again: Count = 0
    """Items that had the answers asked for at first, and waited for one more."""
    snapshot: StoredFile | None = None
    """What people had answered when the sync ended."""
    unasked: Count | None = None
    """Items that whoever proposes labels had not been asked about when the sync began; silent where that is not known."""
    project: Annotated[int, Field(ge=1)] | None = None
    """Labelling project that the items were imported into."""
    imported_at: Instant | None = None
    """When the last sync ended that brought items to the labelling project."""
    synced_at: Instant | None = None
    """When it ended."""


class AnnotatorReport(Model):
    """How one person answers. Known by a number of the labelling backend only."""

    annotator: Text
    """Who, as `u` and the number in the backend."""
    annotations: Count = 0
    """Answers, gold items not counted."""
    agreement: Measure | None = None
    """How like the consensus of the others their answers are, 0 to 1."""
    reliability: Measure | None = None
    """With the method DawidSkene: how likely an answer is right."""
    gold: Count = 0
    """Gold items that they answered."""
    gold_accuracy: Measure | None = None
    """How like the known answers theirs are, 0 to 1."""
    excluded: bool = False
    """Their answers count for nothing, since they miss the bound of gold items."""


class LabelReport(Model):
    """How one label is used."""

    label: Text
    """Its name."""
    items: Count = 0
    """Items whose consensus shows it."""
    agreement: Measure | None = None
    """Agreement about this label alone."""


class RuleReport(Model):
    """How often a rule of `spec.quality.validation` is broken."""

    rule: Text
    """Its name."""
    items: Count = 0
    """Items whose label breaks it; they are left out of versions."""


class MeasureReport(Model):
    """Agreement in one measure."""

    measure: Text
    """Its name, as spec.quality.agreement.metric says it."""
    value: Measure
    """How far people agree."""


class QualityReport(Model):
    """What the last successful quality run measured. It stays while later runs fail."""

    digest: Digest
    """Digest of what was measured; the target of the command release."""
    occasion: Text | None = None
    """What the run was made for."""
    policy: Text = ""
    """Digest of how answers became labels, and of the bounds on gold items and reviews; empty for the default."""
    snapshot: StoredFile
    """All annotations, stored as they were then."""
    items: Count = 0
    """Items in the labelling project."""
    annotated: Count = 0
    """Items with at least one annotation."""
    complete: Count = 0
    """Items with as many annotations as they need."""
    annotations: Count = 0
    """Annotations."""
    annotators: Count = 0
    """People who annotated."""
    agreed: Count = 0
    """Items with a consensus."""
    disputed: Count = 0
    """Items without a majority."""
    skipped: Count = 0
    """Items that annotators skipped."""
    removed: Count = 0
    """Annotated items that are gone from the sources."""
    asked_again: Count = 0
    """Disputed items that wait for one more annotator."""
    above_limit: Count = 0
    """People who answered more items than `spec.workforce.annotators` allows."""
    in_review: Count = 0
    """Items that wait for a reviewer."""
    reviewed: Count = 0
    """Items whose label is a reviewer's word."""
    unheard: Count = 0
    """Items that only excluded people answered."""
    gold: Count = 0
    """Gold items that somebody answered."""
    below_gold: Count = 0
    """People whose answers to gold items miss the bound."""
    invalid: Count = 0
    """Annotations that break a rule of the task."""
    metric: Text | None = None
    """Measure of agreement."""
    agreement: Measure | None = None
    """Agreement; silent when no item has two annotations."""
    percent_agreement: Measure | None = None
    """Share of pairs of annotations that are equal."""
    mean_iou: Measure | None = None
    """Mean overlap of what annotators marked."""
    measures: Annotated[tuple[MeasureReport, ...], Recent(), ListMap("measure")] = ()
    """Agreement in the further measures that fit the task type."""
    suspected: Count | None = None
    """Labels that are probably wrong. Silent when they are not looked for, or cannot be told."""
    model_accuracy: Measure | None = None
    """How often the model behind this gives the label that people gave, for items that it was not trained with."""
    accepted: Count = 0
    """Items whose label is an accepted proposal."""
    accepted_by: Digest | None = None
    """Digest of whoever proposed it."""
    accepted_from: Text = ""
    """The name of whoever proposed it, as people see it."""
    audited: Count = 0
    """Accepted proposals that people answered too."""
    audited_right: Count = 0
    """Those of them that people agree with."""
    precision: Measure | None = None
    """Their share: how right accepted labels are."""
    accepted_list: StoredFile | None = None
    """The accepted proposals that were measured."""
    findings: StoredFile | None = None
    """Items that a person should look at, one JSON object per line: disputed, waiting for review, probably wrong."""
    refused: StoredFile | None = None
    """Labels that images of spec.quality.validation refuse, one JSON object per line."""
    by_annotator: Annotated[tuple[AnnotatorReport, ...], Recent(), ListMap("annotator")] = ()
    """People, those first who need a look. Silent when the project is sensitive."""
    by_label: Annotated[tuple[LabelReport, ...], Recent(), ListMap("label")] = ()
    """Labels, those first that people agree least on."""
    by_rule: Annotated[tuple[RuleReport, ...], Recent(), ListMap("rule")] = ()
    """Rules and images of `spec.quality.validation` that labels fail."""
    measured_at: Instant | None = None
    """When it ended."""
    settled_at: ExactInstant | None = None
    """By the labelling backend's clock, when this run last asked for one more annotator; nobody else had changed anything since it looked."""


class DatasetVersion(Model):
    """One released version."""

    version: Annotated[int, Field(ge=1)]
    """Its number."""
    digest: Sha256
    """Identity of its content."""
    uri: Uri
    """Folder it is in."""
    items: Count = 0
    """Items in it."""
    agreed: Count | None = None
    """Items that people agree on, where dataset.prepare makes others of them."""
    excluded: Count = 0
    """Items left out: disputed, in review, removed or skipped."""
    agreement: Measure | None = None
    """Agreement of the annotations it was made from."""
    quality: Digest | None = None
    """Digest of the last quality run that is part of it."""
    released_at: Instant | None = None
    """When it was released."""


class TrainedVersion(Model):
    """The last TrainingRun that was made, so that one which was deleted is not made again."""

    run: Text
    """Its name."""
    version: Annotated[int, Field(ge=1)]
    """Dataset version it trains on."""
    template: Digest
    """Digest of the template."""


class LabellingProjectStatus(Model):
    """The project in the labelling backend."""

    id: Annotated[int, Field(ge=1)]
    """Its number."""
    url: Place | None = None
    """Its page."""
    connection: Text | None = None
    """Connection it is reached through."""
    adopted: bool | None = None
    """Whether it was there before; then it is never deleted."""
    setup: Text | None = None
    """Digest of how it was set up when that was last as wanted."""


class Incident(Model):
    """Something that somebody did to the labelling project by hand, and what became of it."""

    what: Literal["ProjectLost", "SetupEdited", "TasksDeleted", "AnswersTakenBack", "Restored"]
    """What happened."""
    found: Text
    """What was found: the number of the project, a digest of its set-up, or the digest of the last snapshot before."""
    message: Said = ""
    """The same in a sentence, with numbers."""
    snapshot: StoredFile | None = None
    """The last snapshot before it happened."""
    noticed_at: Instant | None = None
    """When it was noticed."""
    repaired_at: Instant | None = None
    """When it was repaired; silent while it is not."""


class LabellingProgress(Model):
    """How far people are, as the backend counts."""

    items: Count = 0
    """Items to annotate."""
    annotated: Count = 0
    """Items with at least one annotation."""
    finished: Count = 0
    """Items with as many annotations as they need."""
    annotations: Count = 0
    """Annotations."""
    skipped: Count = 0
    """Items that annotators skipped."""
    predicted: Count = 0
    """Items with a proposal."""
    in_review: Count = 0
    """Items that wait for a review."""
    percent: Percent = 0
    """Share of the items that are finished."""
    at: Instant | None = None
    """When it was counted."""


class AnnotationProjectMemory(Model):
    """What the plan of an AnnotationProject reads back from status."""

    stages: Stages = Stages()
    """The stages' records of done work."""
    source: SourceContent | None = None
    """What the last sync found."""
    quality: QualityReport | None = None
    """What the last quality run measured."""
    proposer: ProposerRecord | None = None
    """Who proposes labels."""
    proposals: ProposalsReport | None = None
    """What is proposed."""
    acceptance: AcceptanceRecord | None = None
    """Why proposals are not accepted as labels any more."""
    dataset: DatasetVersion | None = None
    """The latest version."""
    releases: Annotated[tuple[DatasetVersion, ...], Recent(), ListMap("version")] = ()
    """The last versions."""
    trained: TrainedVersion | None = None
    """The last TrainingRun that was made."""
    commands: Commands = ()
    """Commands that were handled."""
    labelling_project: LabellingProjectStatus | None = None
    """The project in the labelling backend, as it was last seen."""
    progress: LabellingProgress | None = None
    """How far people are, as it was last told: at most once a minute."""
    incidents: Annotated[tuple[Incident, ...], Recent(), Atomic()] = ()
    """What was done to the labelling project by hand, and repaired."""


class AnnotationProjectStatus(AnnotationProjectMemory):
    """What people and programs see of an AnnotationProject."""

    run: Text | None = None
    """The TrainingRun of the latest version."""


__all__ = [
    "AcceptanceRecord",
    "AnnotationProjectMemory",
    "AnnotationProjectStatus",
    "AnnotatorReport",
    "DatasetVersion",
    "Incident",
    "LabelReport",
    "LabellingProgress",
    "LabellingProjectStatus",
    "ProposalsReport",
    "ProposerRecord",
    "QualityReport",
    "SourceContent",
    "StageRecord",
    "Stages",
    "StoredFile",
    "TrainedVersion",
    "VoterReport",
]
