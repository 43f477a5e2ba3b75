"""A rollout from beginning to end with simulated requests: the real plan on an injected clock, and pods that count by the runtime's own code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.stories.story import Crashing, Moment, Story, Truth
from tests.unit.serving.canaries import SIGNING, asked, says, stable_pod
from tests.unit.serving.things import CANDIDATE, CHAMPION, deployment_name, make_deployment, numbered, ready, version
from treadle.contracts.traffic import TrafficOrder, TrafficState
from treadle.runtime._traffic import Arm, Traffic, Way
from treadle.serving import model_deployment

KIND = model_deployment(SIGNING)
TICK = 100
"""Seconds between two looks."""


@dataclass(frozen=True)
class Quality:
    """How a version answers: share of errors, median seconds, and how often it decides as the stable one does."""

    errors: float = 0.01
    median: float = 0.002
    agreement: float = 0.99


class Pod:
    """The stable pod: divides what comes as ordered, with the runtime's own arithmetic, and asks chance how each side answered."""

    def __init__(self, canary: Quality, seed: int) -> None:
        self._stable, self._canary = Quality(), canary
        self._chance = np.random.default_rng(seed)
        self._now = 0.0
        self._traffic = Traffic(_Spec, clock=lambda: self._now)  # type: ignore[arg-type]

    def obey(self, state: TrafficState) -> None:
        """Take the order that the operator has sent, as a dry run pretends it."""
        if state.sequence:
            self._traffic.apply(
                TrafficOrder(
                    namespace="ml",
                    deployment="digits",
                    revision=_Spec.revision,
                    sequence=state.sequence,
                    expires=state.expires,
                    canary="http://digits-canary",
                    weight=state.weight,
                    shadow=state.shadow,
                )
            )

    def serve(self, requests: int, now: float) -> TrafficState:
        """Answer so many requests until `now`; what it reports then."""
        self._now = now
        for _ in range(requests):
            way, counts = self._traffic.way(), self._traffic.counts
            if way is not Way.CANARY:
                fine = self._answer(counts.stable, self._stable)
            if way is not Way.STABLE:
                also = self._answer(counts.canary, self._canary)
                if way is Way.SHADOWED and fine and also:
                    counts.compared += 1
                    counts.agreed += self._chance.random() < self._canary.agreement
        return self._traffic.state()

    def _answer(self, arm: Arm, quality: Quality) -> bool:
        if self._chance.random() < quality.errors:
            arm.failed()
            return False
        arm.succeeded(float(self._chance.lognormal(0, 0.5) * quality.median))
        return True


class _Spec:
    namespace, deployment, revision = "ml", "digits", deployment_name("1").rpartition("-")[2]


def outcome(canary: Quality, seed: int, *, rollout: dict[str, Any], requests: Callable[[int], int], looks: int) -> str:
    """Roll version 2 out beside version 1; what history says of it, or `Undecided`. `requests`: how many come before each look."""
    story = Story("Simulated", KIND, make_deployment(rollout=rollout))
    story.kind = KIND  # unguarded: what plans keep to is held against every told story, and over many seeds would take most of the time
    truth, pod = Truth(), Pod(canary, seed)
    truth.put({**story.first, "metadata": {"generation": 1, **story.first["metadata"]}})
    known = {CANDIDATE: version("1"), numbered("1"): version("1"), numbered("2"): version("2"), CHAMPION: None, asked("1"): says("1")}
    _look(story, truth, Moment("0s", "applied", answers=known))
    _look(story, truth, Moment("1s", "it serves", {deployment_name("1"): ready()}, (stable_pod("1"),)))
    _look(story, truth, Moment("2s", "a candidate", answers={CANDIDATE: version("2"), CHAMPION: version("1")}))
    _look(story, truth, Moment("3s", "its pod is ready", {deployment_name("2"): ready()}))
    for look in range(1, looks + 1):
        moment = Moment(f"{look * TICK}s", "later")
        told = truth.answers[asked("1")]
        assert isinstance(told, TrafficState)
        pod.obey(told)
        truth.answers[asked("1")] = pod.serve(requests(look), moment.time.timestamp())
        _look(story, truth, moment)
        status = next(this for ref, this in truth.objects.items() if ref.kind == "ModelDeployment")["status"]
        if ended := [entry["outcome"] for entry in status.get("history", ()) if entry["version"] == "2"]:
            return str(ended[0])
    return "Undecided"


def _look(story: Story, truth: Truth, moment: Moment) -> None:
    story._change(truth, moment)
    story._lines(truth, moment, Crashing())
