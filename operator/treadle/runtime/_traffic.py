"""How a stable pod divides its requests between itself and the canary, and what it counts of both. Decides and counts; sends nothing."""

import contextlib
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum

from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.traffic import LATENCY_BASE, LATENCY_BUCKETS, LATENCY_GROWTH, ArmCounts, TrafficOrder, TrafficState


class Way(Enum):
    """What becomes of a request."""

    STABLE = "stable"
    SHADOWED = "shadowed"
    CANARY = "canary"


class Arm:
    """Counts of one side."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.right = 0
        self.wrong = 0
        self._latencies: Counter[int] = Counter()

    def labelled(self, right: int, wrong: int) -> None:
        """Count answers whose true label became known."""
        self.right += right
        self.wrong += wrong

    def succeeded(self, seconds: float) -> None:
        """Count an answer with 200, and how long it took."""
        self.requests += 1
        self._latencies[latency_bucket(seconds)] += 1

    def failed(self) -> None:
        """Count a failure that is the server's own."""
        self.requests += 1
        self.errors += 1

    def counts(self) -> ArmCounts:
        """As the operator reads it."""
        latencies = {str(bucket): answers for bucket, answers in sorted(self._latencies.items())}
        return ArmCounts(requests=self.requests, errors=self.errors, latencies=latencies, right=self.right, wrong=self.wrong)


class Counts:
    """What was seen under one order."""

    def __init__(self) -> None:
        self.stable = Arm()
        self.canary = Arm()
        self.compared = 0
        self.agreed = 0
        self.unreached = 0
        self.dropped = 0
        self.canary_version = ""

    def met(self, body: bytes) -> None:
        """Learn from an answer of the canary's which version it is, so that true labels of its answers count for it."""
        if self.canary_version:
            return
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
            self.canary_version = str(json.loads(body).get("model_version") or "")


class Traffic:
    """The order that this pod carries out, if any.

    Requests are divided exactly, not by chance: of every hundred in a row, `weight` go to the canary.

    Args:
        spec: who this pod is.
        clock: seconds since 1970; orders expire by it.

    Attributes:
        counts: what is seen under the order of now. A request keeps the counts that it began with.
    """

    def __init__(self, spec: RuntimeSpec, clock: Callable[[], float] = time.time) -> None:
        self._spec = spec
        self._clock = clock
        self._order: TrafficOrder | None = None
        self._begin()

    def apply(self, order: TrafficOrder) -> bool:
        """Carry out an order from now on; False for one that is older than what is carried out already. The same number only prolongs."""
        known = self._order.sequence if self._order else 0
        if order.sequence < known:
            return False
        if order.sequence > known:
            self._begin()
        self._order = order
        return True

    @property
    def canary(self) -> str:
        """Base URL of the canary, empty when nothing goes there."""
        order = self._order
        live = order is not None and order.canary and self._clock() < order.expires and (order.weight or order.shadow)
        return order.canary if order and live else ""

    @property
    def counts_alone(self) -> bool:
        """Whether this pod counts what it answers although it passes nothing on: somebody before it divides the traffic."""
        return self._order is not None and self._clock() < self._order.expires and not self.canary

    @property
    def revision(self) -> str:
        """Of this pod."""
        return self._spec.revision

    def labelled(self, version: str, right: int, wrong: int) -> None:
        """Count answers of a version whose true label became known; of a third version, which served before, nothing counts."""
        if version == self._spec.model_version:
            self.counts.stable.labelled(right, wrong)
        elif version == self.counts.canary_version:
            self.counts.canary.labelled(right, wrong)

    def way(self, session: str = "") -> Way:
        """What becomes of the next request. Requests of a named session go the same way in every pod; as the weight grows, sessions join the canary
        and none leaves it.
        """
        order = self._order
        if order is None or not self.canary:
            return Way.STABLE
        if session and order.weight:
            return Way.CANARY if _place(session, order.revision) < order.weight else Way.STABLE
        self._weight += order.weight
        if self._weight >= 100:
            self._weight -= 100
            return Way.CANARY
        self._shadow += order.shadow
        if self._shadow >= 100:
            self._shadow -= 100
            return Way.SHADOWED
        return Way.STABLE

    def state(self) -> TrafficState:
        """What the operator reads."""
        order, live = self._order, bool(self.canary)
        return TrafficState(
            namespace=self._spec.namespace,
            deployment=self._spec.deployment,
            revision=self._spec.revision,
            sequence=order.sequence if order else 0,
            expires=order.expires if order else 0,
            weight=order.weight if order and live else 0,
            shadow=order.shadow if order and live else 0,
            stable=self.counts.stable.counts(),
            canary=self.counts.canary.counts(),
            compared=self.counts.compared,
            agreed=self.counts.agreed,
            unreached=self.counts.unreached,
            dropped=self.counts.dropped,
        )

    def _begin(self) -> None:
        """Count anew."""
        self.counts = Counts()
        self._weight = self._shadow = 0.0


def _place(session: str, revision: str) -> float:
    """Where a session stands among all, from 0 to 100: by chance, but the same in every pod, and another in the next rollout."""
    digest = hashlib.sha256(f"{revision}/{session}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8]) / 2**64 * 100


def latency_bucket(seconds: float) -> int:
    """The number of the latency bucket: bucket 0 ends at 0.1 ms, each further one ends about 4 % higher."""
    if seconds <= LATENCY_BASE:
        return 0
    return min(LATENCY_BUCKETS - 1, math.ceil(math.log(seconds / LATENCY_BASE) / math.log(LATENCY_GROWTH)))
