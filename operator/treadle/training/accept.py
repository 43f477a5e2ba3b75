"""Whether a run may start at all: what this version cannot do and what the platform does not allow is said, never silently ignored."""

from collections.abc import Iterator

from treadle.api import DatasetPin
from treadle.api.images import named_images
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.plan import Plan, say
from treadle.training.run import Run, Waiting
from treadle.training.stores import claim_of


def refusal(run: Run) -> Waiting | None:
    """Why the run is not started, or None."""
    in_claim = isinstance(run.dataset, DatasetPin) and claim_of(run.dataset.uri) is not None
    for trouble in (run.tracking, None if in_claim else run.store, run.output):
        if isinstance(trouble, Refusal):
            return Waiting(trouble.reason, trouble.message, stalled=True)
    account = run.spec.access.service_account_name
    if account and not run.installation.allows_account(account, run.ref.namespace):
        return Waiting(Reason.AccountNotAllowed, f"service account {account} is not allowed by the platform team", stalled=True)
    if (wrong := run.installation.image_policy.refusal(named_images(run.spec), run.ref.namespace)) is not None:
        return Waiting(Reason.ImageNotAllowed, wrong, stalled=True)
    if missing := sorted(_missing(run)):
        return Waiting(Reason.NotSupportedYet, f"not supported yet: {', '.join(missing)}", stalled=True)
    return None


def tell_accepted(run: Run) -> Plan:
    """Say why the run is refused, or which of its wishes are not fulfilled."""
    if refused := refusal(run):
        return say("Accepted", False, refused.reason, refused.message, stalled=True)
    if ignored := sorted(_ignored(run)):
        return say("Accepted", True, Reason.NotSupportedYet, f"runs without what is not supported yet: {', '.join(ignored)}")
    return Plan()


def _missing(run: Run) -> Iterator[str]:
    """Fields without which the run would be another one than was asked for."""
    if run.spec.evaluate is not None and run.spec.dataset is None:
        yield "spec.evaluate without spec.dataset"


def _ignored(run: Run) -> Iterator[str]:
    if run.spec.stall is not None and run.tracking is None:
        yield "spec.stall without tracking"
