"""Sticky sessions: the same way in every pod, and the share that the weight asks for."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.traffic import TrafficOrder
from treadle.runtime._traffic import Traffic, Way

SPEC = RuntimeSpec(namespace="ml", deployment="digits", revision="abc123", model_name="digits", model_version="7")
SESSIONS = [f"session-{number}" for number in range(2000)]


def pod(weight: float, revision: str = "abc123", shadow: float = 0) -> Traffic:
    """A pod that carries out such an order."""
    traffic = Traffic(SPEC)
    expires = time.time() + 300
    told = {"namespace": "ml", "deployment": "digits", "revision": revision, "sequence": 1, "expires": expires, "canary": "http://canary"}
    traffic.apply(TrafficOrder.model_validate(told | {"weight": weight, "shadow": shadow}))
    return traffic


def in_canary(traffic: Traffic) -> set[str]:
    return {session for session in SESSIONS if traffic.way(session) is Way.CANARY}


def test_a_session_goes_the_same_way_in_every_pod_and_at_every_request() -> None:
    one, other = pod(30), pod(30)
    assert in_canary(one) == in_canary(one) == in_canary(other)


def test_as_the_weight_grows_sessions_join_and_none_leaves() -> None:
    shares = [in_canary(pod(weight)) for weight in (0, 10, 50, 100)]
    assert all(fewer <= more for fewer, more in pairwise(shares))
    assert [len(share) for share in shares] == [0, *(len(share) for share in shares[1:-1]), len(SESSIONS)]
    assert abs(len(shares[1]) / len(SESSIONS) - 0.1) < 0.03
    assert abs(len(shares[2]) / len(SESSIONS) - 0.5) < 0.05


def test_other_sessions_try_the_next_version() -> None:
    assert in_canary(pod(10)) != in_canary(pod(10, revision="def456"))


def test_in_a_shadow_step_sessions_are_copied_like_all_others() -> None:
    assert pod(0, shadow=100).way("me") is Way.SHADOWED


@given(st.text())
def test_any_text_names_a_session(session: str) -> None:
    assert pod(50).way(session) in (Way.CANARY, Way.STABLE)


def test_without_a_session_the_weight_is_exact() -> None:
    traffic = pod(25)
    assert [traffic.way() for _ in range(100)].count(Way.CANARY) == 25
