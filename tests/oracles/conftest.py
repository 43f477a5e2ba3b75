"""Answers of simulated people; run by `make oracles` in an environment of its own, which holds what our statistics are compared with."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(params=range(5))
def chance(request: pytest.FixtureRequest) -> np.random.Generator:
    """Five seeds."""
    return np.random.default_rng(request.param)
