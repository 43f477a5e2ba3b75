"""When to look at the evidence, and how sure each look must be, so that looking often does not make a good version fail by chance.

A version that is surely bad is to be stopped early, so that the evidence is looked at whenever it has doubled, and once more at the end of a step.
All looks of a rollout share one error probability, as in group-sequential trials (alpha spending: Lan and DeMets, 1983).
"""

ALPHA = 0.02
"""Probability with which a version as good as the stable one is rolled back, over all looks of all steps."""


def due(samples: int, min_samples: int, looks: int) -> bool:
    """Whether the evidence has doubled since the last look; the first one is at `min_samples`."""
    return samples >= min_samples << looks


def alpha_of_look(looks: int, steps: int) -> float:
    """What a look before the end of a step, after so many others in it, may spend: half of the step's share, in halves of halves."""
    return ALPHA / steps / (4 << looks)


def alpha_at_end(steps: int) -> float:
    """What the look at the end of a step may spend: the other half of the step's share."""
    return ALPHA / steps / 2


__all__ = ["ALPHA", "alpha_at_end", "alpha_of_look", "due"]
