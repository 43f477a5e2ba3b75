"""What people compare: two texts, and the prompt that both of them answer."""

from pydantic import ConfigDict, Field

from treadle.contracts._base import Contract


class TextPair(Contract):
    """One item of the task type PairwisePreference. People see it, versions hold it and models are asked about it as a JSON document of these fields.

    What else a document says is passed over: people who know which model wrote a text do not judge the text.
    """

    model_config = ConfigDict(extra="ignore")

    prompt: str = Field(default="", description="What both texts answer, or are about; empty where nobody asked anything.")
    first: str
    second: str


__all__ = ["TextPair"]
