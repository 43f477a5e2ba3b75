"""The init container of serving pods: bring a model's files from the object store into a directory, so that serving needs no registry."""

from typing import Literal

from pydantic import Field

from treadle.api.base import Sha256, StoreUri
from treadle.contracts._base import JobSpec, Result
from treadle.contracts.drift import REFERENCE_PATH, StoredReference
from treadle.contracts.smoke import SMOKE_DIRECTORY, StoredSmoke
from treadle.contracts.stores import StoreConnection

SAID = 512  # characters


class FetchModelSpec(JobSpec):
    """Which model. May be killed and run again at any point."""

    kind: Literal["fetch-model"] = "fetch-model"
    contract: Literal[1] = 1
    store: StoreConnection
    uri: StoreUri = Field(description="Prefix of the model's directory: the one that holds `MLmodel`.")
    digest: str = Field(
        default="", pattern=r"^([0-9a-f]{64})?$", description="Of all paths and contents, as an earlier fetch said it; empty: not checked."
    )
    directory: str = Field(default="/models/model", max_length=256)
    any_files: bool = Field(default=False, description="It need not be a model that MLflow saved: a user's own server reads it.")
    cached: bool = Field(default=False, description="The directory outlives the pod: what an earlier pod brought there whole is not fetched again.")
    reference: StoredReference | None = Field(default=None, description="The model's reference of drift; one that cannot be had is done without.")
    reference_file: str = Field(default=REFERENCE_PATH, max_length=256)
    smoke: StoredSmoke | None = Field(default=None, description="The model's smoke example; one that cannot be had is done without.")
    smoke_directory: str = Field(default=SMOKE_DIRECTORY, max_length=200)


class FetchModelResult(Result):
    """What lies in the directory now."""

    kind: Literal["fetch-model"] = "fetch-model"
    uri: StoreUri
    digest: Sha256 = Field(description="Of all paths and contents: equal digests, equal models.")
    files: int
    bytes: int
    smoke: str = Field(default="", max_length=SAID, description="Why the smoke example is done without; empty when it is there, or none was wanted.")


__all__ = ["FetchModelResult", "FetchModelSpec"]
