"""How live requests come back to people: the serving container chooses items and spools them, a container with keys brings them to the store.

Under the destination an item is `items/DATE/DIGEST.EXTENSION`, and what the model said of it `told/DATE/NUMBER.json`. Numbers of a day go up to the
bound, and each is given away once: so that all pods together keep to it without speaking to each other.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from treadle.api.base import StoreUri
from treadle.contracts._base import Contract, JobSpec
from treadle.contracts.stores import StoreConnection

SPOOL = "/feedback"
"""The volume between the two containers."""
NOTE = ".json"
"""Suffix of a note in the spool; it comes after its item, so that where it is both are whole."""
ITEM = ".item"
"""Suffix of an item in the spool."""
TROUBLE_FILE = "trouble"
"""In the spool: a `Failure`, while items cannot be brought to the store."""
REDACTION = "redaction"
"""Folder of the spool that the user's redacting container sees, and nothing else of it."""
GIVEN, REDACTED = "in", "out"
"""Folders within: what is to be redacted, each file named by the digest of its item; and what became of it, under the same name."""
WAITING = ".waiting"
"""Suffix of a note whose item is being redacted."""
REDACTION_PATH = "/redaction"
"""Where that container sees its folder."""
ITEMS = "items"
TOLD = "told"

When = Literal["Uncertain", "Drifted", "Disputed", "Random"]


class Choice(Contract):
    """Which items are kept; the first choice that fits names the reason."""

    when: When
    below: float = Field(default=0, ge=0, le=1, description="Uncertain: a confidence below this.")
    percent: int = Field(default=0, ge=0, le=100, description="Random: share of all items.")


class FeedbackSettings(Contract):
    """What the serving container keeps."""

    choices: tuple[Choice, ...] = Field(min_length=1, max_length=10)
    per_day: int = Field(ge=1, description="More than this no pod keeps on a day; the store's bound holds for all pods together.")
    directory: str = Field(default=SPOOL, description="The spool.")


class FeedbackNote(Contract):
    """What is told of an item that was kept. Readers ignore what they do not know: a newer pod may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    contract: Literal[1] = 1
    when: When = Field(description="Why it was kept.")
    at: str = Field(description="When, in ISO 8601.")
    deployment: str = Field(description="namespace/name of the ModelDeployment.")
    model_version: str = Field(description="Version that answered.")
    revision: str
    label: str | None = Field(default=None, description="What it answered, where it is a classifier.")
    score: float | None = Field(default=None, description="How sure it was.")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the item.")
    extension: str = Field(pattern=r"^[a-z0-9]{1,8}$")

    @property
    def day(self) -> str:
        """The date of the folder."""
        return self.at[:10]


class FeedbackSpec(JobSpec):
    """The container that brings spooled items to the store, for as long as the pod lives."""

    kind: Literal["feedback"] = "feedback"
    contract: Literal[1] = 1
    store: StoreConnection
    destination: StoreUri
    per_day: int = Field(ge=1, description="At most so many items a day, of all pods together.")
    directory: str = Field(default=SPOOL, max_length=256)
    redacted: bool = Field(default=False, description="A program of the user's makes of each item what is brought.")


__all__ = [
    "GIVEN",
    "ITEM",
    "ITEMS",
    "NOTE",
    "REDACTED",
    "REDACTION",
    "REDACTION_PATH",
    "SPOOL",
    "TOLD",
    "TROUBLE_FILE",
    "WAITING",
    "Choice",
    "FeedbackNote",
    "FeedbackSettings",
    "FeedbackSpec",
    "When",
]
