"""Verdicts: what surely fails, what stays open, what passes; and that a version as good as the stable one seldom fails."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from treadle.api.rollout import Analysis
from treadle.contracts.traffic import LATENCY_BUCKETS, ArmCounts, TrafficState, latency_edge
from treadle.runtime._traffic import latency_bucket
from treadle.serving.judgement import Arm, Demands, Evidence, Outcome, judge
from treadle.serving.judgement.looks import ALPHA, alpha_at_end, alpha_of_look, due

ALPHA_HERE = 0.01


def arm(requests: int, errors: int = 0, milliseconds: float = 2.0) -> Arm:
    return Arm(requests, errors, {latency_bucket(milliseconds / 1000): requests - errors})


def verdict(canary: Arm, stable: Arm, analysis: Analysis | None = None, *, shadow: bool = False, **evidence: int) -> tuple[Outcome, str]:
    said = judge(Evidence(stable, canary, **evidence), Demands(analysis or Analysis(), shadow, ALPHA_HERE))
    return said.outcome, said.words


def test_few_requests_prove_nothing_however_bad_they_are() -> None:
    assert verdict(arm(5, 5), arm(5)) == (Outcome.INCONCLUSIVE, "5 of 200 requests")


def test_a_side_without_requests_proves_nothing() -> None:
    assert verdict(arm(1000), arm(0))[0] is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("canary", "outcome"), [(arm(1000, 10), Outcome.PASSED), (arm(1000, 14), Outcome.PASSED), (arm(1000, 50), Outcome.FAILED)], ids=str
)
def test_errors_are_compared_with_the_stable_versions(canary: Arm, outcome: Outcome) -> None:
    assert verdict(canary, arm(1000, 10))[0] is outcome


def test_a_ceiling_holds_even_where_the_stable_version_is_worse() -> None:
    limit = Analysis(maxErrorRate=Decimal("0.01"))
    assert verdict(arm(1000, 60), arm(1000, 80), limit)[0] is Outcome.FAILED
    assert verdict(arm(1000, 12), arm(1000, 80), limit)[0] is Outcome.INCONCLUSIVE
    assert verdict(arm(1000, 9), arm(1000, 80), limit)[0] is Outcome.PASSED


def test_latency_is_compared_with_the_stable_versions_or_with_a_ceiling() -> None:
    assert verdict(arm(500, milliseconds=2.2), arm(500))[0] is Outcome.PASSED
    assert verdict(arm(500, milliseconds=4.0), arm(500))[0] is Outcome.FAILED
    limit = Analysis(maxLatencyP95=timedelta(milliseconds=250))
    assert verdict(arm(500, milliseconds=200), arm(500), limit)[0] is Outcome.PASSED
    assert verdict(arm(500, milliseconds=300), arm(500, milliseconds=300), limit)[0] is Outcome.FAILED


def test_agreement_is_judged_where_answers_were_compared() -> None:
    floor = Analysis(minAgreement=Decimal("0.9"))
    seen = {"canary": arm(500), "stable": arm(500), "analysis": floor, "shadow": True}
    assert verdict(**seen, compared=500, agreed=400)[0] is Outcome.FAILED  # type: ignore[arg-type]
    assert verdict(**seen, compared=500, agreed=445)[0] is Outcome.INCONCLUSIVE  # type: ignore[arg-type]
    assert verdict(**seen, compared=500, agreed=480)[0] is Outcome.PASSED  # type: ignore[arg-type]
    assert verdict(**seen, compared=20, agreed=20)[0] is Outcome.INCONCLUSIVE  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("canary", "stable", "outcome"),
    [((280, 20), (285, 15), Outcome.PASSED), ((230, 70), (285, 15), Outcome.FAILED), ((0, 29), (285, 15), Outcome.PASSED)],
    ids=["as good", "surely worse", "too few labels to say"],
)
def test_accuracy_is_compared_where_true_labels_are_known(canary: tuple[int, int], stable: tuple[int, int], outcome: Outcome) -> None:
    sides = [replace(arm(400), right=right, wrong=wrong) for right, wrong in (canary, stable)]
    said, words = verdict(*sides)
    assert said is outcome
    assert ("answers right" in words) == (sum(canary) >= 30)


def test_accuracy_that_is_a_fifth_worse_is_found_and_equal_accuracy_is_not() -> None:
    random = Random(1)

    def labelled(accuracy: float) -> Arm:
        right = sum(random.random() < accuracy for _ in range(1000))
        return replace(arm(1000), right=right, wrong=1000 - right)

    assert [verdict(labelled(0.75), labelled(0.95))[0] for _ in range(30)] == [Outcome.FAILED] * 30
    assert [verdict(labelled(0.95), labelled(0.95))[0] for _ in range(30)].count(Outcome.PASSED) >= 29


def test_a_version_that_is_not_reached_fails() -> None:
    assert verdict(arm(10), arm(1000), unreached=900) == (Outcome.FAILED, "900 requests did not reach it, 10 did")


def test_a_version_that_gives_no_answer_to_three_of_ten_requests_fails_however_good_the_others_are() -> None:
    lost = Arm(1000, 300, {latency_bucket(0.002): 700})
    assert verdict(lost, arm(1000)) == (Outcome.FAILED, "1000 requests: errors 30.00% (stable 0.00%), surely more than the stable version's")


def test_a_pod_that_was_taken_away_in_the_middle_of_a_few_requests_fails_no_version() -> None:
    assert verdict(arm(1000, 3), arm(1000), unreached=60)[0] is Outcome.PASSED


def test_a_version_that_three_of_ten_requests_do_not_reach_is_neither_bad_nor_proven() -> None:
    assert verdict(arm(700), arm(1000), unreached=300) == (Outcome.INCONCLUSIVE, "700 requests: 300 of 1000 requests did not reach it")
    assert verdict(arm(700, 200), arm(1000), unreached=300)[0] is Outcome.FAILED


def test_answers_that_differ_are_told_where_they_are_not_judged() -> None:
    said, words = verdict(arm(500), arm(500), shadow=True, compared=500, agreed=400)
    assert said is Outcome.PASSED
    assert words.endswith("; agreement 80.00%, not judged without minAgreement")
    assert "agreement" not in verdict(arm(500), arm(500), compared=500, agreed=400)[1]


def test_the_sentence_has_the_numbers() -> None:
    said = verdict(arm(1000, 50), arm(1000, 10))[1]
    assert said == "1000 requests: errors 5.00% (stable 1.00%), surely more than the stable version's"


def test_what_pods_report_is_added_up_and_nonsense_in_it_left_out() -> None:
    counts = ArmCounts(requests=10, errors=12, latencies={"3": 4, "x": 9, "9999": 7, "4": -2})
    state = TrafficState(namespace="ml", deployment="digits", revision="abc", canary=counts, compared=3, agreed=5)
    evidence = Evidence.of([state, state])
    assert evidence == Evidence(canary=Arm(20, 20, {3: 8}), compared=6, agreed=6)


def test_quantile_bounds_hold_the_true_quantile_as_often_as_they_say() -> None:
    numbers, inside = np.random.default_rng(7), 0
    true = float(np.exp(1.6448536) * 0.002)  # of a lognormal with sigma 1
    for _ in range(200):
        answers = Counter(latency_bucket(seconds) for seconds in numbers.lognormal(0, 1, 500) * 0.002)
        low, high = Arm(500, 0, answers).quantile_bounds(0.95, 0.05)
        inside += low <= true <= high
    assert inside >= 175  # 90 % of 200, less three standard deviations


def test_a_latency_lies_in_its_bucket() -> None:
    for seconds in (0.0, 1e-4, 1.01e-4, 0.0033, 0.25, 1.0, 30.0, 1e6):
        bucket = latency_bucket(seconds)
        assert bucket == 0 or latency_edge(bucket - 1) < seconds
        assert seconds <= latency_edge(bucket) or bucket == LATENCY_BUCKETS - 1


def test_all_looks_of_a_rollout_spend_one_error_probability() -> None:
    steps = 3
    spent = steps * (alpha_at_end(steps) + sum(alpha_of_look(looks, steps) for looks in range(60)))
    assert spent == pytest.approx(ALPHA)


def test_the_evidence_is_looked_at_whenever_it_has_doubled() -> None:
    looked, looks = [], 0
    for samples in range(5000):
        if due(samples, 200, looks):
            looked.append(samples)
            looks += 1
    assert looked == [200, 400, 800, 1600, 3200]
