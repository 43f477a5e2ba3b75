"""Pre-labelling: programs say of items what their labels may be, before people do. An Indexed Job, whose pods share the items among them.

In each pod, container after container: our own brings the pod's items (with keys), programs answer them (without keys), and our own keeps what they
answered (with keys). A program is our wrapper around a model, or a user's image; all of them keep to one contract:

TREADLE_ITEMS_DIR         `items.jsonl` with one `ItemToLabel` per line, the files that these name, and `task.json` (`TaskToLabel`)
TREADLE_PREDICTIONS_DIR   where to write `predictions.jsonl` with one `ProposedItem` per line; who has no answer for an item leaves it out

What was answered is kept under the project's destination, in `predictions/<who>/<part>.jsonl`, one `Answered` per line, in the order of the items.
`who` is the digest of whoever answers: the same model version never answers an item twice, whatever else changes.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.labels import ImageSize, LabelName, LabelSchema
from treadle.contracts.model import Prediction
from treadle.contracts.stores import Blob, StoreConnection

ITEMS_DIRECTORY = "/treadle/items"
PREDICTIONS_DIRECTORY = "/treadle/predictions"
ITEMS_VARIABLE = "TREADLE_ITEMS_DIR"
PREDICTIONS_VARIABLE = "TREADLE_PREDICTIONS_DIR"
ITEMS_FILE = "items.jsonl"
TASK_FILE = "task.json"
PREDICTIONS_FILE = "predictions.jsonl"
PREDICTIONS = "predictions"
"""Folder below the destination."""
SHARD_VARIABLE = "JOB_COMPLETION_INDEX"
"""Which of an Indexed Job's pods it is, as the Job controller says."""
MOST_SHARDS = 50
MOST_PROGRAMS = 20

Program = Annotated[str, Field(min_length=1, max_length=63)]
"""Who answers, among those of one Job: `model`, or the name of a labelling function."""


class ItemToLabel(Contract):
    """One line of items.jsonl."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    uri: str
    sha256: Sha256
    path: str = Field(description="Of the item's file, relative to TREADLE_ITEMS_DIR.")
    image: ImageSize | None = Field(default=None, description="Of images.")


class TaskToLabel(Contract):
    """task.json: what is asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    labels: tuple[LabelName, ...]
    relations: tuple[LabelName, ...] = Field(default=(), description="What relations between spans may be called.")

    later: ClassVar[frozenset[str]] = frozenset({"relations"})


class ProposedItem(Contract):
    """One line of predictions.jsonl."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    key: str
    prediction: Prediction | None = Field(default=None, description="None: no answer, as if the line were not there.")


class Answered(Contract):
    """One line of what is kept: an item, and what each program answered; who abstained is not named."""

    key: str
    sha256: Sha256
    answers: dict[Program, Prediction] = Field(default_factory=dict)


class _Sharded(Contract):
    """What the containers of one pod must agree on."""

    store: StoreConnection
    destination: DataUri = Field(description="The project's dataset destination; see `PREDICTIONS`.")
    items: Blob = Field(description="Item listing of the last sync.")
    who: str = Field(pattern=r"^[0-9a-f]{8,64}$", description="Digest of whoever answers.")
    shards: int = Field(default=1, ge=1, le=MOST_SHARDS)


class FetchItemsSpec(_Sharded, JobSpec):
    """Bring the items of this pod's shard that have no answer yet. May be killed and run again at any point."""

    kind: Literal["fetch-items"] = "fetch-items"
    contract: Literal[1] = 1
    labels: LabelSchema
    directory: str = Field(default=ITEMS_DIRECTORY, max_length=256)


class FetchItemsResult(Result):
    """What lies in the directory now."""

    kind: Literal["fetch-items"] = "fetch-items"
    items: int
    answered: int = Field(default=0, description="Items of the shard that have an answer already, and are not brought.")
    missing: int = Field(default=0, description="Items that are gone from the store, or have other content, since they were listed.")


class PredictSpec(JobSpec):
    """Let a model answer the items of a directory. Needs no network and no keys."""

    kind: Literal["predict"] = "predict"
    contract: Literal[1] = 1
    items: str = Field(default=ITEMS_DIRECTORY, max_length=256)
    model: str = Field(max_length=256, description="Directory of the model.")
    output: str = Field(default=PREDICTIONS_DIRECTORY, max_length=256)


class PredictResult(Result):
    """What the model answered."""

    kind: Literal["predict"] = "predict"
    items: int


class PrelabelSpec(_Sharded, JobSpec):
    """Keep what programs answered in this pod. May be killed and run again at any point."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"shards"})

    kind: Literal["prelabel"] = "prelabel"
    contract: Literal[1] = 1
    task: str = Field(max_length=64, description="Task type.")
    programs: tuple[Program, ...] = Field(min_length=1, max_length=MOST_PROGRAMS)
    directory: str = Field(default=ITEMS_DIRECTORY, max_length=256, description="The pod's items.")
    predictions: str = Field(default=PREDICTIONS_DIRECTORY, max_length=256, description="Holds a folder for each program.")


class PrelabelResult(Result):
    """What one pod kept."""

    kind: Literal["prelabel"] = "prelabel"
    shard: int
    items: int = Field(description="Items that were asked about.")
    answered: int = Field(description="Those of them that got an answer.")


__all__ = [
    "ITEMS_DIRECTORY",
    "ITEMS_FILE",
    "ITEMS_VARIABLE",
    "MOST_SHARDS",
    "PREDICTIONS",
    "PREDICTIONS_DIRECTORY",
    "PREDICTIONS_FILE",
    "PREDICTIONS_VARIABLE",
    "SHARD_VARIABLE",
    "TASK_FILE",
    "Answered",
    "FetchItemsResult",
    "FetchItemsSpec",
    "ItemToLabel",
    "PredictResult",
    "PredictSpec",
    "PrelabelResult",
    "PrelabelSpec",
    "Program",
    "ProposedItem",
    "TaskToLabel",
]
