"""What both versions answered during one step of a rollout, counted by the stable pods."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from treadle.contracts.traffic import LATENCY_BUCKETS, ArmCounts, TrafficState, latency_edge
from treadle.serving.judgement.exact import binomial_at_least


@dataclass(frozen=True)
class Arm:
    """What one version answered.

    Attributes:
        requests: answers that count, see `ArmCounts`.
        errors: failures among them.
        latencies: answers with 200, by the number of their latency bucket.
        right, wrong: answers whose true label became known meanwhile.
    """

    requests: int = 0
    errors: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)
    right: int = 0
    wrong: int = 0

    @property
    def error_rate(self) -> float:
        """Share of failures, 0 without any request."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def labelled(self) -> int:
        """Answers whose true label is known."""
        return self.right + self.wrong

    @property
    def accuracy(self) -> float:
        """Share of right answers among them, 0 without any."""
        return self.right / self.labelled if self.labelled else 0.0

    @property
    def timed(self) -> int:
        """Answers whose latency is known."""
        return sum(self.latencies.values())

    def quantile_bounds(self, quantile: float, alpha: float) -> tuple[float, float]:
        """Seconds between which the true quantile lies, each bound missed with probability at most `alpha`; (0, infinity) with too few answers.

        Of n answers, the number below the true quantile is binomial, so that the k-th and l-th fastest bound it (order statistics: David and
        Nagaraja, 2003, section 7.1). Widened to the edges of their buckets.
        """
        count = self.timed
        low = _last(count, lambda rank: binomial_at_least(rank, count, quantile) >= 1.0 - alpha)
        high = _last(count, lambda rank: binomial_at_least(rank, count, quantile) > alpha) + 1
        return (self._edge_below(low) if low else 0.0), (self._edge_above(high) if high <= count else float("inf"))

    def _edge_below(self, rank: int) -> float:
        bucket = self._bucket(rank)
        return latency_edge(bucket - 1) if bucket else 0.0

    def _edge_above(self, rank: int) -> float:
        bucket = self._bucket(rank)
        return latency_edge(bucket) if bucket < LATENCY_BUCKETS - 1 else float("inf")

    def _bucket(self, rank: int) -> int:
        """The bucket of the rank-th fastest answer."""
        passed = 0
        for bucket in sorted(self.latencies):
            passed += self.latencies[bucket]
            if passed >= rank:
                return bucket
        raise ValueError(f"there is no answer number {rank} among {passed}")

    @classmethod
    def merged(cls, counts: Iterable[ArmCounts]) -> "Arm":
        """What several pods counted, as one. Buckets with impossible numbers are left out."""
        requests = errors = right = wrong = 0
        latencies: dict[int, int] = {}
        for count in counts:
            requests, errors = requests + count.requests, errors + min(count.errors, count.requests)
            right, wrong = right + count.right, wrong + count.wrong
            for name, answers in count.latencies.items():
                if name.isdigit() and int(name) < LATENCY_BUCKETS and answers > 0:
                    latencies[int(name)] = latencies.get(int(name), 0) + answers
        return cls(requests, errors, latencies, right, wrong)


@dataclass(frozen=True)
class Evidence:
    """Both versions side by side.

    Attributes:
        compared: requests that both answered with 200.
        agreed: those of them with the same answer.
        unreached: requests that never came through to the canary.
    """

    stable: Arm = Arm()
    canary: Arm = Arm()
    compared: int = 0
    agreed: int = 0
    unreached: int = 0

    @property
    def samples(self) -> int:
        """Requests that each side has at least."""
        return min(self.stable.requests, self.canary.requests)

    @classmethod
    def of(cls, states: Iterable[TrafficState], behind: Iterable[TrafficState] = ()) -> "Evidence":
        """What the stable pods report, added up; `behind`: what the canary's own pods say, to whom requests come past the stable ones."""
        states = tuple(states)
        return cls(
            stable=Arm.merged(state.stable for state in states),
            canary=Arm.merged([*(state.canary for state in states), *(state.stable for state in behind)]),
            compared=sum(state.compared for state in states),
            agreed=sum(min(state.agreed, state.compared) for state in states),
            unreached=sum(state.unreached for state in states),
        )


def _last(count: int, holds: Callable[[int], bool]) -> int:
    """The last rank from 1 to `count` for which something holds that holds only up to some rank; 0 when for none."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
