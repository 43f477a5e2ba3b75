"""Which share of the traffic the canary gets, as status remembers it: the orders to the stable pods, and the Service behind which the canary is."""

from datetime import datetime, timedelta

from treadle.api.deployment_status import Canary
from treadle.connections.traffic import SERVING_PODS, OrderTraffic
from treadle.contracts.traffic import EXPIRY_SECONDS, RENEWAL_SECONDS, TrafficState
from treadle.plan import Apply, Delete, Plan, Ref, do
from treadle.serving.build import SERVICE_PORT, build_service, canary_service_name
from treadle.serving.gateway import followed, followed_at
from treadle.serving.observe import Serving, by_gateway
from treadle.serving.reports import Reports

EXPIRY = timedelta(seconds=EXPIRY_SECONDS)


def divide(serving: Serving, now: datetime) -> Plan:
    """Send the order that status remembers to each stable pod that does not carry it out yet, and again before it expires."""
    canary = serving.memory.canary
    if canary is None or not canary.sequence:
        return Plan()
    divided = not by_gateway(serving.spec)
    own = _ordered(serving.reports, canary, now, to=canary_url(serving), weight=canary.weight if divided else 0, shadow=canary.shadow)
    # A Gateway sends requests to both sides; each counts its own answers under the same order.
    return own if divided else Plan.all(own, _ordered(serving.canary_reports, canary, now, to="", weight=0, shadow=0))


def _ordered(reports: Reports, canary: Canary, now: datetime, *, to: str, weight: float, shadow: float) -> Plan:
    """The order to these pods, for those that lack it; and when the next ones will."""
    if reports.pods is None:
        return Plan()
    stale = tuple(sorted(address for address, state in reports.states.items() if _stale(state, canary, now)))
    renewals = [datetime.fromtimestamp(state.expires - RENEWAL_SECONDS, now.tzinfo) for state in reports.under(canary.sequence)]
    later = Plan(wake_at=min((at for at in renewals if at > now), default=None))
    if not stale:
        return later
    order = OrderTraffic(
        connection=SERVING_PODS,
        pods=reports.pods,
        addresses=stale,
        sequence=canary.sequence,
        expires=(now + EXPIRY).timestamp(),
        canary=to,
        weight=weight,
        shadow=shadow,
    )
    return Plan.all(do(order), later)


def canary_url(serving: Serving) -> str:
    """Where stable pods reach the canary."""
    return f"http://{canary_service_name(serving.name)}.{serving.namespace}.svc:{SERVICE_PORT}"


def expose_canary(serving: Serving, now: datetime) -> Plan:
    """The canary's own Service, for as long as there is a canary, or a Gateway may still send to it what was the share of one that has taken over."""
    canary, stable, name = serving.memory.canary, serving.memory.stable, canary_service_name(serving.name)
    wanted = canary is not None and (canary.sequence or canary.stage in ("Preparing", "Judging"))
    taken_over = stable.since if stable and not (canary and canary.sequence) else None
    if serving.canary_service and taken_over and not followed(serving, taken_over, now):
        return Plan(wake_at=followed_at(serving, taken_over, now))
    if canary is not None and wanted:
        return do(Apply(build_service(serving, name, canary.revision)))
    return do(Delete(Ref("Service", serving.namespace, name), serving.canary_service)) if serving.canary_service else Plan()


def _stale(state: TrafficState, canary: Canary, now: datetime) -> bool:
    """Whether the pod needs the order; one that carries out a later one would refuse it."""
    if state.sequence != canary.sequence:
        return state.sequence < canary.sequence
    return state.expires < now.timestamp() + RENEWAL_SECONDS
