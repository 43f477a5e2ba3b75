"""The rank Job: bring what programs proposed to people, once per proposer, and put the items into the order in which people see them.

A labelling backend has one number per proposal, by which it sorts: smaller comes first. It holds the order; how sure a model is stands in the parts.
"""

from typing import Literal

from pydantic import Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.dataset import Splits
from treadle.contracts.labels import Label, LabelSchema
from treadle.contracts.stores import Blob, LabelStudioConnection, StoreConnection

ACCEPTED = "accepted"
"""Folder below the destination."""

Strategy = Literal["Random", "LeastConfidence", "Margin", "Entropy", "CoreSet", "Disagreement"]


class Proposer(Contract):
    """Whose proposals people see."""

    who: str = Field(pattern=r"^[0-9a-f]{8,64}$", description="Digest: the folder of what it answered.")
    name: str = Field(min_length=1, max_length=128, description="What people see beside its proposals, e.g. digits/3.")
    combined: bool = Field(default=False, description="Several labelling functions, whose votes become one proposal.")


class AcceptPolicy(Contract):
    """Proposals that are taken as labels. Never in the test split, which measures models."""

    minimum: str = Field(max_length=20, description="Confidence from which on, a decimal.")
    audit_percent: int = Field(ge=1, le=100, description="Share of them that people answer all the same.")
    splits: Splits = Splits()


class AcceptedLabel(Contract):
    """One line of the list of accepted proposals."""

    key: str
    uri: DataUri
    sha256: Sha256
    label: Label
    confidence: float
    audit: bool = Field(default=False, description="People answer it too: then theirs is the label, and the proposal is measured by it.")


class RankSpec(JobSpec):
    """What to bring, and in which order."""

    kind: Literal["rank"] = "rank"
    contract: Literal[1] = 1
    labels: LabelSchema
    destination: DataUri
    store: StoreConnection
    label_studio: LabelStudioConnection
    items: Blob = Field(description="Item listing of the last sync.")
    proposer: Proposer | None = Field(default=None, description="None: there are no proposals, and the order is random.")
    imported: str = Field(default="", max_length=32, description="When items were last imported: new tasks, of deleted ones too, make a new Job.")
    asked: str = Field(default="", max_length=64, description="Digest of the listing that the proposer was asked about: new answers make a new Job.")
    strategy: Strategy = "Random"
    batch: int = Field(default=0, ge=0, description="So many items are put in front; 0: all are ordered.")
    turn: int = Field(default=0, ge=0, description="How many batches people have done: another one makes a new Job.")
    accept: AcceptPolicy | None = None


class VoterNumbers(Contract):
    """How one labelling function votes."""

    name: str
    votes: int
    abstained: int
    conflicts: int = Field(description="Votes that another function contradicts.")
    accuracy: float | None = Field(default=None, description="By Dawid and Skene: how likely a vote is right, 0 to 1.")


class RankResult(Result):
    """What people see now."""

    kind: Literal["rank"] = "rank"
    items: int = Field(description="Items at the sources, gold ones apart.")
    proposed: int = Field(default=0, description="Items with a proposal.")
    imported: int = Field(default=0, description="Proposals that this Job brought.")
    invalid: int = Field(default=0, description="Proposals that the label schema does not allow; people see none of them.")
    conflicts: int = Field(default=0, description="Items on which labelling functions contradict each other.")
    accepted: Blob | None = Field(default=None, description="Proposals that are taken as labels, one JSON `AcceptedLabel` per line.")
    taken: int = Field(default=0, description="How many are taken, those that people audit not counted.")
    audits: int = Field(default=0, description="How many people audit.")
    by_voter: tuple[VoterNumbers, ...] = ()


__all__ = ["ACCEPTED", "AcceptPolicy", "AcceptedLabel", "Proposer", "RankResult", "RankSpec", "Strategy", "VoterNumbers"]
