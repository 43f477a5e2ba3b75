"""The sync Job: list the sources, and see to it that every item is a task in the labelling project."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue

from treadle.api.base import DataUri, Sha256
from treadle.api.names import digest
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.labels import ImageSize, Label, LabelSchema
from treadle.contracts.stores import Blob, LabelStudioConnection, StoreConnection

KEY_FIELD = "treadle_key"
"""Field of a labelling task's data that names item and content: how tasks are found again. Opaque, since backends rewrite URIs in data."""
MARK_FIELD = "treadle"
"""Field of a labelling task's meta that holds its `TaskMark`."""
WHY_FIELD = "why"
"""Field of a labelling task's data that tells people why a deployment sent the item back, and what its model said. Only in projects with such a
source; empty where no deployment said anything."""


class SourceFields(Contract):
    """Which fields of a manifest's rows hold what."""

    id: str = Field(default="", max_length=100, description="What identifies a text; none: its digest.")
    uri: str = Field(default="uri", max_length=100, description="Where an image, recording or series is, also relative to the manifest's folder.")
    text: str = Field(default="text", max_length=100, description="The text itself.")
    prompt: str = Field(default="prompt", max_length=100, description="What the two texts of a pair answer; a row may have none.")
    first: str = Field(default="first", max_length=100, description="One text of a pair.")
    second: str = Field(default="second", max_length=100, description="The other one.")
    group: str = Field(default="", max_length=100, description="By what items are grouped.")
    time: str = Field(default="", max_length=100, description="The item's own time; it is passed on as it is.")


class SourceLabels(Contract):
    """Labels that come with the items of a source."""

    format: Literal["Jsonl", "Csv", "Coco", "Yolo", "Voc", "ImageFolder"]
    uri: DataUri = Field(
        description="Jsonl: a file of `KnownLabel`; Csv: the same as columns; Coco: a file of instances, whose file names count from the source; "
        "Yolo, Voc: a folder with a file for each image; ImageFolder: the folder whose folders are named by labels."
    )
    kind: Literal["Annotation", "Prediction"] = Field(default="Annotation", description="Whether a person said so, or it is only a proposal.")


class Source(Contract):
    """Where items come from: every object under a prefix that a pattern includes and none excludes; or every row of a .jsonl or .csv file."""

    name: str = Field(default="source", max_length=63)
    uri: DataUri
    include: tuple[str, ...] = Field(
        default=(), max_length=50, description="Glob patterns on the path below `uri`, `*` also over slashes; none: all."
    )
    exclude: tuple[str, ...] = Field(default=(), max_length=50, description="Glob patterns on the path below `uri`.")
    group_by: str = Field(default="", max_length=100, description="Group of an item, from its path: {parent}, {top}, {name} and {stem} are replaced.")
    fields: SourceFields | None = None
    labels: SourceLabels | None = None
    kind: Literal["Items", "Feedback"] = Field(
        default="Items", description="Feedback: deployments send items back; what their models said lies beside them, see `FeedbackNote`."
    )


class GoldSource(Contract):
    """Items with known answers, mixed in among the others to measure people."""

    uri: DataUri = Field(description="A .jsonl file of `KnownLabel`, or a folder that holds `labels.jsonl`.")
    percent: int = Field(ge=1, le=50, description="Share of gold items among all that are shown.")


class KeptLabels(Contract):
    """Without a labelling backend: the labels that come with the sources are kept as what people annotated."""

    annotations_per_item: int = Field(default=1, ge=1, description="So many answers make an item complete.")
    overlap_percent: int = Field(default=100, ge=0, le=100, description="Below 100, items with fewer answers are complete too.")


class EarlierAnswers(Contract):
    """The snapshot of an earlier sync or quality run."""

    snapshot: Blob
    project: int = Field(description="The labelling project that it is of.")


class KnownLabel(Contract):
    """One line of a file of labels that come with the data."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    uri: str = Field(min_length=1, max_length=2048, description="The item's; without a scheme it counts from the folder of the file.")
    label: str | dict[str, JsonValue] = Field(description="A canonical label; of classes its name is enough.")
    annotator: str = Field(default="", max_length=100, description="Who says so; empty: the same for the whole file.")


class Item(Contract):
    """One line of an item listing: an object at a source as it was when listed.

    Its key is its URI; of a text in a manifest the manifest's, `#`, and what identifies the text.
    """

    key: str
    source: str
    uri: DataUri
    sha256: Sha256
    size: int = Field(ge=0, description="Bytes.")
    etag: str = Field(default="", description="The store's own mark of the content; while it stays, the content need not be read again.")
    image: ImageSize | None = Field(default=None, description="Of images.")
    group: str = Field(default="", description="Never divided between splits; empty: the item is its own group.")
    gold: Label | None = Field(default=None, description="Its known answer, if people are measured by it; it is never released.")
    time: str = Field(default="", description="Its own time, as the source tells it.")

    later: ClassVar[frozenset[str]] = frozenset({"group", "gold", "time"})


class LeftOut(Contract):
    """One line of the list of what could not be read."""

    uri: str = Field(description="The object, or file and line.")
    why: str


class TaskMark(Contract):
    """What a labelling task shows: which item, with which content."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    uri: DataUri
    sha256: Sha256

    @property
    def task_key(self) -> str:
        """Names item and content: other content under the same key is another task, for nobody has seen it."""
        return digest([self.key, self.sha256], 32)


class SyncSpec(JobSpec):
    """What to list, and where the tasks go."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"earlier", "answers_per_item", "asked"})

    kind: Literal["sync"] = "sync"
    contract: Literal[1] = 1
    labels: LabelSchema
    sources: tuple[Source, ...] = Field(min_length=1, max_length=50)
    destination: DataUri = Field(description="The project's dataset destination; item listings are kept under `items/` there.")
    store: StoreConnection
    label_studio: LabelStudioConnection | None = Field(default=None, description="None: only list, for projects without a labelling backend.")
    media_links: Literal["Proxied", "Presigned"] = Field(
        default="Proxied",
        description="How annotators' browsers get media. Proxied: through the backend, which works wherever people reach the backend. Presigned: "
        "straight from the store, which people must then reach.",
    )
    removed: Literal["Exclude", "Keep"] = Field(
        default="Exclude", description="Exclude: a task whose item is gone, and on which nobody worked, is deleted. Keep: it stays."
    )
    gold: GoldSource | None = None
    slot: int = Field(default=0, description="Number of the resync interval: a new one makes a new Job.")
    copy_media: bool = Field(default=False, description="Images, recordings and series are copied into the labelling backend.")
    earlier: EarlierAnswers | None = Field(default=None, description="What people had answered before; what is lost of it is brought back.")
    answers_per_item: int = Field(default=1, ge=1, description="How many people answer each item before anything is known to be disputed.")
    restore: Blob | None = Field(default=None, description="By command: bring back what this snapshot holds and people have not answered since.")
    keep: KeptLabels | None = Field(default=None, description="Set for projects without a labelling backend.")
    asked: Sha256 | None = Field(default=None, description="Digest of the item listing that whoever proposes labels was asked about last.")


class SyncResult(Result):
    """What is at the sources now."""

    kind: Literal["sync"] = "sync"
    items: int = Field(description="Distinct readable items at the sources.")
    added: int = Field(description="Tasks imported by this Job.")
    removed: int = Field(default=0, description="Tasks that stay although their item is gone from the sources, or has other content now.")
    duplicates: int = Field(default=0, description="Objects with the same content as an item with a lower key; left out.")
    gold: int = Field(default=0, description="Gold items among the tasks; they count nowhere else.")
    unreadable: int = Field(default=0, description="Objects that could not be read as what the task type needs; left out.")
    examples: tuple[str, ...] = Field(default=(), max_length=3, description="Some of the unreadable objects, with why.")
    unreadable_list: Blob | None = Field(default=None, description="All of them, one JSON `LeftOut` per line, sorted by URI; none without any.")
    broken_notes: int = Field(default=0, description="Notes of deployments that could not be read, of those that lie beside new items.")
    passed_over: int = Field(
        default=0,
        description="Labels that people gave to items at the sources, and that the labelling project does not hold: of several all but the "
        "last, and what came after the task was made.",
    )
    listing: Blob = Field(description="The items, one JSON `Item` per line, sorted by key.")
    digest: Sha256 = Field(description="Of keys and contents: equal means that nothing came, went or changed.")
    annotations: Blob | None = Field(
        default=None, description="Labels that came with the items, one JSON `RawAnnotation` per line, where they are kept."
    )
    answers: int = Field(default=0, description="Labels that people gave to items, one for each of them and item.")
    annotated: int = Field(default=0, description="Items with at least one of them.")
    finished: int = Field(default=0, description="Items with as many as are wanted.")
    snapshot: Blob | None = Field(default=None, description="What people had answered when the Job ended, one JSON `RawAnnotation` per line.")
    asked_again: int = Field(default=0, description="Items that have these answers, and wait for one more since they were disputed.")
    lost_tasks: int = Field(default=0, description="Tasks with answers that somebody had deleted; they are there again.")
    restored: int = Field(default=0, description="Answers that were brought back.")
    withdrawn: int = Field(default=0, description="Answers that are gone from tasks that are there: people may take back what they said.")
    unasked: int | None = Field(default=None, ge=0, description="Items that are not in the listing `asked`; None where there is no such listing.")


__all__ = [
    "KEY_FIELD",
    "MARK_FIELD",
    "WHY_FIELD",
    "EarlierAnswers",
    "GoldSource",
    "Item",
    "KeptLabels",
    "KnownLabel",
    "LeftOut",
    "Source",
    "SourceFields",
    "SourceLabels",
    "SyncResult",
    "SyncSpec",
    "TaskMark",
]
