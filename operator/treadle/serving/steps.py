"""The steps of a rollout, and what each needs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from treadle.api.deployment_status import Canary
from treadle.api.rollout import RolloutStep
from treadle.serving.observe import Serving
from treadle.serving.scale import size

STEPS: Sequence[RolloutStep] = (
    RolloutStep(shadow=timedelta(minutes=5)),
    RolloutStep(weight=10, hold=timedelta(minutes=5)),
    RolloutStep(weight=50, hold=timedelta(minutes=10)),
)
"""What a rollout takes where spec says nothing."""
EVERYTHING = 100
"""Percent: of the requests that are copied in a shadow step, and of the traffic of a version that has taken over."""


def steps_of(serving: Serving) -> Sequence[RolloutStep]:
    """The steps in which a version proves itself. One of all the traffic is none: nothing is left to compare it with, so that it takes over there."""
    asked = serving.spec.rollout.steps or STEPS
    return tuple(step for step in asked if step.weight != EVERYTHING) or STEPS


def step_of(serving: Serving, canary: Canary) -> RolloutStep:
    """The step that the canary is at; the last one when spec has become shorter meanwhile."""
    steps = steps_of(serving)
    return steps[min(canary.step, len(steps) - 1)]


def lasts(step: RolloutStep) -> timedelta | None:
    """How long a step takes at least; None when only the samples count."""
    return step.shadow or step.hold


def step_ends_at(serving: Serving, canary: Canary, now: datetime) -> datetime:
    """When the step may be concluded."""
    return (canary.step_started_at or now) + (lasts(step_of(serving, canary)) or timedelta())


def canary_size(serving: Serving, canary: Canary) -> int:
    """How many pods the canary needs now: its share of the full size, and the full size before it takes over."""
    if canary.stage == "TakingOver":
        return size(serving)
    return max(1, ceil(size(serving) * (step_of(serving, canary).weight or 0) / 100))
