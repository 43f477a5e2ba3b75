"""One request of a stable pod while a canary proves itself: who answers it, and what is learnt from it."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from treadle.contracts.traffic import SERVER_TIMING
from treadle.runtime._agreement import same_answer
from treadle.runtime._asked import Asked
from treadle.runtime._canary import CanaryClient, Letter, Reached
from treadle.runtime._traffic import Counts, Traffic, Way

Own = Callable[[], Awaitable[Response]]
"""Answers with this pod's own model; never raises, and its answer has a `server-timing`."""


Disputed = Callable[[], Awaitable[None]]
"""Told when both versions answered, and not the same."""


async def divide(asked: Asked, body: bytes, traffic: Traffic, canary: CanaryClient, own: Own, disputed: Disputed) -> Response:
    """Answer a request as the order says.

    What the canary does not answer with 200 is answered here, and *that* answer tells whose fault it was: if the stable version can answer, or fails
    too, the canary has failed; if it says that the request is wrong, nobody has.
    """
    where, counts, letter = traffic.canary, traffic.counts, Letter.of(asked, body, traffic.revision)
    match traffic.way(asked.session):
        case Way.CANARY:
            return await _by_canary(where, letter, counts, canary, own)
        case Way.SHADOWED:
            return await _shadowed(where, letter, counts, canary, own, disputed)
        case Way.STABLE:
            response = await own()
            count_own(counts, response)
            return response


async def _by_canary(where: str, letter: Letter, counts: Counts, canary: CanaryClient, own: Own) -> Response:
    reached = await canary.send(where, letter)
    if reached and reached.status == 200:
        counts.canary.succeeded(reached.seconds)
        counts.met(reached.body)
        return Response(reached.body, media_type=reached.content_type)
    response = await own()
    _count_canary(counts, reached, response)
    return response


async def _shadowed(where: str, letter: Letter, counts: Counts, canary: CanaryClient, own: Own, disputed: Disputed) -> Response:
    response = await own()
    count_own(counts, response)

    async def copied() -> None:
        reached = await canary.send(where, letter)
        if not reached or reached.status != 200:
            _count_canary(counts, reached, response)
            return
        counts.canary.succeeded(reached.seconds)
        counts.met(reached.body)
        if response.status_code == 200:
            counts.compared += 1
            mine = bytes(response.body)
            if mine == reached.body or same_answer(mine, reached.body):
                counts.agreed += 1
            else:
                await disputed()

    if not canary.beside(copied()):
        counts.dropped += 1
    return response


def count_own(counts: Counts, response: Response) -> None:
    """Count what this pod answered; what is the caller's fault does not count."""
    if response.status_code == 200:
        counts.stable.succeeded(_seconds(response))
    elif response.status_code >= 500:
        counts.stable.failed()


def _count_canary(counts: Counts, reached: Reached | None, own: Response) -> None:
    """Count what the canary did not answer, judged by what this pod answered instead."""
    if reached is None:
        counts.unreached += 1
    elif own.status_code == 200 or own.status_code >= 500:
        counts.canary.failed()


def _seconds(response: Response) -> float:
    return float(response.headers[SERVER_TIMING].rpartition("=")[2]) / 1000
