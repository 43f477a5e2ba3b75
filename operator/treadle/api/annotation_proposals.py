"""What Treadle writes about proposals of labels: who proposes, what people see of it, and why sure ones are not accepted any more."""

from typing import Annotated

from pydantic import Field

from treadle.api.base import DataUri, Digest, ListMap, Measure, Model, Sha256, bounded
from treadle.api.status import Instant, Recent, Text

Count = Annotated[int, Field(ge=0)]
Who = Annotated[str, bounded(64, r"^[0-9a-f]{8,64}$")]


class StoredFile(Model):
    """A file in the object store, pinned by its content."""

    uri: DataUri
    """Where it is."""
    sha256: Sha256
    """SHA-256 of its content."""


class ProposerRecord(Model):
    """Who answered last: a model version, an image or labelling functions. Its answers stay while the next one is asked."""

    who: Who
    """Digest of whoever answered; the folder of the answers."""
    name: Annotated[str, bounded(128)]
    """What people see beside the proposals."""
    combined: bool = False
    """Whether it is several labelling functions, whose votes are combined."""
    items: Sha256 | None = None
    """Digest of the list of items that were asked about."""


class VoterReport(Model):
    """How one labelling function votes."""

    name: Text
    """Its name."""
    votes: Count = 0
    """Items it voted on."""
    abstained: Count = 0
    """Items it passed over."""
    conflicts: Count = 0
    """Votes that another function contradicts."""
    accuracy: Measure | None = None
    """How likely a vote is right, by Dawid and Skene."""


class ProposalsReport(Model):
    """What the last successful rank Job brought to people."""

    who: Who
    """Digest of whoever proposes."""
    name: Annotated[str, bounded(128)]
    """What people see beside the proposals."""
    items: Count = 0
    """Items in the sources."""
    proposed: Count = 0
    """Items with a proposal."""
    invalid: Count = 0
    """Answers that are no labels of this project."""
    conflicts: Count = 0
    """Items on which labelling functions contradict each other."""
    taken: Count = 0
    """Proposals that are taken as labels, and that nobody audits."""
    audits: Count = 0
    """Further ones that people audit."""
    accepted: StoredFile | None = None
    """The list of both, one JSON object per line."""
    by_voter: Annotated[tuple[VoterReport, ...], Recent(), ListMap("name")] = ()
    """Labelling functions."""
    ranked_at: Instant | None = None
    """When it ended."""


class AcceptanceRecord(Model):
    """The audit that ended the acceptance of proposals as labels."""

    subject: Digest
    """Digest of model and bound: another one is audited anew."""
    audited: Count = 0
    """Accepted labels that people answered too."""
    right: Count = 0
    """Those of them that people agree with."""


__all__ = ["AcceptanceRecord", "Count", "ProposalsReport", "ProposerRecord", "StoredFile", "VoterReport"]
