"""What serving pods count of the inputs they get and the answers they give, and how the operator asks for it: windows of time, as sketches.

Time is cut into windows of equal length since 1970, so that all pods of a deployment speak of the same ones. A pod tells of whole windows only; what
several windows or several pods counted adds up exactly.
"""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from treadle.api.base import Sha256, StoreUri
from treadle.contracts._base import Contract, Failure
from treadle.contracts.sketch import Sketch

DRIFT_PATH = "/control/drift"
"""On the control port; the parameter `since` is the number of the last window that is known already."""

WINDOWS_KEPT = 24
"""So many whole windows a pod keeps: where few requests come, several windows are judged together."""

REFERENCE_PATH = "/models/reference.json"
"""Where the init container puts the reference of drift, and the runtime reads it."""

VERSION = r"^[A-Za-z0-9._-]{1,63}$"
"""How a version is called: what a label value may be."""

VERSIONS_LIMIT = 10
"""Versions whose true labels a pod counts by name; no more than that ever answer within reach of a label."""

COUNT_LIMIT = 10**12


class StoredReference(Contract):
    """Where the reference of a model version is, as the registry's tag says it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uri: StoreUri
    sha256: Sha256


class LabelledAnswers(Contract):
    """Answers of one version whose true label callers told, and how many of them were right."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str = Field(pattern=VERSION)
    right: int = Field(ge=0, le=COUNT_LIMIT)
    labels: int = Field(ge=1, le=COUNT_LIMIT)

    @model_validator(mode="after")
    def _no_more_right_than_told(self) -> Self:
        if self.right > self.labels:
            raise ValueError("more answers are right than labels were told")
        return self


class DriftReport(Contract):
    """What a pod has counted.

    Attributes:
        seconds: length of a window.
        through: number of the last whole window (it began `through * seconds` seconds after 1970).
        reference: what is to be compared with; None where there is nothing to tell, or no reference.
        window: what the pod counted in the windows after `since` up to `through`; None when nothing.
        passed_over: requests that were not counted since the pod began, because too many came at once.
        trouble: why nothing is counted, empty when something is.
        feedback: why nothing comes back to people, if something is to and does not.
        labelled: answers whose true label was told in the last `WINDOWS_KEPT` windows up to `through`, by the version that had answered.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    contract: Literal[1] = 1
    namespace: str
    deployment: str
    revision: str
    seconds: int = Field(ge=1)
    through: int = Field(ge=0)
    reference: Sketch | None = None
    window: Sketch | None = None
    passed_over: int = Field(default=0, ge=0)
    trouble: str = Field(default="", max_length=1024)
    feedback: Failure | None = None
    labelled: tuple[LabelledAnswers, ...] = Field(default=(), max_length=VERSIONS_LIMIT)


__all__ = [
    "DRIFT_PATH",
    "REFERENCE_PATH",
    "VERSION",
    "VERSIONS_LIMIT",
    "WINDOWS_KEPT",
    "DriftReport",
    "LabelledAnswers",
    "StoredReference",
]
