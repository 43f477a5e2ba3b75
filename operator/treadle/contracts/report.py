"""The report of a run: one HTML page that needs nothing from outside, stored beside the tracked run's own files.

The operator passes what it knows; the Job adds what was measured (stored by the evaluation), and what was logged: curves, latest metrics, a picture.
"""

from typing import Annotated, Literal

from pydantic import Field

from treadle.api.base import StoreUri
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.stores import Blob, StoreConnection

REPORT_FILE = "report.html"
PARAMETERS_LIMIT = 100
ROWS_LIMIT = 20

Short = Annotated[str, Field(max_length=120)]
Sentence = Annotated[str, Field(max_length=240)]


class Fact(Contract):
    """Something about the run, under a name; a link where there is a page about it."""

    name: Short
    value: Sentence
    link: str = Field(default="", max_length=512)


class GateRow(Contract):
    """What a gate asked for and what it said."""

    name: Short
    bound: Sentence
    verdict: Literal["Passed", "Failed", "Unknown"]
    message: Sentence = ""


class AttemptRow(Contract):
    """One attempt and what it used."""

    number: int
    outcome: Short
    message: Sentence = ""
    node: Short = ""
    seconds: int | None = Field(default=None, description="Running time.")
    gpu_seconds: int | None = Field(default=None, description="GPUs times the seconds for which its pods held them.")


class BaselineRow(Contract):
    """A version that the run's model was compared with."""

    version: Short
    alias: Short
    metrics: dict[str, float] = Field(default_factory=dict, description="What it is known to measure on the same items.")


class ReportSpec(JobSpec):
    """What the page says. May be killed and run again at any point: the page is made once."""

    kind: Literal["report"] = "report"
    contract: Literal[1] = 1
    store: StoreConnection
    uri: StoreUri = Field(description="Of the page.")
    details: Blob | None = Field(default=None, description="`EvaluationDetails`, as the evaluation stored them; none: the run was not evaluated.")
    artifacts: StoreUri | None = Field(default=None, description="The tracked run's own files: a picture of a confusion matrix among them is shown.")
    mlflow: str = Field(default="", max_length=1024, description="URL of the tracking server; empty: a page without curves.")
    tracked_run: str = Field(default="", max_length=63, description="Id of the run there.")
    name: Short
    outcome: Literal["Succeeded", "Failed", "Cancelled"]
    message: Sentence = ""
    facts: tuple[Fact, ...] = Field(default=(), max_length=ROWS_LIMIT)
    parameters: tuple[Fact, ...] = Field(default=(), max_length=PARAMETERS_LIMIT)
    gates: tuple[GateRow, ...] = Field(default=(), max_length=ROWS_LIMIT)
    attempts: tuple[AttemptRow, ...] = Field(default=(), max_length=ROWS_LIMIT)
    baselines: tuple[BaselineRow, ...] = Field(default=(), max_length=ROWS_LIMIT)


class ReportResult(Result):
    """Where the page is."""

    kind: Literal["report"] = "report"
    uri: StoreUri
    bytes: int
    curves: int = Field(description="Metrics that are drawn.")
