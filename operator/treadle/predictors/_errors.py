"""The two ways a model can fail: it cannot be loaded, or a request does not fit it."""

from enum import StrEnum

from treadle.api.reasons import Reason


class Misfit(StrEnum):
    """What about a request does not fit, for those who count: whoever asks can be told apart by it from whoever changed the model."""

    FORM = "Form"
    """It is no request of the protocol."""
    MISSING = "Missing"
    """A column, an input or an item is not there."""
    UNKNOWN = "Unknown"
    """It holds what the model does not take."""
    SHAPE = "Shape"
    TYPE = "Type"
    VALUES = "Values"
    """Of the right shape and type, but the model cannot take it: NaN, an unknown category, an image that cannot be decoded."""


class NotLoadable(Exception):  # noqa: N818  (worded for people: "the model is not loadable")
    """The model directory cannot be served. `reason` and the message tell a person what to change."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BadInput(ValueError):  # noqa: N818
    """A request does not fit the model's signature. The message names the input and what was expected."""

    def __init__(self, message: str, misfit: Misfit = Misfit.VALUES) -> None:
        super().__init__(message)
        self.misfit = misfit
