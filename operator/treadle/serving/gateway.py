"""The way from outside: an HTTPRoute of the Gateway API, which may also divide the traffic between the stable version and the canary."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from treadle.api.reasons import Reason
from treadle.plan import Apply, Delete, Object, Plan, Ref, do, say
from treadle.serving.build import SERVICE_PORT, canary_service_name, child
from treadle.serving.observe import Serving, by_gateway

PATHS = ("/v2", "/invocations", "/feedback")
"""What is reachable from outside of our runtime; metrics are not."""
ALL = 100
FOLLOWS = timedelta(minutes=1)
"""So long after a decision a Gateway may still send requests as before, even one that has accepted the route: not all of its parts follow at once."""


def route(serving: Serving) -> Plan:
    """The HTTPRoute while one is wanted and the cluster knows the kind; gone when not wanted."""
    if serving.spec.expose is None:
        return do(Delete(Ref("HTTPRoute", serving.namespace, serving.name), serving.route["metadata"]["uid"])) if serving.route else Plan()
    return do(Apply(build_route(serving))) if serving.routes and serving.memory.stable else Plan()


def tell_route(serving: Serving) -> Plan:
    """Exposed: whether it can be reached from outside."""
    exposed = serving.spec.expose
    if exposed is None:
        return Plan()
    if not serving.routes:
        return say("Exposed", False, Reason.GatewayMissing, "the cluster has no HTTPRoute, or the operator may not make any", stalled=True)
    if serving.route is None or not accepted(serving.route):
        words = _refused(serving.route) if serving.route else ""
        return say(
            "Exposed", False, Reason.RouteNotAccepted, f"Gateway {exposed.gateway} has not accepted the route" + (f": {words}" if words else "")
        )
    where = ", ".join(exposed.hostnames) or "all its host names"
    return say("Exposed", True, Reason.RouteAccepted, f"Gateway {exposed.gateway} serves it at {where}, path {exposed.path or '/'}")


def accepted(made: Object) -> bool:
    """Whether a Gateway has taken up the route as it is now."""
    return any(
        condition.get("type") == "Accepted"
        and condition.get("status") == "True"
        and int(condition.get("observedGeneration") or 0) >= int(made["metadata"].get("generation") or 0)
        for condition in _conditions(made)
    )


def settled(serving: Serving) -> bool:
    """Whether the traffic goes as it was decided, as far as a Gateway has a say in it."""
    return not by_gateway(serving.spec) or (serving.route is not None and accepted(serving.route))


def followed(serving: Serving, decided_at: datetime, now: datetime) -> bool:
    """Whether a Gateway surely no longer sends requests as it did before that decision."""
    return not by_gateway(serving.spec) or (settled(serving) and now >= decided_at + FOLLOWS)


def followed_at(serving: Serving, decided_at: datetime, now: datetime) -> datetime | None:
    """When to look again whether it does; None when time alone does not tell."""
    return decided_at + FOLLOWS if by_gateway(serving.spec) and now < decided_at + FOLLOWS else None


def external_url(serving: Serving) -> str | None:
    """Where people reach it, if that has a name of its own; with TLS or without is the Gateway's matter."""
    exposed = serving.spec.expose
    if exposed is None or serving.route is None or not accepted(serving.route):
        return None
    named = next((host for host in exposed.hostnames if not host.startswith("*")), None)
    return f"//{named}{(exposed.path or '').rstrip('/')}" if named else None


def build_route(serving: Serving) -> Object:
    """The HTTPRoute. Where the Gateway divides the traffic, the canary has its share of each rule."""
    exposed = serving.spec.expose
    assert exposed is not None
    spec: dict[str, Any] = {"parentRefs": [{"name": exposed.gateway}], "rules": list(_rules(serving, (exposed.path or "").rstrip("/")))}
    if exposed.hostnames:
        spec["hostnames"] = list(exposed.hostnames)
    return child(serving, "HTTPRoute", serving.name, spec)


def _rules(serving: Serving, prefix: str) -> Iterator[dict[str, Any]]:
    ours = serving.spec.runtime.type == "Treadle"
    for path in PATHS if ours else ("",):
        rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": prefix + path or "/"}}]}
        if prefix:
            rewritten = {"type": "ReplacePrefixMatch", "replacePrefixMatch": path or "/"}
            rule["filters"] = [{"type": "URLRewrite", "urlRewrite": {"path": rewritten}}]
        yield rule | {"backendRefs": list(_backends(serving))}


def _backends(serving: Serving) -> Iterator[dict[str, Any]]:
    canary = serving.memory.canary
    share = round(canary.weight) if canary is not None and by_gateway(serving.spec) else 0
    yield {"name": serving.name, "port": SERVICE_PORT, "weight": ALL - share}
    if share:
        yield {"name": canary_service_name(serving.name), "port": SERVICE_PORT, "weight": share}


def _conditions(made: Object) -> Iterator[dict[str, Any]]:
    for parent in (made.get("status") or {}).get("parents") or ():
        yield from parent.get("conditions") or ()


def _refused(made: Object) -> str:
    """What the Gateway says against it."""
    return next(
        (str(it.get("message") or it.get("reason")) for it in _conditions(made) if it.get("type") == "Accepted" and it.get("status") == "False"), ""
    )


__all__ = ["accepted", "build_route", "external_url", "followed", "followed_at", "route", "settled", "tell_route"]
