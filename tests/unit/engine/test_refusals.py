import pytest

from treadle.engine._refusals import retry_after, trouble_of


@pytest.mark.parametrize(
    ("status", "message", "reason", "stalled"),
    [
        (401, "Unauthorized", "Unauthorized", True),
        (403, 'jobs.batch "a" is forbidden: User "x" cannot create', "Forbidden", True),
        (403, "jobs.batch is forbidden: exceeded quota: q, requested: count/jobs.batch=1", "QuotaExceeded", False),
        (400, "bad", "InvalidObject", True),
        (422, "spec.template: Required value", "InvalidObject", True),
        (429, "too many requests", "Unreachable", False),
        (500, "etcdserver: leader changed", "Unreachable", False),
        (503, "apiserver is shutting down", "Unreachable", False),
        (418, "teapot", "UnexpectedAnswer", False),
    ],
)
def test_every_refusal_is_told_with_its_reason_and_the_servers_words(status: int, message: str, reason: str, stalled: bool) -> None:
    condition = trouble_of(status, {"message": message}, "create Job a").condition
    assert (str(condition.reason), condition.stalled) == (reason, stalled)
    assert message in condition.message


def test_a_refusal_without_a_body_still_says_something() -> None:
    assert "HTTP 502" in trouble_of(502, {}, "create Job a").condition.message


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [({"Retry-After": "3"}, {}, 3), ({}, {"details": {"retryAfterSeconds": 2}}, 2), ({}, {}, 1), ({"Retry-After": "Wed, 21 Oct"}, {}, 1)],
)
def test_the_pause_that_is_asked_for_is_read_from_wherever_it_stands(headers: dict[str, str], body: dict[str, object], seconds: float) -> None:
    assert retry_after(headers, body) == seconds
