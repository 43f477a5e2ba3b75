"""Words about the pods of a ModelDeployment: how their traffic is divided, and what they count. Data only; `serving_pods.py` answers and fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treadle.contracts.drift import DriftReport
from treadle.contracts.traffic import TrafficState
from treadle.plan import Effect, Question

SERVING_PODS = "servingPods"
"""The connection that speaks to serving pods; there is one per installation."""


@dataclass(frozen=True, kw_only=True)
class NoAnswer:
    """An answer too: this pod does not answer now, or says no."""

    why: str


@dataclass(frozen=True, kw_only=True)
class StablePods:
    """Whose pods are meant: a pod's address may be another one's a moment later, so that each says who it is."""

    namespace: str
    deployment: str
    revision: str


@dataclass(frozen=True, kw_only=True)
class PodTraffic(Question[TrafficState | NoAnswer]):
    """How a stable pod divides its traffic, and what it counted."""

    pods: StablePods
    address: str


@dataclass(frozen=True, kw_only=True)
class PodDrift(Question[DriftReport | NoAnswer]):
    """What a stable pod counted of inputs and answers in the whole windows after the one numbered `since`."""

    pods: StablePods
    address: str
    since: int


@dataclass(frozen=True, kw_only=True)
class OrderTraffic(Effect):
    """These pods divide their traffic like this. A pod that cannot be reached is passed over: it says so when it is asked again.

    Attributes:
        addresses: of the pods.
        sequence, expires, canary, weight, shadow: see `TrafficOrder`.
    """

    pods: StablePods
    addresses: tuple[str, ...]
    sequence: int
    expires: float
    canary: str
    weight: float
    shadow: float

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        state = TrafficState(
            namespace=self.pods.namespace,
            deployment=self.pods.deployment,
            revision=self.pods.revision,
            sequence=self.sequence,
            expires=self.expires,
            weight=self.weight,
            shadow=self.shadow,
        )
        return {PodTraffic(connection=self.connection, pods=self.pods, address=address): state for address in self.addresses}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        share = f"{self.weight:g} % of the traffic" + (f" and copies of {self.shadow:g} %" if self.shadow else "")
        return "TrafficOrdered", f"{share} go to the canary (order {self.sequence})"

    def __str__(self) -> str:
        return f"OrderTraffic(addresses={', '.join(self.addresses)}, sequence={self.sequence}, weight={self.weight:g}, shadow={self.shadow:g})"


__all__ = ["SERVING_PODS", "NoAnswer", "OrderTraffic", "PodDrift", "PodTraffic", "StablePods"]
