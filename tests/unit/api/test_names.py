"""Names derived from an object's own fit where they are used, and stay apart."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from treadle.api import names

own_names = some.from_regex(r"\A[a-z]([-a-z0-9]{0,38}[a-z0-9])?\Z")


@given(own_names, some.sampled_from(["sync", "prelabel", "quality"]), some.integers(1, 999), some.sampled_from([40, 63]))
def test_a_derived_name_is_a_legal_name_within_its_limit(name: str, stage: str, number: int, limit: int) -> None:
    derived = names.derived_name(name, stage, "0123abcd", number, limit=limit)
    assert len(derived) <= limit
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", derived)
    assert derived.endswith(f"-{stage}-0123abcd-{number}")


def test_two_long_names_that_begin_alike_stay_apart() -> None:
    first, second = (names.derived_name("a" * 39 + last, "v1", limit=40) for last in "bc")
    assert first != second
    assert names.derived_name("digits", "v", 1, limit=40) == "digits-v-1"


def test_a_digest_is_of_the_content_whatever_its_order() -> None:
    assert names.digest({"a": 1, "b": [2]}) == names.digest({"b": [2], "a": 1})
    assert names.digest({"a": 1}) != names.digest({"a": "1"})
    assert len(names.digest([], 8)) == 8
    with pytest.raises(TypeError):
        names.digest({"a": object()})


def test_a_child_names_its_controller() -> None:
    owner = {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": "digits", "uid": "u1", "namespace": "demo"}}
    assert names.controller_reference(owner) == {
        "apiVersion": "treadle.dev/v1alpha1",
        "kind": "TrainingRun",
        "name": "digits",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }


@pytest.mark.parametrize(("written", "expected"), [(None, {}), ("garbage", {}), ("[" * 100_000, {}), ("7", 7), ('{"a": 1}', {"a": 1})], ids=str)
def test_what_was_resolved_may_have_been_garbled_by_tenants(written: str | None, expected: object) -> None:
    annotations = {} if written is None else {names.RESOLVED: written}
    assert names.resolved_on({"metadata": {"annotations": annotations}}) == expected
    assert names.resolved_on({"metadata": {}}) == {}
