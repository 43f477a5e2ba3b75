"""Runs the two ports in one process, from start to the last request after SIGTERM."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import Model, NoTwin, load_model, with_twin
from treadle.runtime._behind import Behind
from treadle.runtime._leaving import Leaving
from treadle.runtime._routes import control_application, inference_application
from treadle.runtime._service import Service
from treadle.runtime._smoke import ask

logger = logging.getLogger("treadle.runtime")

BESIDE_SECONDS = 1.0


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process decides when both servers end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(service: Service, *, host: str = "0.0.0.0") -> None:  # noqa: S104  (a pod's own address; the network policy says who may come)
    """Listen, load the model, answer until SIGTERM or SIGINT; then leave without losing a request.

    Raises:
        NotLoadable: when the model cannot be served.
    """
    spec = service.spec
    behind = Behind(service) if spec.behind_port else None
    inference, control = (
        _Server(_configuration(application, host, port, spec.limits.drain_seconds))
        for application, port in (
            (Leaving(service, behind or inference_application(service)), spec.port),
            (control_application(service), spec.control_port),
        )
    )
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)
    servers = [asyncio.create_task(inference.serve()), asyncio.create_task(control.serve())]
    beside = asyncio.create_task(_beside(service))
    try:
        if behind is None:
            started = time.perf_counter()
            model = await asyncio.to_thread(_loaded, spec)
            service.loaded(model, time.perf_counter() - started)
        logger.info("serving %s %s on port %d", spec.model_name, spec.model_version, spec.port)
        await asyncio.wait([asyncio.create_task(leave.wait()), *servers], return_when=asyncio.FIRST_COMPLETED)
        service.leaving = True
        logger.info("leaving: new requests are taken for another %g s", spec.limits.linger_seconds)
        if not any(server.done() for server in servers):
            await asyncio.sleep(spec.limits.linger_seconds)
    finally:
        beside.cancel()
        inference.should_exit = control.should_exit = True
        await asyncio.gather(*servers)
        await service.close()
        if behind is not None:
            await behind.close()


def _loaded(spec: RuntimeSpec) -> Model:
    """The model; as an ONNX graph where that is wanted and answers the same. It has answered the example of its evaluation, if there is one.

    Raises:
        NotLoadable: when it cannot be served, or answers that example otherwise.
    """
    model = load_model(Path(spec.model_directory), allow_pickle=spec.allow_pickle)
    if spec.onnx:
        try:
            model = with_twin(model)
        except NoTwin as error:
            logger.warning("the model is served as it is, not as an ONNX graph: %s", error)
    ask(model, spec.smoke, sensitive=spec.sensitive)
    return model


async def _beside(service: Service) -> None:
    """Look once a second at what requests have left behind, for as long as the process serves."""
    while service.works_beside:
        await asyncio.sleep(BESIDE_SECONDS)
        try:
            await asyncio.to_thread(service.work_beside)
        except Exception as error:  # serving goes on; its words may quote a request
            logger.error("what was seen could not be counted or kept: %s", type(error).__name__)


def _configuration(application: ASGIApp, host: str, port: int, drain_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=round(drain_seconds),
    )
