"""How the operator divides a ModelDeployment's traffic, and what its stable pods report: the control channel between the two.

The operator sends each stable pod a signed `TrafficOrder`. The pod answers part of its requests through the canary's Service, or sends copies of
them there, and counts what it sees of both: the same callers, at the same time, measured at the same place. What the canary fails to answer the pod
answers itself, so that no caller sees a canary fail.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from treadle.contracts._base import Contract

EXPIRY_SECONDS = 300.0
"""So long an order holds; a pod that hears nothing more answers everything itself again."""

RENEWAL_SECONDS = 150.0
"""An order that ends sooner than this is sent again."""

FORWARDED = "x-treadle-forwarded"
"""Header of a request that a stable pod passes on, with its revision: it is answered where it arrives."""

SESSION = "x-treadle-session"
"""Header, or cookie, of a caller who wants to meet the same version throughout a rollout: any text that names the session."""

SERVER_TIMING = "server-timing"
"""Header of an answer: how long the pod itself took, as `app;dur=1.8` in milliseconds (W3C Server Timing)."""

LATENCY_BASE = 1e-4
"""Seconds: the upper edge of latency bucket 0."""

LATENCY_GROWTH = 2.0 ** (1 / 16)
"""Each bucket's upper edge over the one below: quantiles are known to about 4 %."""

LATENCY_BUCKETS = 336
"""The last one holds all that took longer than about 200 s."""


class TrafficOrder(Contract):
    """What a stable pod shall do with its requests from now on.

    A pod takes an order only with a valid signature, for itself (namespace, deployment, revision), and with a `sequence` not below the last one.
    An order with the same sequence only prolongs the former; counting begins anew with each new sequence.
    """

    contract: Literal[1] = 1
    namespace: str = Field(description="Namespace of the ModelDeployment.")
    deployment: str = Field(description="Name of the ModelDeployment.")
    revision: str = Field(description="The stable revision, whose pods this is for.")
    sequence: int = Field(ge=1, description="Number of the order; it only grows.")
    expires: float = Field(description="Until when it holds, in seconds since 1970 (UTC).")
    canary: str = Field(default="", description="Base URL of the canary's Service; empty when nothing goes there.")
    weight: float = Field(default=0, ge=0, le=100, description="Percent of the requests that the canary answers.")
    shadow: float = Field(default=0, ge=0, le=100, description="Percent of the other requests of which the canary gets a copy.")


class SignedOrder(Contract):
    """An order as it travels: its JSON text, and the Ed25519 signature of that text's UTF-8 bytes, in base64."""

    order: str = Field(max_length=4096)
    signature: str = Field(max_length=128)


class ArmCounts(Contract):
    """What one side answered since the order was applied.

    Attributes:
        requests: answers that count: 200, or a failure that is the server's own. What both sides refuse as the caller's fault is not among them.
        errors: failures among them.
        latencies: answers with 200 by latency bucket (its number as text); see `latency_bucket`.
        right, wrong: answers whose true label a caller told meanwhile.
    """

    requests: int = Field(default=0, ge=0)
    errors: int = Field(default=0, ge=0)
    latencies: Mapping[str, int] = Field(default_factory=dict)
    right: int = Field(default=0, ge=0)
    wrong: int = Field(default=0, ge=0)


class TrafficState(Contract):
    """What a stable pod reports.

    Attributes:
        sequence: of the order that it applies; 0 when it never had one.
        expires: of that order.
        weight, shadow: as they are carried out now; 0 once the order has expired.
        stable, canary: what both sides answered.
        compared: requests that both sides answered with 200.
        agreed: those of them with the same answer.
        unreached: requests for which no connection to the canary could be made; the pod answered them itself. One that came through and was not
            answered, in time or at all, is an error of the canary's.
        dropped: requests that the pod answered itself, and copies that it did not send, because too many were under way to the canary.
    """

    namespace: str
    deployment: str
    revision: str
    sequence: int = 0
    expires: float = 0
    weight: float = 0
    shadow: float = 0
    stable: ArmCounts = ArmCounts()
    canary: ArmCounts = ArmCounts()
    compared: int = Field(default=0, ge=0)
    agreed: int = Field(default=0, ge=0)
    unreached: int = Field(default=0, ge=0)
    dropped: int = Field(default=0, ge=0)


def latency_edge(bucket: int) -> float:
    """The upper edge of a latency bucket in seconds."""
    return LATENCY_BASE * LATENCY_GROWTH**bucket


__all__ = [
    "EXPIRY_SECONDS",
    "FORWARDED",
    "LATENCY_BASE",
    "LATENCY_BUCKETS",
    "LATENCY_GROWTH",
    "RENEWAL_SECONDS",
    "SERVER_TIMING",
    "SESSION",
    "ArmCounts",
    "SignedOrder",
    "TrafficOrder",
    "TrafficState",
    "latency_edge",
]
