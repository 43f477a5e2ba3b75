"""The whole course of a tracked run's metrics, from the MLflow that the user names as for MLflow's own client, by `MLFLOW_TRACKING_URI` and the
variables with its credentials.

An address that stands in a status is never asked: whoever may write that status would choose where this machine sends the user's credentials.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from treadle.connections._http import JsonClient

API = "/api/2.0/mlflow"
METRICS_LIMIT = 12
"""Curves of a run; more nobody looks at."""
HISTORY_LIMIT = 5000
"""Points that are asked for, of each."""
POINTS = 300
"""Points that are drawn: some of them, as far apart as possible, and the last."""
FRESH = 10.0
"""Seconds that an answer is good for."""
KEPT = 200
"""Runs whose curves are remembered."""
SECONDS = 5.0
SYSTEM = "system/"
"""What MLflow measures of the machine."""

Curves = dict[str, list[tuple[float, float]]]


class History:
    """Asks for curves, of each run not oftener than somebody could see.

    Args:
        url: of the tracking server.
        auth: the user's credentials for it.
        clock: seconds that never go back.
        transport: in tests, what stands for the network.
    """

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.auth = auth
        self._http = JsonClient("MLflow", url, auth=auth, transport=transport)
        self._clock = clock
        self._known: dict[str, tuple[float, Curves]] = {}

    async def of(self, run_id: str) -> Curves:
        """Its metrics by name, each as points (seconds since 1970, value); nothing of a run that is not there.

        Raises:
            Trouble: MLflow does not answer, or refuses.
        """
        known = self._known.get(run_id)
        if known is None or self._clock() - known[0] > FRESH:
            known = (self._clock(), await self._read(run_id))
            self._known.pop(run_id, None)
            self._known[run_id] = known
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return known[1]

    async def close(self) -> None:
        """Close sockets."""
        await self._http.close()

    async def _read(self, run_id: str) -> Curves:
        run = await self._get("runs/get", run_id=run_id)
        latest = _listed(_mapping(_mapping(_mapping(run).get("run")).get("data")).get("metrics"))
        names = sorted({str(metric.get("key")) for metric in latest if not str(metric.get("key")).startswith(SYSTEM)})[:METRICS_LIMIT]
        found = {name: _points(await self._get("metrics/get-history", run_id=run_id, metric_key=name, max_results=HISTORY_LIMIT)) for name in names}
        return {name: points for name, points in found.items() if len(points) > 1}

    async def _get(self, path: str, **query: object) -> Any:
        reply = await self._http.send("GET", f"{API}/{path}", query=query, seconds=SECONDS)
        return reply.body if reply.ok else None


def history_from(variables: Mapping[str, str]) -> History | None:
    """The one that the user's environment names; None where it names none that speaks HTTP."""
    url = variables.get("MLFLOW_TRACKING_URI", "")
    if not url.startswith(("http://", "https://")):
        return None
    name, password, token = (variables.get(f"MLFLOW_TRACKING_{word}", "") for word in ("USERNAME", "PASSWORD", "TOKEN"))
    if name:
        return History(url, httpx.BasicAuth(name, password))
    return History(url, _Bearer(token) if token else None)


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request


def _points(answer: Any) -> list[tuple[float, float]]:
    found = []
    for each in _listed(_mapping(answer).get("metrics")):
        try:
            when, value = float(each.get("timestamp", "")) / 1000, float(each.get("value", ""))
        except (TypeError, ValueError):
            continue
        if math.isfinite(when) and math.isfinite(value):
            found.append((when, value))
    found.sort(key=lambda point: point[0])
    stride = math.ceil(len(found) / POINTS) or 1
    return found[::stride] + (found[-1:] if (len(found) - 1) % stride else [])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
