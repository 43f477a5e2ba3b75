"""A child that is missing where it was seen before: whether it is gone, or there without the label by which we watch."""

from dataclasses import dataclass

from treadle.plan import Question, Ref
from treadle.workloads.refusal import CLUSTER


@dataclass(frozen=True, kw_only=True)
class StillThere(Question[bool]):
    """Whether a missing child is there all the same, because somebody took its label off. If so, whoever asks gets to see it.

    Attributes:
        child: its kind and name.
        owner: uid of the object that it must belong to.
    """

    connection: str = CLUSTER
    child: Ref
    owner: str
