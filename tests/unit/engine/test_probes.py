"""The probes: reachable in every family of addresses, and telling what is missing."""

import httpx
import pytest

from tests.integration.processes import free_port
from treadle.engine._metrics import Metrics
from treadle.engine._probes import Pulse, probes


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_kubelet_reaches_them_by_ipv4_and_by_ipv6(host: str) -> None:
    port, missing = free_port(), ["not read yet: Job", None]
    async with probes(host=None, port=port, pulse=Pulse(), metrics=Metrics(), ready=lambda: missing[0]), httpx.AsyncClient(timeout=5) as http:
        assert (await http.get(f"http://{host}:{port}/livez")).status_code == 200
        unready = await http.get(f"http://{host}:{port}/readyz")
        assert (unready.status_code, unready.text) == (503, "not read yet: Job\n")
        missing.pop(0)
        assert (await http.get(f"http://{host}:{port}/readyz")).status_code == 200
        assert "treadle_bugs_total" in (await http.get(f"http://{host}:{port}/metrics")).text


async def test_who_hears_nothing_for_too_long_is_called_dead() -> None:
    now = [0.0]
    pulse, port = Pulse(lambda: now[0]), free_port()
    pulse.beat("Job")
    async with probes(host="127.0.0.1", port=port, pulse=pulse, metrics=Metrics(), ready=lambda: None), httpx.AsyncClient(timeout=5) as http:
        now[0] = 901.0
        silent = await http.get(f"http://127.0.0.1:{port}/livez")
    assert (silent.status_code, silent.text) == (500, "silent: Job\n")
