"""What one process serves, and how a request becomes an answer. Knows no routes."""

import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.traffic import FORWARDED, SERVER_TIMING
from treadle.predictors import BadInput, Model, Prediction
from treadle.runtime._admission import Admission
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import Body, parse_json, read_json
from treadle.runtime._canary import CanaryClient
from treadle.runtime._divide import count_own, divide
from treadle.runtime._drift import Drift
from treadle.runtime._errors import Refused
from treadle.runtime._feedback import Feedback
from treadle.runtime._labels import TrueLabels
from treadle.runtime._metrics import RuntimeMetrics
from treadle.runtime._traffic import Traffic

logger = logging.getLogger("treadle.runtime")


@dataclass(frozen=True)
class Told:
    """What a request is answered, and what that rests on."""

    answer: Mapping[str, Any]
    inputs: Mapping[str, NDArray[Any]]
    prediction: Prediction


Work = Callable[[Sequence[Mapping[str, Any]], Model], Sequence[Told | Mapping[str, Any] | Exception]]
"""From what several requests say to what each is answered."""
SMALL_BYTES = 16 * 1024
"""Up to this size requests may be worked on together."""
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
TIMING = SERVER_TIMING.encode()
MESSAGE_LIMIT = 1000
"""Characters of an error message; it may repeat what the caller sent."""


class _Answer(JSONResponse):
    """JSON that says again what a caller said: half a surrogate pair, which UTF-8 cannot hold, goes back as the escape that it came as.

    Attributes:
        told: what the answer rests on, where it is a prediction.
    """

    told: Told | None = None

    def render(self, content: Any) -> bytes:
        try:
            return to_json(content)
        except (ValueError, UnicodeEncodeError):
            return ENCODER.encode(content).encode("utf-8", "backslashreplace")


class Service:
    """The state of a serving process: not loaded, serving, leaving."""

    def __init__(self, spec: RuntimeSpec) -> None:
        self.spec = spec
        self.metrics = RuntimeMetrics(spec)
        self.model: Model | None = None
        self.leaving = False
        self.traffic = Traffic(spec)
        self.labels = TrueLabels(self.metrics, self.traffic, spec.drift_seconds)
        self.drift = Drift(spec, self.metrics)
        self.feedback = Feedback(spec, self.drift, self.metrics)
        self.canary = CanaryClient(spec.limits)
        self._admission = Admission(spec.limits)
        self._works: dict[Work, Callable[[Sequence[Any]], Sequence[Any]]] = {}
        self.metrics.in_flight.set_function(lambda: self._admission.taken)

    @property
    def ready(self) -> bool:
        """Whether new requests should come here."""
        return self.model is not None and not self.leaving

    def loaded(self, model: Model, seconds: float) -> None:
        """Serve this model from now on."""
        self.model = model
        self.feedback.begin(model)
        self.metrics.loaded(model.flavour, seconds)
        for other in model.others:
            logger.warning("the model may answer otherwise than when it was measured: %s", other)
            self.metrics.other_version(other.package, other.saved, other.installed)

    def seen(self, model: Model, inputs: Mapping[str, NDArray[Any]], prediction: Prediction) -> None:
        """Note an answer for what is done beside the requests. Called from any thread; returns at once."""
        self.drift.seen(model, prediction)
        self.feedback.seen(inputs, prediction)

    @property
    def works_beside(self) -> bool:
        """Whether there is anything to do beside the requests."""
        return self.drift.watches or self.feedback.keeps

    def work_beside(self) -> None:
        """Do it; not on the event loop, once a second."""
        self.drift.count()
        self.feedback.choose()

    async def answer(self, asked: Asked, work: Work) -> Response:
        """Answer an inference request: read its body, work on it in a thread, count it. Never raises."""
        # Who names a version wants an answer of that one.
        if self.traffic.canary and FORWARDED not in asked.headers and not asked.names_version:
            response = await self._divided(asked, work)
        else:
            response = await self._own(lambda: read_json(asked, self.spec.limits.request_bytes), work, small=_small(asked))
            if self.traffic.counts_alone and FORWARDED not in asked.headers:
                count_own(self.traffic.counts, response)
        return response

    async def aside(self, asked: Asked, work: Work) -> Response:
        """Answer a request about the model that is none to the model: not counted, and never by a canary. Never raises."""
        try:
            return await self._asked(lambda: read_json(asked, self.spec.limits.request_bytes), work, small=False)
        except Refused as refused:
            return refusal(refused)

    async def _divided(self, asked: Asked, work: Work) -> Response:
        """Answer while a canary gets a share of the traffic."""
        body = Body(asked, self.spec.limits)

        async def parsed() -> dict[str, Any]:
            return parse_json(asked, await body.read())

        return await divide(asked, body, self.traffic, self.canary, lambda: self._own(parsed, work, small=_small(asked)), self._disputed)

    def _disputed(self, response: Response) -> None:
        """Another version answered otherwise than this pod did."""
        if isinstance(response, _Answer) and response.told is not None:
            self.feedback.disputed(response.told.inputs, response.told.prediction)

    async def _own(self, read: Callable[[], Awaitable[dict[str, Any]]], work: Work, *, small: bool) -> Response:
        """Answer with this pod's own model, and say how long that took."""
        started = time.perf_counter()
        try:
            response = await self._asked(read, work, small=small)
        except Refused as refused:
            response = refusal(refused)
            if refused.code == 400:
                self.metrics.unfit(refused.misfit)
        seconds = time.perf_counter() - started
        self.metrics.answered(response.status_code, seconds)
        response.raw_headers.append((TIMING, b"app;dur=%.3f" % (seconds * 1000)))
        return response

    async def _asked(self, read: Callable[[], Awaitable[dict[str, Any]]], work: Work, *, small: bool) -> Response:
        """The answer of this pod's own model.

        Raises:
            Refused: when the request is not answered for a reason that its caller can understand.
        """
        try:
            if self.model is None:
                raise Refused(503, "the model is not loaded yet", retry_after=1)
            if work not in self._works:  # one and the same for all requests, so that they can be put together
                self._works[work] = partial(_asked, work, self.model)
            said = await self._admission.run(read, self._works[work], small=small and self.model.estimator.by_row)
            if not isinstance(said, Told):
                return _Answer(said)
            response = _Answer(said.answer)
            response.told = said
            return response
        except Refused:
            raise
        except BadInput as error:
            raise Refused.unfit(error) from error
        except Exception as error:
            # The words of an error may quote the request; without them its type and the place where it was raised must do.
            logger.error("a request failed unexpectedly: %s", _traced(error, words=not self.spec.sensitive))
            return refusal(Refused(500, "internal error; the pod's log says more"))

    async def close(self) -> None:
        """Free threads and sockets."""
        self._admission.close()
        await self.canary.close()


def _asked(work: Work, model: Model, bodies: Sequence[Mapping[str, Any]]) -> Sequence[Told | Mapping[str, Any] | Exception]:
    return work(bodies, model)


def _small(asked: Asked) -> bool:
    """Whether it says that it is; who says nothing of its size is not."""
    length = asked.headers.get("content-length", "")
    return length.isdecimal() and len(length) < 9 and int(length) <= SMALL_BYTES


def _traced(error: Exception, *, words: bool) -> str:
    """The stack of an error, with or without what it says."""
    if words:
        return "".join(traceback.format_exception(error))
    return f"{type(error).__name__}\n" + "".join(traceback.format_tb(error.__traceback__))


def refusal(refused: Refused) -> Response:
    """A refused request, in the error form of the Open Inference Protocol."""
    headers = {} if refused.retry_after is None else {"retry-after": str(refused.retry_after)}
    words = str(refused)
    told = words if len(words) <= MESSAGE_LIMIT else words[: MESSAGE_LIMIT - 1] + "…"
    return _Answer({"error": told}, status_code=refused.code, headers=headers)
