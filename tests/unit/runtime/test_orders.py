"""Orders about traffic: only the operator's, only for this pod, only in their time, only forward; and requests are divided exactly."""

import base64
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from treadle.connections.serving_pods import ControlKey
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.traffic import SignedOrder, TrafficOrder
from treadle.runtime._errors import Refused
from treadle.runtime._orders import verified
from treadle.runtime._traffic import Traffic, Way

NOW = 1_000.0


def key(folder: Path) -> ControlKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    return ControlKey(str(folder / "key.pem"))


def spec(public: str = "", revision: str = "abc123") -> RuntimeSpec:
    return RuntimeSpec(namespace="ml", deployment="digits", revision=revision, model_name="digits", model_version="1", control_key=public)


def order(sequence: int = 1, expires: float = NOW + 300, **more: float) -> TrafficOrder:
    return TrafficOrder(
        namespace="ml", deployment="digits", revision="abc123", sequence=sequence, expires=expires, canary="http://digits-canary", **more
    )


def refused(body: str, to: RuntimeSpec) -> int:
    with pytest.raises(Refused) as error:
        verified(body.encode(), to, NOW)
    return error.value.code


def test_an_order_of_the_operator_is_taken(tmp_path: Path) -> None:
    ours = key(tmp_path)
    assert verified(ours.sign(order(weight=10)).to_json().encode(), spec(ours.public), NOW) == order(weight=10)


def test_what_is_not_the_operators_or_not_for_this_pod_or_too_late_is_refused(tmp_path: Path) -> None:
    ours = key(tmp_path)
    signed = ours.sign(order(weight=10))
    forged = SignedOrder(order=signed.order.replace('"weight":10', '"weight":99'), signature=signed.signature)
    assert forged.order != signed.order
    assert refused(forged.to_json(), spec(ours.public)) == 403
    assert refused(key(tmp_path).sign(order()).to_json(), spec(ours.public)) == 403
    assert refused(signed.to_json(), spec(ours.public, revision="fff000")) == 403
    assert refused(ours.sign(order(expires=NOW)).to_json(), spec(ours.public)) == 410
    assert refused(signed.to_json(), spec()) == 501
    for nonsense in ("", "{}", "[1]", '{"order": "{}", "signature": "!!"}', '{"order": 5, "signature": ""}'):
        assert refused(nonsense, spec(ours.public)) == 400
    assert refused(ours.sign(order()).model_copy(update={"signature": base64.b64encode(b"x").decode()}).to_json(), spec(ours.public)) == 403


def test_a_signed_text_that_is_no_order_is_refused(tmp_path: Path) -> None:
    ours = key(tmp_path)
    text = "{}"
    signature = base64.b64encode(ours._key.sign(text.encode())).decode()
    assert refused(SignedOrder(order=text, signature=signature).to_json(), spec(ours.public)) == 400


@pytest.mark.parametrize("content", [b"", b"not a key"], ids=["empty", "text"])
def test_a_key_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(ValueError, match=r"control key .*key\.pem"):
        ControlKey(str(tmp_path / "key.pem"))


def test_requests_are_divided_exactly() -> None:
    traffic = Traffic(spec(), clock=lambda: NOW)
    assert traffic.apply(order(weight=10, shadow=50))
    ways = Counter(traffic.way() for _ in range(1000))
    assert ways == {Way.CANARY: 100, Way.SHADOWED: 450, Way.STABLE: 450}


def test_an_order_ends_by_itself_and_counting_begins_anew_with_each_new_one() -> None:
    now = NOW
    traffic = Traffic(spec(), clock=lambda: now)
    traffic.apply(order(1, weight=100))
    traffic.counts.canary.failed()
    assert traffic.apply(order(1, expires=NOW + 600, weight=100))
    assert traffic.state().canary.errors == 1
    assert traffic.apply(order(2, weight=50))
    assert traffic.state().canary.errors == 0
    assert not traffic.apply(order(1, weight=100))
    now = NOW + 301
    assert (traffic.canary, traffic.way(), traffic.state().weight, traffic.state().sequence) == ("", Way.STABLE, 0, 2)


def test_behind_a_gateway_a_pod_counts_alone_while_the_order_holds() -> None:
    now = NOW
    traffic = Traffic(spec(), clock=lambda: now)
    assert not traffic.counts_alone, "without an order nobody asks"
    traffic.apply(order(1, weight=0, shadow=0))
    assert traffic.counts_alone
    traffic.apply(order(2, weight=10))
    assert not traffic.counts_alone, "it divides, and counts both sides"
    traffic.apply(order(3, weight=0, shadow=0))
    now = NOW + 301
    assert not traffic.counts_alone
