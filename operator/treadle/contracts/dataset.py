"""A dataset version: `vNNNN/` at the project's destination, written once, manifest last; and the Job that fetches one into a pod.

vNNNN/items.jsonl                    one `DatasetItem` per line, sorted by key: the source of truth
vNNNN/exports/<Format>/index.jsonl   one `ExportFile` per line: which item's bytes belong where in this format
vNNNN/exports/<Format>/...           further small files of the format
vNNNN/earlier.jsonl                  one `EarlierSplit` per line, if there is any: in which split items were that only earlier versions hold
vNNNN/README.md, card.html           the dataset card
vNNNN/croissant.json                 the version as dataset catalogues read it
vNNNN/manifest.json                  `Manifest`, written last: a version exists whole or not at all
files/md5/ab/cdef...                 copies of items, for all versions together, as a remote of DVC holds them
"""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from treadle.api.base import DataUri, Sha256
from treadle.api.names import digest
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.compare import Changes
from treadle.contracts.labels import ImageSize, Label, LabelSchema
from treadle.contracts.quality import AnnotatorNumbers, ConsensusPolicy, PairNumbers
from treadle.contracts.stores import StoreConnection

MANIFEST = "manifest.json"
ITEMS = "items.jsonl"
EARLIER = "earlier.jsonl"
CARD = "README.md"
PAGE = "card.html"
CROISSANT = "croissant.json"
INDEX = "index.jsonl"
DESCRIPTION = "dataset.json"
"""In a fetched dataset's directory: `FetchedDataset`, for the user's script."""

Split = Literal["train", "validation", "test"]


class _Lenient(Contract):
    """Read back by later versions of Treadle and by users' own tools: what is not known is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Splits(Contract):
    """Percentages of new items; they add up to 100. What a version holds stays in its split."""

    train: int = Field(default=80, ge=0, le=100)
    validation: int = Field(default=10, ge=0, le=100)
    test: int = Field(default=10, ge=0, le=100)
    seed: str = Field(default="", max_length=64, description="Changes which new items go where.")


class DatasetItem(_Lenient):
    """One line of items.jsonl."""

    key: str
    uri: DataUri
    sha256: Sha256
    label: Label
    split: Split
    source: str = ""
    image: ImageSize | None = Field(default=None, description="Of images.")
    annotators: int = Field(default=0, description="How many people's answers the label rests on.")
    agreement: float | None = Field(
        default=None, description="How like the label the answers are on average, 0 to 1; of classes: the share that says it."
    )
    group: str = Field(default="", description="All items of a group are in one split; empty: the item is its own group.")
    confidence: float | None = Field(default=None, description="How likely the label is right, 0 to 1; with the method DawidSkene.")
    reviewed: bool = Field(default=False, description="The label is a reviewer's word.")
    time: str = Field(default="", description="The item's own time, as its source tells it.")
    held: str = Field(default="", description="URI of the copy that the destination holds, if it holds one; the end of it is the content's MD5.")
    accepted: bool = Field(
        default=False, description="A pseudo-label: a proposal that was taken as the label; nobody answered. Never in the test split."
    )

    made_of: str = Field(default="", description="Of what a preparation made of another item: that item's key. `uri` is the copy then.")

    later: ClassVar[frozenset[str]] = frozenset({"group", "confidence", "reviewed", "time", "held", "accepted", "made_of"})


class EarlierSplit(_Lenient):
    """One line of earlier.jsonl. Who comes back stays in its split; nobody is named for that."""

    name: str = Field(pattern=r"^[0-9a-f]{32}$", description="The first digits of the SHA-256 of a key, of a content's SHA-256, or of a group.")
    split: Split


class ExportFile(_Lenient):
    """One line of an export's index: put the bytes of `uri` at `path`, and these texts beside it.

    Formats that want one small file per item keep them here: a version has few objects however many items it has.
    """

    path: str
    uri: DataUri = Field(description="The item's; its copy's where the destination holds one.")
    sha256: Sha256
    split: Split
    texts: dict[str, str] = Field(default_factory=dict, description="Further files of the format about this item: path and content.")
    binaries: dict[str, str] = Field(default_factory=dict, description="As `texts`, of files that are no text: path and content in base64.")

    later: ClassVar[frozenset[str]] = frozenset({"binaries"})


class ManifestFile(_Lenient):
    """A file of the version, by its path below the version's own directory."""

    path: str
    sha256: Sha256
    size: int = Field(description="Bytes.")
    split: Split | None = Field(default=None, description="Only about items of this split: not fetched without it.")


class Identity(Contract):
    """What makes a version the same or another one."""

    items: Sha256 = Field(description="SHA-256 of items.jsonl.")
    labels: LabelSchema
    guidelines: str = Field(default="", description="Digest of the guidelines.")
    policy: ConsensusPolicy
    splits: Splits
    formats: tuple[str, ...] = ()


class Provenance(_Lenient):
    """Where a version comes from."""

    project: str = Field(default="", description="<installation>/<namespace>/<name> of the AnnotationProject.")
    uid: str = ""
    snapshot: str = Field(default="", description="URI of the snapshot of all annotations.")
    backend: str = Field(default="", description="The labelling backend's project, as a URL.")
    suspected: int | None = Field(default=None, description="Labels that are probably wrong; they are in the version all the same.")
    findings: str = Field(default="", description="URI of the list of items that a person should look at.")
    proposer: str = Field(default="", description="Who proposed the labels that were accepted unanswered, e.g. digits/3.")
    precision: float | None = Field(default=None, description="How right accepted labels are: the share of an audited sample that people agree with.")
    prepared: str = Field(default="", description="Image of the program that prepared the items.")
    agreement: float | None = Field(default=None, description="Over the snapshot, in the default measure of the task type.")


class Manifest(_Lenient):
    """manifest.json: all there is to know about one version."""

    contract: Literal[1] = 1
    version: int = Field(ge=1)
    digest: Sha256 = Field(description="Of `identity`: two versions with one digest never exist.")
    identity: Identity
    parent: int | None = Field(default=None, description="The version before this one.")
    created_at: str = Field(description="RFC 3339, UTC.")
    items: int
    splits: dict[Split, int] = Field(description="Items per split.")
    counts: dict[str, int] = Field(description="Items per label that they show.")
    excluded: dict[str, int] = Field(default_factory=dict, description="Items left out, by reason.")
    reviewed: int = Field(default=0, description="Items whose label is a reviewer's word.")
    accepted: int = Field(default=0, description="Pseudo-labels: items whose label is a proposal that nobody answered.")
    in_splits: dict[str, dict[Split, int]] = Field(default_factory=dict, description="Items per label that they show, in each split.")
    annotators: tuple[AnnotatorNumbers, ...] = Field(default=(), description="How each person answered; nobody where the project is sensitive.")
    pairs: tuple[PairNumbers, ...] = Field(default=(), description="How far each two people agree; nobody where the project is sensitive.")
    changes: Changes | None = Field(default=None, description="What is different from the version before.")
    exports: tuple[str, ...] = Field(default=(), description="Formats; the first is the default.")
    left_out: dict[str, int] = Field(
        default_factory=dict, description="Parts of labels that a format has no room for, by format; the items hold all of them."
    )
    sensitive: bool = False
    provenance: Provenance = Provenance()
    files: tuple[ManifestFile, ...]

    later: ClassVar[frozenset[str]] = frozenset({"in_splits", "pairs", "changes", "left_out"})


def version_directory(version: int) -> str:
    """Name of a version's directory below the destination.

    >>> version_directory(7)
    'v0007'
    """
    return f"v{version:04d}"


def identity_digest(identity: Identity) -> str:
    """The digest that names a version's content. What has its default is left out: a field that comes later makes no new version of old content."""
    return digest(identity.model_dump(mode="json", exclude_defaults=True))


class FetchDatasetSpec(JobSpec):
    """Bring one version into a directory of the pod; run as an init container. May be killed and run again at any point."""

    kind: Literal["fetch-dataset"] = "fetch-dataset"
    contract: Literal[1] = 1
    store: StoreConnection
    uri: DataUri = Field(description="The version's own directory, e.g. s3://datasets/shelf/v0003/")
    digest: Sha256 = Field(description="The version's digest, as pinned.")
    format: str = Field(default="", max_length=64, description="Empty: the version's default format.")
    splits: tuple[Split, ...] = Field(default=(), description="None: all of them.")
    sample: int = Field(default=0, ge=0, description="So many items of `train` beside those splits: always the same ones, chosen by their digests.")
    directory: str = Field(default="/treadle/dataset", max_length=256, description="Becomes TREADLE_DATASET_DIR of the user's container.")


class FetchDatasetResult(Result):
    """What lies in the directory now."""

    kind: Literal["fetch-dataset"] = "fetch-dataset"
    version: int
    digest: Sha256
    items: int
    bytes: int


class FetchedDataset(_Lenient):
    """dataset.json in TREADLE_DATASET_DIR. `items.jsonl` beside it holds the lines of the fetched splits, each with a `path` in this directory."""

    version: int
    digest: Sha256
    uri: DataUri
    format: str
    labels: tuple[str, ...] = Field(description="Label names; the index is the class id.")
    relations: tuple[str, ...] = Field(default=(), description="Names of relations between spans; the index is the class id among them.")
    splits: dict[Split, int] = Field(description="Fetched items per split.")

    later: ClassVar[frozenset[str]] = frozenset({"relations"})


class FetchedItem(DatasetItem):
    """One line of items.jsonl in TREADLE_DATASET_DIR."""

    path: str = Field(description="Of the item's file, relative to TREADLE_DATASET_DIR.")
