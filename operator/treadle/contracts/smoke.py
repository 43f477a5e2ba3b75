"""The smoke example: an item that a model answered right when it was evaluated. Whoever loads the model later asks it the same before it serves."""

from pydantic import ConfigDict, Field

from treadle.api.base import Sha256, StoreUri
from treadle.contracts._base import Contract

SMOKE_DIRECTORY = "/models"
"""Where the init container puts the item, and the runtime reads it."""
DIGITS = 16
ITEM_LIMIT = 16 << 20
"""A larger item, in bytes, is done without."""


class StoredSmoke(Contract):
    """Where the item is and what the model answered, as the registry's tag says it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uri: StoreUri
    sha256: Sha256
    label: str = Field(min_length=1, max_length=128)

    def file(self, directory: str = SMOKE_DIRECTORY) -> str:
        """Where the item lies in a pod; named by its content, since pods may share the directory."""
        return f"{directory}/smoke-{self.sha256[:DIGITS]}"


class KnownAnswer(Contract):
    """An item in the pod, and the label that the model is known to answer."""

    file: str = Field(max_length=256)
    label: str = Field(min_length=1, max_length=128)


__all__ = ["ITEM_LIMIT", "SMOKE_DIRECTORY", "KnownAnswer", "StoredSmoke"]
