"""How often a rollout ends as it should, over 30 seeds, with 1,000 requests on each side in each step."""

from collections import Counter

import pytest

from tests.stories.serving.simulated_traffic import Quality, outcome

SEEDS = range(30)
ROLLOUT = {"steps": [{"shadow": "5m"}, {"weight": 50, "hold": "5m"}], "analysis": {"minSamples": 200, "minAgreement": "0.9"}}


def ended(canary: Quality) -> Counter[str]:
    """What became of the version, by seed: of 334 requests before each look all are copied, then of 668 half are answered by the canary."""
    return Counter(outcome(canary, seed, rollout=ROLLOUT, requests=lambda look: 334 if look <= 4 else 668, looks=10) for seed in SEEDS)


@pytest.mark.parametrize(
    "canary",
    [
        pytest.param(Quality(errors=0.05), id="errors rise from 1 % to 5 %"),
        pytest.param(Quality(median=0.004), id="p95 doubles"),
        pytest.param(Quality(agreement=0.8), id="a fifth of the answers differ"),
    ],
)
def test_a_worse_version_is_rolled_back_every_time(canary: Quality) -> None:
    assert ended(canary) == {"RolledBack": 30}


def test_a_version_that_is_as_good_is_promoted() -> None:
    told = ended(Quality())
    assert told["Serving"] + told["Promoted"] >= 29, told


def test_five_requests_leave_it_open() -> None:
    assert outcome(Quality(errors=0.5), 0, rollout=ROLLOUT, requests=lambda look: 5 if look == 2 else 0, looks=20) == "Undecided"
