"""What the platform does not allow, and what this version cannot do, is said, never silently ignored."""

from treadle.plan import Plan, say
from treadle.serving.observe import Serving
from treadle.serving.refuse import refused


def tell_accepted(serving: Serving) -> Plan:
    """Accepted: said only when spec is refused."""
    if (why := refused(serving.spec, serving.installation, serving.owner.namespace)) is not None:
        return say("Accepted", False, why.reason, why.message, stalled=True)
    return Plan()
