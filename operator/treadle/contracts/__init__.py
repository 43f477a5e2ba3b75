"""JSON that crosses a process border: what Jobs are told and answer, what lies in a dataset version, and what models are asked.

One file per Job or document. Data only; read by the operator, the Jobs, the runtime and by users' own tools.
"""

from treadle.api.base import Sha256, StoreUri
from treadle.contracts._base import (
    JOB_LIMIT,
    JOB_VARIABLE,
    RESULT_LIMIT,
    Contract,
    ContractTooLarge,
    ExitCode,
    Failure,
    JobSpec,
    Message,
    Result,
    canonical_json,
    one_line,
)
from treadle.contracts.stores import Blob, LabelStudioConnection, StoreConnection

__all__ = [
    "JOB_LIMIT",
    "JOB_VARIABLE",
    "RESULT_LIMIT",
    "Blob",
    "Contract",
    "ContractTooLarge",
    "ExitCode",
    "Failure",
    "JobSpec",
    "LabelStudioConnection",
    "Message",
    "Result",
    "Sha256",
    "StoreConnection",
    "StoreUri",
    "canonical_json",
    "one_line",
]
