"""What can go wrong with an outside system, each thing at a connection of its own, so that all go wrong side by side."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.misdeeds import Fault, answers, breaks_off, drips, drops, floods, hangs, loses_the_answer, repeats_the_credentials

SESSION = "secret-of-a-session"
WRONG_TYPES = {"experiment": 7, "runs": {"a": 1}, "run": "x", "model_version": [], "results": [{"id": []}], "next": 3, "tasks": None, "total": "y"}
HTML = {"content-type": "text/html"}
LOGIN_PAGE = "<!doctype html><html><body>Sign in to continue</body></html>"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault of one system.

    Attributes:
        name: of the connection and of the objects that use it.
        words: what people would call it.
        faults: what the proxy does; none together with `refused`: nobody listens.
        reason: what the condition of an object says that waits for it; empty: nobody ever notices.
    """

    name: str
    words: str
    reason: str
    faults: tuple[Fault, ...] = ()
    refused: bool = False


def http_cases(elsewhere: str, lost: Mapping[str, str]) -> tuple[Case, ...]:
    """The faults of a system that speaks JSON over HTTP.

    Args:
        elsewhere: a server that must never be spoken to.
        lost: method and path of the writes whose answers get lost, once each.
    """
    away = {"location": f"{elsewhere}/login?session={SESSION}"}
    return (
        Case(name="down", words="down: connections are refused", reason="Unreachable", refused=True),
        Case(name="drops", words="drops connections", reason="Unreachable", faults=(Fault(drops),)),
        Case(name="hangs", words="takes requests and never answers", reason="Unreachable", faults=(Fault(hangs),)),
        Case(name="drips", words="slow: a byte a second", reason="Unreachable", faults=(Fault(drips),)),
        Case(name="unwell", words="answers 503", reason="Unreachable", faults=(Fault(answers(503, LOGIN_PAGE, HTML)),)),
        Case(name="busy", words="answers 429", reason="Unreachable", faults=(Fault(answers(429, "{}", {"retry-after": "60"})),)),
        Case(name="refuses", words="refuses our credentials, and repeats them", reason="Unauthorized", faults=(Fault(repeats_the_credentials),)),
        Case(name="login", words="answers a page to log in", reason="UnexpectedAnswer", faults=(Fault(answers(200, LOGIN_PAGE, HTML)),)),
        Case(name="cut-off", words="answers truncated JSON", reason="UnexpectedAnswer", faults=(Fault(answers(200, '{"experiment": {"ex')),)),
        Case(name="breaks", words="breaks off in the middle of an answer", reason="Unreachable", faults=(Fault(breaks_off),)),
        Case(name="types", words="answers JSON of another form", reason="UnexpectedAnswer", faults=(Fault(answers(200, json.dumps(WRONG_TYPES))),)),
        Case(name="deep", words="answers 200,000 brackets", reason="UnexpectedAnswer", faults=(Fault(answers(200, "[" * 200_000)),)),
        Case(name="floods", words="answers without end", reason="UnexpectedAnswer", faults=(Fault(floods(40)),)),
        Case(name="away", words="redirects to another host", reason="UnexpectedAnswer", faults=(Fault(answers(302, "", away)),)),
        Case(
            name="loses",
            words="loses the answer to each first write",
            reason="",
            faults=tuple(Fault(loses_the_answer, method, path, times=1) for path, method in lost.items()),
        ),
        Case(
            name="writes",
            words="reads well, refuses every write with 500",
            reason="Unreachable",
            faults=tuple(Fault(answers(500, "oops"), method, path) for path, method in lost.items()),
        ),
    )


def store_cases(elsewhere: str) -> tuple[Case, ...]:
    """The faults of an S3 server. `elsewhere` is a server that must hear no credentials."""
    xml = {"content-type": "application/xml"}
    slow_down = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"
    cut_off = '<?xml version="1.0"?><ListBucketResult><Name>faults-raw</Name><Contents><Key>types/1.j'
    return (
        Case(name="down", words="down: connections are refused", reason="Unreachable", refused=True),
        Case(name="drops", words="drops connections", reason="Unreachable", faults=(Fault(drops),)),
        Case(name="hangs", words="takes requests and never answers", reason="Unreachable", faults=(Fault(hangs),)),
        Case(name="drips", words="slow: a byte a second", reason="Unreachable", faults=(Fault(drips),)),
        Case(name="unwell", words="answers 503 SlowDown", reason="Unreachable", faults=(Fault(answers(503, slow_down, xml)),)),
        Case(name="refuses", words="refuses the tenant's keys", reason="StoreAccessDenied"),
        Case(
            name="login",
            words="answers a page to log in",
            reason="UnexpectedAnswer",
            faults=(Fault(answers(200, LOGIN_PAGE, {"content-type": "text/html"})),),
        ),
        Case(name="cut-off", words="answers truncated XML", reason="Unreachable", faults=(Fault(answers(200, cut_off, xml)),)),
        Case(name="breaks", words="breaks off in the middle of an answer", reason="Unreachable", faults=(Fault(breaks_off),)),
        Case(name="types", words="answers JSON", reason="Unreachable", faults=(Fault(answers(200, json.dumps(WRONG_TYPES))),)),
        Case(name="away", words="redirects to another host", reason="Unreachable", faults=(Fault(answers(307, "", {"location": f"{elsewhere}/x"})),)),
        Case(name="loses", words="loses the answer to each first write", reason="", faults=(Fault(loses_the_answer, "PUT", times=1),)),
    )
