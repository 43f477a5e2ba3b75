"""The operator process: reads the admin's configuration, builds connections and kinds, and runs the engine until it is told to stop."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from treadle.annotation import annotation_project
from treadle.connections.installation import Installation, connection_key, parse_installation
from treadle.connections.label_studio import LabelStudio
from treadle.connections.mlflow import Mlflow
from treadle.connections.serving_pods import ControlKey, ServingPods
from treadle.connections.traffic import SERVING_PODS
from treadle.engine import Access, Connection, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.plan import Kind
from treadle.serving import model_deployment
from treadle.training import training_run

log = logging.getLogger("treadle")

WRONG_CONFIGURATION = 2
GARBAGE_ROUND = 5_000
"""Objects made between two looks for garbage in cycles. With 2,000 runs: a fifth less CPU than with Python's own 700, for a tenth more memory."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator; returns the exit code."""
    options = _options(arguments)
    _log(options.log_format, options.log_level)
    try:
        installation = parse_installation(Path(options.config).read_text(encoding="utf-8"))
        key = ControlKey(installation.control.private_key_file) if installation.control.private_key_file else None
    except (OSError, ValueError) as error:
        log.error("%s: %s", options.config, error)
        return WRONG_CONFIGURATION
    return asyncio.run(_operate(options, installation.with_public_key(key.public) if key else installation, key))


async def _operate(options: argparse.Namespace, installation: Installation, key: ControlKey | None) -> int:
    """Run the engine; SIGTERM and SIGINT end it in order, with the lease given back."""
    # What is loaded by now stays; and what the API server sends has no cycles, so that looking for some at every 700th object is mostly in vain.
    gc.freeze()
    gc.set_threshold(GARBAGE_ROUND)
    access = Access(options.kubeconfig)
    try:
        connections = connections_of(installation, key)
        await access.load()
    except ValueError as error:
        log.error("%s", error)
        return WRONG_CONFIGURATION
    settings = Settings(
        lease=LeaseName(options.lease_namespace, options.lease, options.identity),
        namespaces=tuple(installation.namespaces),
        workers=options.workers,
        port=options.port,
        installation=installation.id,
        tracking=tuple(connection_key("mlflow", name) for name in installation.connections.mlflow),
    )
    engine = asyncio.ensure_future(
        run(
            kinds_of(installation),
            cluster=KubernetesCluster(Wire(access)),
            connections=connections,
            settings=settings,
            clock=_now,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, engine.cancel)
    try:
        await engine
    except asyncio.CancelledError:
        log.info("stopped")
    return 0


def kinds_of(installation: Installation) -> list[Kind[Any]]:
    """The kinds that an installation reconciles."""
    return [annotation_project(installation), training_run(installation), model_deployment(installation)]


def connections_of(installation: Installation, key: ControlKey | None = None) -> dict[str, Connection]:
    """The outside systems that the operator itself speaks to, by the key that questions and effects name. `key` signs orders to serving pods."""
    configured = installation.connections
    connections: dict[str, Connection] = {}
    for name, label_studio in configured.label_studio.items():
        connections[connection_key("labelStudio", name)] = LabelStudio(label_studio)
    for name, mlflow in configured.mlflow.items():
        connections[connection_key("mlflow", name)] = Mlflow(mlflow, _now)
    if key:
        connections[SERVING_PODS] = ServingPods(key)
    return connections


def _now() -> datetime:
    return datetime.now(UTC)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m treadle.main", description="The Treadle operator.")
    parser.add_argument("--config", required=True, help="the installation's configuration (YAML)")
    parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG") or None, help="default: KUBECONFIG, else the pod's service account")
    parser.add_argument("--lease", default="treadle", help="name of the Lease that decides which replica works")
    parser.add_argument("--lease-namespace", default=os.environ.get("POD_NAMESPACE", "treadle-system"), help="namespace of the Lease")
    parser.add_argument("--identity", default=_identity(), help="our name in the Lease; unique per process")
    parser.add_argument("--port", type=int, default=8080, help="for /livez, /readyz and /metrics")
    parser.add_argument("--workers", type=int, default=32, help="objects that are looked at side by side")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser.parse_args(arguments)


def _identity() -> str:
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}-{uuid4().hex[:8]}"


class JsonLines(logging.Formatter):
    """One JSON object per record, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _log(form: str, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for noisy in ("kopf", "httpx", "httpcore", "aiohttp", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR if noisy == "kopf" else logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
