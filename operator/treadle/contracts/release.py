"""The release Job: from a snapshot of all annotations to an immutable dataset version."""

from typing import Literal

from pydantic import Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.dataset import Provenance, Split, Splits
from treadle.contracts.labels import LabelSchema
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.stores import Blob, StoreConnection


class Preparation(Contract):
    """Whose program prepares what is released, and where in the pod it reads and writes; see `contracts.prepare`."""

    image: str = Field(max_length=1024)
    command: tuple[str, ...] = Field(default=(), max_length=200)
    dataset: str = Field(max_length=256, description="The directory that it reads.")
    output: str = Field(max_length=256, description="The directory that it writes.")


class ReleaseSpec(JobSpec):
    """What to release, and where to."""

    kind: Literal["release"] = "release"
    contract: Literal[1] = 1
    labels: LabelSchema
    destination: DataUri
    store: StoreConnection
    snapshot: Blob = Field(description="From the quality Job.")
    items: Blob | None = Field(default=None, description="Item listing of the last sync; what is not in it any more is left out.")
    removed: Literal["Exclude", "Keep"] = Field(default="Exclude", description="Keep: items that are not in the listing any more stay in.")
    accepted: Blob | None = Field(default=None, description="Proposals that are taken as labels, one `contracts.rank.AcceptedLabel` per line.")
    refused: Blob | None = Field(default=None, description="Labels that programs refuse, one `contracts.quality.Refused` per line.")
    guidelines: str = Field(default="", max_length=64, description="Digest of the guidelines.")
    policy: ConsensusPolicy = ConsensusPolicy()
    splits: Splits = Splits()
    formats: tuple[str, ...] = Field(default=(), max_length=16, description="Empty: the default of the task type.")
    content: Literal["Reference", "Embed"] = Field(default="Reference", description="Embed: the destination holds a copy of each item.")
    preparation: Preparation | None = Field(default=None, description="A program of the user's says what of all this is released, and how.")
    provenance: Provenance = Provenance()


class ReleaseResult(Result):
    """The version that holds exactly what was asked for: made by this Job, or found."""

    kind: Literal["release"] = "release"
    version: int
    digest: Sha256
    uri: DataUri = Field(description="The version's directory, ending in a slash.")
    created: bool = Field(description="False: this content was released before, nothing was written.")
    items: int
    agreed: int | None = Field(default=None, description="Items before they were prepared.")
    splits: dict[Split, int]
    excluded: dict[str, int] = Field(default_factory=dict, description="Items left out, by reason, see `Verdict`.")


__all__ = ["Preparation", "ReleaseResult", "ReleaseSpec"]
