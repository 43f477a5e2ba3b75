"""Texts that users keep in ConfigMaps: guidelines, configurations."""

from dataclasses import dataclass

from treadle.plan import Question
from treadle.workloads.refusal import CLUSTER


@dataclass(frozen=True, kw_only=True)
class ConfigMapText(Question[str | None]):
    """The text under a key of a ConfigMap. None: there is no such ConfigMap, or it has no such key."""

    connection: str = CLUSTER
    namespace: str
    name: str
    key: str
