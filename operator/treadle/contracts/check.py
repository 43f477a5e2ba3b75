"""Checks: programs of the user's look at what people agree on, before it counts. Labels that one of them refuses are in no version.

In the quality Job's pod, container after container: our own keeps a snapshot of all answers and lays out what people agree on (with keys), each
program reads that and names what is wrong (without keys), and our own measures quality by the same snapshot (with keys). A program keeps to this:

TREADLE_DATASET_DIR   `items.jsonl` with one `LabelToCheck` per line, by key; `snapshot.jsonl`, all answers, one `quality.RawAnnotation` per line;
                      and `task.json` (`prelabel.TaskToLabel`). No bytes of items: most checks need none, and millions of them take their time
TREADLE_OUTPUT_DIR    where to write `refused.jsonl` with one `RefusedLabel` per line; empty when all is well
"""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from treadle.api.base import Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.labels import ImageSize, Label
from treadle.contracts.quality import QualitySpec

LABELS_DIRECTORY = "/treadle/labels"
REFUSED_DIRECTORY = "/treadle/refused"
LABELS = "items.jsonl"
SNAPSHOT = "snapshot.jsonl"
REFUSED = "refused.jsonl"
COLLECTED = "collected.json"


class _Lenient(Contract):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class LabelToCheck(_Lenient):
    """One line of items.jsonl."""

    key: str
    uri: str
    sha256: Sha256
    label: Label
    annotators: int = Field(description="How many people's answers the label rests on.")
    image: ImageSize | None = Field(default=None, description="Of images.")


class RefusedLabel(_Lenient):
    """One line of refused.jsonl."""

    key: str
    message: str = Field(default="", description="Why, for the people who look at it.")


class Collected(_Lenient):
    """collected.json: what the measurement needs to know of the moment at which the snapshot was taken."""

    marks: tuple[tuple[str, str], ...] = Field(description="Key and sha256 of every item with a task.")
    newest: datetime | None = Field(default=None, description="When a task last changed, by the backend's clock.")


class CollectSpec(JobSpec):
    """Keep a snapshot, and lay out what people agree on; run as an init container, before the programs."""

    kind: Literal["collect"] = "collect"
    contract: Literal[1] = 1
    quality: QualitySpec


class CollectResult(Result):
    """How many labels are there to check."""

    kind: Literal["collect"] = "collect"
    items: int


__all__ = [
    "COLLECTED",
    "LABELS",
    "LABELS_DIRECTORY",
    "REFUSED",
    "REFUSED_DIRECTORY",
    "SNAPSHOT",
    "CollectResult",
    "CollectSpec",
    "Collected",
    "LabelToCheck",
    "RefusedLabel",
]
