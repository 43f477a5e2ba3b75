"""One request of a stable pod while a canary proves itself: who answers it, and what is learnt from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from treadle.contracts.traffic import SERVER_TIMING
from treadle.runtime._agreement import same_answer
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import Body
from treadle.runtime._canary import CanaryClient, Letter, Lost, Reached, Unsent
from treadle.runtime._errors import Refused
from treadle.runtime._traffic import Counts, Traffic, Way

Own = Callable[[], Awaitable[Response]]
"""Answers with this pod's own model; never raises, and its answer has a `server-timing`."""


Disputed = Callable[[Response], None]
"""Told this pod's answer when the other version answered too, and not the same."""


@dataclass(frozen=True)
class _Request:
    """A request, and who may answer it. It keeps the counts that it began with."""

    asked: Asked
    body: Body
    where: str
    revision: str
    counts: Counts
    canary: CanaryClient
    own: Own

    async def given_to_canary(self) -> Reached | Lost | Unsent:
        """What the canary says to it, if it has room: what would wait for a slow one is answered here, as if it had never been meant for it."""
        if not self.canary.enter():
            return Unsent.NO_ROOM
        try:
            content = await self.body.read_in_time()
            return await self.copied(content) if self.canary.holds(content) else Unsent.NO_ROOM
        except Refused:
            return Unsent.UNREAD
        finally:
            self.canary.leave()

    async def copied(self, content: bytes) -> Reached | Lost | Unsent:
        """What the canary says to a copy."""
        return await self.canary.send(self.where, Letter.of(self.asked, content, self.revision))


async def divide(asked: Asked, body: Body, traffic: Traffic, canary: CanaryClient, own: Own, disputed: Disputed) -> Response:
    """Answer a request as the order says.

    What the canary does not answer with 200 is answered here, and *that* answer tells whose fault it was: if the stable version can answer, or fails
    too, the canary has failed; if it says that the request is wrong, nobody has. A canary that was waited for in vain has failed if the stable
    version needs less than it was given.
    """
    request = _Request(asked, body, traffic.canary, traffic.revision, traffic.counts, canary, own)
    match traffic.way(asked.session):
        case Way.CANARY:
            return await _by_canary(request)
        case Way.SHADOWED:
            return await _shadowed(request, disputed)
        case Way.STABLE:
            return (await _by_own(request))[0]


async def _by_canary(request: _Request) -> Response:
    said, counts = await request.given_to_canary(), request.counts
    match said:
        case Reached(status=200):
            counts.canary.succeeded(said.seconds)
            counts.met(said.body)
            return Response(said.body, media_type=said.content_type)
        case Unsent.NO_ROOM:
            counts.dropped += 1
            return (await _by_own(request))[0]
        case Unsent.UNREAD:
            return await request.own()  # says what is wrong with it
    response = await request.own()
    _count_canary(counts, said, response, _seconds(response))
    return response


async def _by_own(request: _Request) -> tuple[Response, float]:
    """By this pod, which counts it, and in how many seconds. How its caller sent it, slowly or not as a whole, is not the model's matter."""
    came_before = request.body.seconds
    response = await request.own()
    took = _seconds(response) - (request.body.seconds - came_before)
    if request.body.content is not None:
        count_own(request.counts, response, took)
    if response.status_code == 200:
        request.canary.patience.took(took)
    return response, took


async def _shadowed(request: _Request, disputed: Disputed) -> Response:
    response, took = await _by_own(request)
    counts, content = request.counts, request.body.content
    if content is None:
        return response

    async def copied() -> None:
        said = await request.copied(content)
        if not isinstance(said, Reached) or said.status != 200:
            _count_canary(counts, said, response, took)
            return
        counts.canary.succeeded(said.seconds)
        counts.met(said.body)
        if response.status_code == 200:
            counts.compared += 1
            mine = bytes(response.body)
            if mine == said.body or same_answer(mine, said.body):
                counts.agreed += 1
            else:
                disputed(response)

    if not (request.canary.holds(content) and request.canary.beside(copied())):
        counts.dropped += 1
    return response


def count_own(counts: Counts, response: Response, took: float | None = None) -> None:
    """Count what this pod answered; what is the caller's fault does not count. `took`: seconds, where it was not all of the time that it says."""
    if response.status_code == 200:
        counts.stable.succeeded(_seconds(response) if took is None else took)
    elif response.status_code >= 500:
        counts.stable.failed()


def _count_canary(counts: Counts, said: Reached | Lost | Unsent, own: Response, took: float) -> None:
    """Count what the canary did not answer, judged by what this pod answered instead, and how long it took for that."""
    if isinstance(said, Unsent):
        counts.unreached += 1
    elif isinstance(said, Lost) and said.waited is not None and own.status_code == 200 and took >= said.waited:
        return
    elif own.status_code == 200 or own.status_code >= 500:
        counts.canary.failed()


def _seconds(response: Response) -> float:
    return float(response.headers[SERVER_TIMING].rpartition("=")[2]) / 1000
