"""Whether an order that arrived on the control port is to be carried out: signed by the operator, meant for this pod, and not outdated."""

import base64
import binascii
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.traffic import SignedOrder, TrafficOrder
from treadle.runtime._errors import Refused

LIMIT = 8 * 1024  # bytes of a signed order


def verified(body: bytes, spec: RuntimeSpec, now: float | None = None) -> TrafficOrder:
    """The order, when it may be carried out by this pod.

    Raises:
        Refused: 400 when it is not an order, 403 when it is not the operator's or not for this pod, 410 when its time is over, 501 when this pod
            knows no key.
    """
    if not spec.control_key:
        raise Refused(501, "this pod was started without the operator's public key")
    try:
        signed = SignedOrder.model_validate_json(body)
        signature = base64.b64decode(signed.signature, validate=True)
    except (ValidationError, binascii.Error, ValueError) as error:
        raise Refused(400, "the body is not a signed order") from error
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(spec.control_key)).verify(signature, signed.order.encode())
    except InvalidSignature as error:
        raise Refused(403, "the signature is not the operator's") from error
    try:
        order = TrafficOrder.model_validate_json(signed.order)
    except ValidationError as error:
        raise Refused(400, f"the order is not understood: {error}") from error
    if (order.namespace, order.deployment, order.revision) != (spec.namespace, spec.deployment, spec.revision):
        raise Refused(403, f"the order is for {order.namespace}/{order.deployment} revision {order.revision}")
    if order.expires <= (time.time() if now is None else now):
        raise Refused(410, "the order has expired")
    return order
