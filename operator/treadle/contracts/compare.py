"""Two versions of a dataset side by side, and the Job that looks: what came, what went, what is called otherwise, what is in another split."""

from typing import Literal

from pydantic import ConfigDict, Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.stores import StoreConnection

What = Literal["Added", "Removed", "Replaced", "Relabelled", "Moved"]


class _Lenient(Contract):
    """Kept in manifests and read by people's tools: what is not known is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Move(_Lenient):
    """How many items went from one label, or split, to another one."""

    before: str
    after: str
    items: int


class Example(_Lenient):
    """One item that changed. `before` and `after` are its labels, or its splits where it was moved; empty where it was not there."""

    what: What
    key: str
    before: str = ""
    after: str = ""


class Changes(_Lenient):
    """What is different in the items of a later version. An item may be counted in several ways: with other content, and another label."""

    same: int = Field(default=0, description="Items with the same content, label and split.")
    added: int = 0
    removed: int = 0
    replaced: int = Field(default=0, description="Items of the same key with other content.")
    relabelled: int = 0
    moved: int = Field(default=0, description="Items in another split.")
    labels: tuple[Move, ...] = Field(default=(), description="The most frequent changes of label; nothing where the dataset is sensitive.")
    splits: tuple[Move, ...] = Field(default=(), description="All changes of split.")
    examples: tuple[Example, ...] = Field(default=(), description="A few items of each kind; nothing where the dataset is sensitive.")

    @property
    def none(self) -> bool:
        """Whether the same items have the same labels in the same splits."""
        return not (self.added or self.removed or self.replaced or self.relabelled or self.moved)

    @property
    def counted(self) -> dict[str, int]:
        """How many items each way, in words; what did not happen is left out."""
        counts = {
            "added": self.added,
            "removed": self.removed,
            "relabelled": self.relabelled,
            "moved to another split": self.moved,
            "with other content": self.replaced,
            "as they were": self.same,
        }
        return {what: count for what, count in counts.items() if count}


class CompareSpec(JobSpec):
    """Which two versions at a destination to look at."""

    kind: Literal["compare"] = "compare"
    contract: Literal[1] = 1
    destination: DataUri
    store: StoreConnection
    before: int | None = Field(default=None, ge=1, description="None: the version that the later one follows.")
    after: int = Field(ge=1)


class VersionNumbers(_Lenient):
    """One version in numbers."""

    version: int
    digest: Sha256
    created_at: str
    items: int
    splits: dict[str, int]
    counts: dict[str, int] = Field(default_factory=dict, description="Items per label; the 20 that changed most; none where it is sensitive.")
    agreement: float | None = None


class CompareResult(Result):
    """What is different. Lists are cut so that all of it fits a termination message."""

    kind: Literal["compare"] = "compare"
    before: VersionNumbers
    after: VersionNumbers
    settings: tuple[str, ...] = Field(default=(), description="What they were made by differs in this: labels, guidelines, policy ...")
    changes: Changes

    @property
    def same(self) -> bool:
        """Whether both versions hold the same."""
        return self.before.digest == self.after.digest


__all__ = ["Changes", "CompareResult", "CompareSpec", "Example", "Move", "VersionNumbers", "What"]
