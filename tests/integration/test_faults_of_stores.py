"""S3 fails in every way: what a Job says of it is worded for people, comes in bounded time, and no key goes to another host."""

import time
from datetime import timedelta

import pytest

from tests.faults.cases import Case, store_cases
from tests.faults.misdeeds import Fault, answers
from tests.faults.proxy import proxy
from tests.integration.servers import S3Server
from treadle.contracts import StoreConnection
from treadle.jobs import _buckets
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store

CASES = [case for case in store_cases("") if case.name != "loses"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_listing(case: Case, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_buckets, "REQUEST_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(_buckets, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody" if case.name == "refuses" else s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    bucket, began = s3.make_bucket("faults"), time.monotonic()
    with proxy("http://127.0.0.1:9") as elsewhere, proxy(s3.endpoint) as standing:
        elsewhere.set(Fault(answers(200, "{}")))
        faults = next(each for each in store_cases(elsewhere.url) if each.name == case.name).faults
        store = Store(StoreConnection(endpoint=standing.url))
        standing.refuse() if case.refused else standing.set(*faults)
        with pytest.raises(JobFailure) as failure:
            list(store.list(f"s3://{bucket}/a/"))
        assert failure.value.reason.name == case.reason
        assert standing.url in failure.value.message
        assert s3.secret_key not in failure.value.message
        assert time.monotonic() - began < 15
        assert not [heard for heard in elsewhere.heard if "authorization" in {name.lower() for name in heard.headers}]
        standing.accept() if case.refused else standing.set()
        if case.name != "refuses":
            assert list(store.list(f"s3://{bucket}/a/")) == []


def test_a_long_object_that_is_there_already_is_found_however_the_store_says_so(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store need not wait for all of it before it refuses, and hangs up then; half of the time that came as if it did not answer at all."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    store, uri = Store(StoreConnection(endpoint=s3.endpoint)), f"s3://{s3.make_bucket('faults')}/long"
    content = b"x" * 8_000_000
    assert store.create(uri, content)
    assert [store.create(uri, content) for _ in range(12)] == [False] * 12
