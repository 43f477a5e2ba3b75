"""The connection to serving pods: reads what they count and sends them signed orders, each pod by its own address.

Pods come and go, so that one which does not answer is an answer about that pod and never an outage of the connection.
"""

import asyncio
import base64
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import ValidationError

from treadle.connections._http import usual_trust
from treadle.connections.traffic import NoAnswer, OrderTraffic, PodDrift, PodTraffic, StablePods
from treadle.contracts.drift import DRIFT_PATH, DriftReport
from treadle.contracts.serving import CONTROL_PATH, CONTROL_PORT
from treadle.contracts.traffic import SignedOrder, TrafficOrder, TrafficState
from treadle.plan import Effect, Question

SECONDS = 3.0
"""For a whole call: a pod is near, and there are many."""
AT_ONCE = 32
ANSWER_LIMIT = 64 * 1024  # bytes of what a pod reports of its traffic
DRIFT_LIMIT = 4 * 1024 * 1024  # bytes of two sketches of the largest kind

Report = TypeVar("Report", TrafficState, DriftReport)


class ControlKey:
    """The operator's private key. Pods know its public part from their template.

    Args:
        path: a PEM file with an Ed25519 private key.

    Raises:
        ValueError: when the file cannot be read, or holds another kind of key.
    """

    def __init__(self, path: str) -> None:
        try:
            key = load_pem_private_key(Path(path).read_bytes(), password=None)
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"the control key {path} cannot be read: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"the control key {path} is not an Ed25519 private key")
        self._key = key

    @property
    def public(self) -> str:
        """The public key, in base64."""
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(self, order: TrafficOrder) -> SignedOrder:
        """The order as it travels."""
        text = order.to_json()
        return SignedOrder(order=text, signature=base64.b64encode(self._key.sign(text.encode())).decode())


class ServingPods:
    """All serving pods, as an engine's `Connection`.

    Args:
        key: signs orders.
        url_of: base URL of the control port of the pod with this address.
    """

    def __init__(self, key: ControlKey, url_of: Callable[[str], str] = lambda address: f"http://{bracketed(address)}:{CONTROL_PORT}") -> None:
        self._key = key
        self._url_of = url_of
        self._client = httpx.AsyncClient(timeout=SECONDS, verify=usual_trust(), trust_env=False, follow_redirects=False)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        """See `Connection.answer`."""
        asked = list(questions)
        return dict(zip(asked, await asyncio.gather(*(self._answered(question) for question in asked)), strict=True))

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        """See `Connection.carry_out`. Never raises for a pod; what each says is the answer."""
        assert isinstance(effect, OrderTraffic)
        order = TrafficOrder(
            namespace=effect.pods.namespace,
            deployment=effect.pods.deployment,
            revision=effect.pods.revision,
            sequence=effect.sequence,
            expires=effect.expires,
            canary=effect.canary,
            weight=effect.weight,
            shadow=effect.shadow,
        )
        body = self._key.sign(order).to_json()
        states = await asyncio.gather(*(self._told("PUT", effect.pods, address, body) for address in effect.addresses))
        return {
            PodTraffic(connection=effect.connection, pods=effect.pods, address=address): state
            for address, state in zip(effect.addresses, states, strict=True)
        }

    async def close(self) -> None:
        """Close sockets."""
        await self._client.aclose()

    async def _answered(self, question: Question[Any]) -> TrafficState | DriftReport | NoAnswer:
        match question:
            case PodTraffic(pods=pods, address=address):
                return await self._told("GET", pods, address)
            case PodDrift(pods=pods, address=address, since=since):
                content = await self._sent("GET", address, f"{DRIFT_PATH}?since={since}", limit=DRIFT_LIMIT)
                return _read(DriftReport, content, pods, address)
        raise AssertionError(f"serving pods are not asked {question}")

    async def _told(self, method: str, pods: StablePods, address: str, body: str | None = None) -> TrafficState | NoAnswer:
        """What a pod reports of its traffic."""
        return _read(TrafficState, await self._sent(method, address, CONTROL_PATH, body=body), pods, address)

    async def _sent(self, method: str, address: str, target: str, *, body: str | None = None, limit: int = ANSWER_LIMIT) -> bytes | NoAnswer:
        """What the pod at this address answers."""
        try:
            async with self._places, asyncio.timeout(SECONDS), self._client.stream(method, self._url_of(address) + target, content=body) as answer:
                content = await _bounded(answer, limit)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return NoAnswer(why=f"pod {address} does not answer: {type(error).__name__}")
        if answer.status_code not in (200, 409):
            return NoAnswer(why=f"pod {address} says {answer.status_code}: {content[:200].decode(errors='replace')}")
        return content


def _read(form: type[Report], content: bytes | NoAnswer, pods: StablePods, address: str) -> Report | NoAnswer:
    """What a pod says, if it is the one that is meant."""
    if isinstance(content, NoAnswer):
        return content
    try:
        said = form.model_validate_json(content)
    except ValidationError:
        return NoAnswer(why=f"pod {address} answers no {form.__name__}")
    if (said.namespace, said.deployment, said.revision) != (pods.namespace, pods.deployment, pods.revision):
        return NoAnswer(why=f"at {address} is another pod by now")
    return said


async def _bounded(answer: httpx.Response, limit: int) -> bytes:
    content = b""
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > limit:
            raise httpx.DecodingError(f"more than {limit} bytes")
    return content


def bracketed(address: str) -> str:
    """An IP address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address
