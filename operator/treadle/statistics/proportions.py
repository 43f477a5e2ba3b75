"""How sure a share is that was counted on few. No library: the operator's image has none."""

from math import sqrt

NINETY_FIVE = 1.959963984540054
"""Standard deviations to both sides of the mean that hold 95 % of a normal distribution."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of the rate behind `hits` of so many trials, at least one.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference. Of a few trials, or of a rate near 0 or 1, it covers
    the true rate about as often as it says, where the usual mean plus or minus two deviations does not (Brown, Cai and DasGupta, 2001).
    """
    share, square = hits / trials, NINETY_FIVE**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = NINETY_FIVE * sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == trials else min(1.0, centre + half))
