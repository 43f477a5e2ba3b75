"""The paths of a serving pod: Open Inference Protocol v2, MLflow's scoring protocol, metrics; and on the control port the traffic weights."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version as version_of
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from treadle.contracts.drift import DRIFT_PATH
from treadle.contracts.serving import CONTROL_PATH, LIVE_PATH, METRICS_PATH, READY_PATH
from treadle.predictors import Tensor
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import read_bytes, read_json
from treadle.runtime._errors import Refused
from treadle.runtime._orders import LIMIT as ORDER_LIMIT
from treadle.runtime._orders import verified
from treadle.runtime._questions import Questions
from treadle.runtime._service import Service, refusal

FEEDBACK_LIMIT = 64 * 1024  # bytes of a request with true labels
DIGITS = 18
"""Of a window's number."""

Answering = Callable[[Asked], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def inference_application(service: Service) -> ASGIApp:
    """What callers of the model and Prometheus see."""
    spec = service.spec

    async def server(_: Request) -> Response:
        return JSONResponse({"name": "treadle", "version": version_of("treadle"), "extensions": []})

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(_: Request) -> Response:
        return JSONResponse({"ready": service.ready}, status_code=200 if service.ready else 503)

    async def model_ready(_: Request) -> Response:
        return JSONResponse({"name": spec.model_name, "ready": service.ready}, status_code=200 if service.ready else 503)

    async def model_metadata(_: Request) -> Response:
        if service.model is None:
            return refusal(Refused(503, "the model is not loaded yet", retry_after=1))
        return JSONResponse(
            {
                "name": spec.model_name,
                "versions": [spec.model_version],
                "platform": f"mlflow_{service.model.flavour}",
                "inputs": [_described(tensor) for tensor in service.model.inputs],
                "outputs": [_described(tensor) for tensor in service.model.outputs],
            }
        )

    work = Questions(service)

    async def infer(asked: Asked) -> Response:
        return await service.answer(asked, work=work.infer)

    async def invocations(asked: Asked) -> Response:
        return await service.answer(asked, work=work.invoke)

    async def explanation(asked: Asked) -> Response:
        if not spec.explain:
            return refusal(Refused(404, "explanations are not enabled: set spec.explain.enabled"))
        return await service.aside(asked, work=work.explain)

    async def feedback(request: Request) -> Response:
        try:
            body = await read_json(_asked(request), FEEDBACK_LIMIT)
            return JSONResponse({"right": service.labels.learn(body)})
        except Refused as refused:
            return refusal(refused)

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.exposition(), media_type="text/plain; version=0.0.4")

    def of_model(path: str, endpoint: Endpoint, method: str) -> list[Route]:
        named = _only_model(service, endpoint)
        return [Route(f"/v2/models/{{name}}{version}{path}", named, methods=[method]) for version in ("", "/versions/{version}")]

    others = Starlette(
        routes=[
            Route("/v2", server),
            Route(LIVE_PATH, live),
            Route(READY_PATH, ready),
            *of_model("", model_metadata, "GET"),
            *of_model("/ready", model_ready, "GET"),
            *of_model("/infer", _routed(infer), "POST"),
            *of_model("/explain", _routed(explanation), "POST"),
            *of_model("/feedback", feedback, "POST"),
            Route("/feedback", feedback, methods=["POST"]),
            Route("/invocations", _routed(invocations), methods=["POST"]),
            Route("/ping", ready),
            Route("/version", server),
            Route(METRICS_PATH, metrics),
        ],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    return _AllDay({f"/v2/models/{spec.model_name}/infer": infer, "/invocations": invocations}, others)


class _AllDay:
    """What is asked all day goes straight to its endpoint, everything else to the routes: to find one costs as much as to read a small request."""

    def __init__(self, endpoints: Mapping[str, Answering], others: ASGIApp) -> None:
        self._endpoints, self._others = endpoints, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None:
            await self._others(scope, receive, send)
            return
        response = await endpoint(Asked(scope, receive))
        await response(scope, receive, send)


def control_application(service: Service) -> Starlette:
    """What the operator sees: how traffic is divided and what came of it (GET), a signed order to divide it otherwise (PUT), and what was counted."""

    def told(code: int = 200) -> Response:
        return Response(service.traffic.state().to_json(), code, media_type="application/json")

    async def state(_: Request) -> Response:
        return told()

    async def order(request: Request) -> Response:
        try:
            wanted = verified(await read_bytes(_asked(request), ORDER_LIMIT), service.spec)
        except Refused as refused:
            return refusal(refused)
        return told(200 if service.traffic.apply(wanted) else 409)

    async def drift(request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdecimal() or len(since) > DIGITS:
            return refusal(Refused(400, "`since` must be the number of a window"))
        report = service.drift.report(int(since))
        beside = {"feedback": service.feedback.trouble(), "labelled": service.labels.told(report.through)}
        report = report.model_copy(update=beside)
        return Response(report.to_json(), media_type="application/json")

    routes = [
        Route(CONTROL_PATH, state, methods=["GET"]),
        Route(CONTROL_PATH, order, methods=["PUT"]),
        Route(DRIFT_PATH, drift, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})


def _only_model(service: Service, endpoint: Endpoint) -> Endpoint:
    """One process has one model: another name or version is not found."""

    async def named(request: Request) -> Response:
        name, version = request.path_params["name"], request.path_params.get("version", service.spec.model_version)
        if (name, version) != (service.spec.model_name, service.spec.model_version):
            served = f"{service.spec.model_name} version {service.spec.model_version}"
            return refusal(Refused(404, f"model {name} version {version} is not here; served is {served}"))
        return await endpoint(request)

    return named


def _asked(request: Request) -> Asked:
    return Asked(request.scope, request.receive)


def _routed(answering: Answering) -> Endpoint:
    """What is reached by a route too."""

    async def endpoint(request: Request) -> Response:
        return await answering(_asked(request))

    return endpoint


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}


async def _not_found(request: Request, _: Exception) -> Response:
    return refusal(Refused(404, f"no such path: {request.url.path}"))


async def _not_allowed(request: Request, _: Exception) -> Response:
    return refusal(Refused(405, f"{request.method} is not allowed on {request.url.path}"))
