"""A stable pod and a canary as real processes: who answers, what is counted, and that no caller ever sees a canary fail."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration.runtime_process import Runtime, free_port, running_as
from tests.unit.predictors.models import PIXELS, png_text, save_digits
from tests.unit.runtime.test_orders import key
from treadle.connections.serving_pods import ControlKey, ServingPods
from treadle.connections.traffic import SERVING_PODS, NoAnswer, OrderTraffic, PodDrift, PodTraffic, StablePods
from treadle.contracts.drift import DriftReport
from treadle.contracts.serving import RuntimeLimits, RuntimeSpec
from treadle.contracts.sketch import Reference, Sketch
from treadle.contracts.traffic import TrafficState
from treadle.predictors import feature_columns, load_model
from treadle.statistics.sketches import sketch_of

STABLE = StablePods(namespace="ml", deployment="digits", revision="aaaaaa")
DEADLINE = 20.0


@dataclass
class Pair:
    """Both processes, and the operator's connection to them."""

    stable: Runtime
    canary: Runtime
    key: ControlKey

    async def order(self, sequence: int, **share: float) -> TrafficState | NoAnswer:
        """Divide the traffic as the operator would; what the stable pod says then."""
        pods = self._pods()
        wish = OrderTraffic(
            connection=SERVING_PODS,
            pods=STABLE,
            addresses=("127.0.0.1",),
            sequence=sequence,
            expires=time.time() + 300,
            canary=self.canary.url,
            weight=share.get("weight", 0),
            shadow=share.get("shadow", 0),
        )
        (said,) = (await pods.carry_out(wish)).values()
        await pods.close()
        assert isinstance(said, TrafficState | NoAnswer)
        return said

    async def drift(self, since: int) -> Sketch | None:
        """What the stable pod has counted after this window."""
        pods = self._pods()
        (said,) = (await pods.answer([PodDrift(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1", since=since)])).values()
        await pods.close()
        assert isinstance(said, DriftReport), said
        return said.window

    async def state(self) -> TrafficState:
        pods = self._pods()
        (said,) = (await pods.answer([PodTraffic(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1")])).values()
        await pods.close()
        assert isinstance(said, TrafficState), said
        return said

    def ask(self, times: int, path: str = "/v2/models/digits/infer") -> Counter[str]:
        """Which version answered how often; anything but 200 fails the test."""
        versions: Counter[str] = Counter()
        body = {"inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [png_text(3)]}]}
        with httpx.Client(base_url=self.stable.url, timeout=30) as client:
            for _ in range(times):
                answer = client.post(path, json=body)
                assert answer.status_code == 200, answer.text
                versions[answer.json()["model_version"]] += 1
        return versions

    def send(self, method: str, url: str, content: bytes = b"{}") -> int:
        """The status of a single request."""
        return httpx.request(method, url, content=content, headers={"content-type": "application/json"}, timeout=30).status_code

    def _pods(self) -> ServingPods:
        return ServingPods(self.key, lambda address: f"http://{address}:{self.stable.spec.control_port}")


def save_reference(model: Path, path: Path) -> Path:
    """What an evaluation would store with the model."""
    loaded = load_model(model)
    known = loaded.infer({"input-0": PIXELS[:100]})
    path.write_text(Reference(split="test", sketch=sketch_of(100, feature_columns(known.given), loaded.answer_columns(known))).to_json())
    return path


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two versions of one model; the name by which the canary's is served may be another one."""
    other = getattr(request, "param", "digits")
    ours, model = key(tmp_path), save_digits(tmp_path / "model")
    with ExitStack() as stack:
        stable, canary = (
            stack.enter_context(
                running_as(
                    RuntimeSpec(
                        namespace="ml",
                        deployment="digits",
                        revision=revision,
                        model_name=name,
                        model_version=version,
                        model_directory=str(model),
                        port=free_port(),
                        control_port=free_port(),
                        control_key=ours.public,
                        limits=RuntimeLimits(linger_seconds=0.2),
                        drift_seconds=1,
                        reference_file=str(save_reference(model, tmp_path / "reference.json")),
                    )
                )
            )
            for revision, version, name in (("aaaaaa", "1", "digits"), ("bbbbbb", "2", other))
        )
        yield Pair(stable, canary, ours)


async def test_what_the_stable_pod_counts_for_drift_is_told_window_by_window(pair: Pair) -> None:
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (window := await pair.drift(since=0)) is None or window.items < 20:
        assert time.monotonic() < deadline, f"{window.items if window else 0} of 20 requests were counted"
        await asyncio.sleep(0.2)
    assert sum(window.predictions["label"].all_counts()) == 20


async def test_the_canary_answers_its_share_and_both_are_counted(pair: Pair) -> None:
    assert pair.ask(5) == {"1": 5}
    await pair.order(1, weight=25)
    assert pair.ask(40) == {"1": 30, "2": 10}
    state = await pair.state()
    assert (state.stable.requests, state.canary.requests, state.canary.errors, state.weight) == (30, 10, 0, 25)
    assert sum(state.canary.latencies.values()) == 10
    assert pair.ask(3, "/v2/models/digits/versions/1/infer") == {"1": 3}, "who names a version gets it"


async def test_copies_are_compared_and_nobody_waits_for_them(pair: Pair) -> None:
    await pair.order(1, shadow=100)
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (state := await pair.state()).compared < 20:
        assert time.monotonic() < deadline, state
    assert (state.agreed, state.canary.requests, state.dropped) == (20, 20, 0)


async def test_a_canary_that_dies_is_no_callers_concern(pair: Pair) -> None:
    await pair.order(1, weight=50)
    pair.canary.process.kill()
    pair.canary.process.wait(10)
    assert pair.ask(20) == {"1": 20}
    state = await pair.state()
    assert (state.unreached, state.canary.errors, state.stable.requests) == (10, 0, 10)


async def test_what_is_the_callers_fault_is_nobodys_error(pair: Pair) -> None:
    await pair.order(1, weight=100)
    assert pair.send("POST", f"{pair.stable.url}/v2/models/digits/infer") == 400
    assert (await pair.state()).canary.requests == 0


@pytest.mark.parametrize("pair", ["numbers"], indirect=True)
async def test_what_only_the_canary_refuses_is_its_own_error_and_is_answered_all_the_same(pair: Pair) -> None:
    await pair.order(1, weight=50, shadow=100)
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (state := await pair.state()).canary.requests < 20:
        assert time.monotonic() < deadline, state
    assert (state.canary.errors, state.unreached, state.stable.errors) == (20, 0, 0)


async def test_orders_that_are_not_the_operators_change_nothing(pair: Pair, tmp_path: Path) -> None:
    await pair.order(5, weight=50)
    stranger = Pair(pair.stable, pair.canary, key(tmp_path))
    refused = await stranger.order(6, weight=100)
    assert isinstance(refused, NoAnswer)
    assert "403" in refused.why
    late = await pair.order(4, weight=100)
    assert isinstance(late, TrafficState)
    assert (late.sequence, late.weight) == (5, 50)
    assert pair.send("PUT", f"{pair.stable.control_url}/control/state") == 400


async def test_a_pod_that_is_gone_or_another_one_is_an_answer(pair: Pair) -> None:
    pods = ServingPods(pair.key, lambda address: f"http://{address}:{pair.canary.spec.control_port}")
    nobody = ServingPods(pair.key, lambda address: f"http://{address}:{free_port()}")
    question = PodTraffic(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1")
    assert await pods.answer([question]) == {question: NoAnswer(why="at 127.0.0.1 is another pod by now")}
    assert await nobody.answer([question]) == {question: NoAnswer(why="pod 127.0.0.1 does not answer: ConnectError")}
    await pods.close()
    await nobody.close()
