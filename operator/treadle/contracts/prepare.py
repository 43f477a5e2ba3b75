"""Preparation: a program of the user's cleans, transforms or augments what becomes a version, before it is final.

In one pod, container after container: our own lays out what would be released (with keys), the program reads that and writes what shall be released
(without keys), and our own checks it and writes the version (with keys). The program keeps to this contract:

TREADLE_DATASET_DIR   what a training would see: `dataset.json`, `items.jsonl` with one `FetchedItem` per line, and the files of the first format
TREADLE_OUTPUT_DIR    where to write `items.jsonl` with one `PreparedItem` per line, and the files that these name

A line of the one is a line of the other: who only cleans copies the lines that shall stay. Who leaves a line out leaves the item out; several
lines of one item are several items of the version, all of them in its split. An item never changes its split, so nothing leaks from train to test.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.labels import Label
from treadle.contracts.release import ReleaseSpec

OUTPUT_DIRECTORY = "/treadle/output"
OUTPUT_VARIABLE = "TREADLE_OUTPUT_DIR"


class PreparedItem(Contract):
    """One line of items.jsonl in TREADLE_OUTPUT_DIR."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    key: str = Field(description="Of the item that it is, or that it was made of.")
    label: Label
    path: str = Field(
        default="", description="Of its content, relative to TREADLE_OUTPUT_DIR. Nothing, or the item's own path with no such file: as it was."
    )


class DraftSpec(JobSpec):
    """Lay out what a release would hold; run as an init container, before the program."""

    kind: Literal["draft"] = "draft"
    contract: Literal[1] = 1
    release: ReleaseSpec


class DraftResult(Result):
    """What lies in the directory now."""

    kind: Literal["draft"] = "draft"
    items: int
    bytes: int


__all__ = ["OUTPUT_DIRECTORY", "OUTPUT_VARIABLE", "DraftResult", "DraftSpec", "PreparedItem"]
