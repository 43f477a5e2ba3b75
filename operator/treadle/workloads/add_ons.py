"""Kinds that come with an add-on, such as JobSet: whether this cluster lacks one."""

from dataclasses import dataclass

from treadle.plan import Question
from treadle.workloads.refusal import CLUSTER


@dataclass(frozen=True, kw_only=True)
class KindMissing(Question[bool]):
    """Whether the cluster does not serve a kind, our role does not let us read it, or its objects are not known yet.

    Attributes:
        kind: a key of `treadle.plan.KINDS`.
    """

    connection: str = CLUSTER
    kind: str
