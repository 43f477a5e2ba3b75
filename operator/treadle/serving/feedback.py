"""Hard cases back to people: what the pods keep, where it goes, and whether it comes there."""

from collections.abc import Iterator

from treadle.api import ModelDeploymentSpec
from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation, Refusal
from treadle.contracts import StoreConnection
from treadle.contracts.feedback import GIVEN, REDACTED, REDACTION, REDACTION_PATH, SPOOL, Choice, FeedbackSettings, FeedbackSpec
from treadle.plan import Plan, say
from treadle.serving.observe import Serving
from treadle.serving.store import Access, access_to
from treadle.workloads.contract_job import contract_container, store_credentials
from treadle.workloads.pod import Container, Mount, Resources, Variable, Volume

PER_DAY = 500
NAME = "feedback"
SPOOL_SIZE = "256Mi"
REDACT = "redact"
REDACT_RESOURCES = Resources(cpu="100m", memory="512Mi")
RESOURCES = Resources(cpu="20m", memory="192Mi")


def withheld(spec: ModelDeploymentSpec) -> tuple[Reason, str] | None:
    """Why nothing is kept although spec asks for it; None where that is not so."""
    feedback = spec.feedback
    if feedback is None:
        return None
    if spec.runtime.type == "Custom":
        return Reason.NotSupportedYet, "nothing is kept: pods of runtime.type Custom cannot"
    if spec.sensitive and feedback.redact is None:
        return Reason.RedactionMissing, "nothing is kept: a sensitive deployment needs spec.feedback.redact"
    if not is_store_uri(feedback.destination):
        return Reason.NotSupportedYet, f"nothing is kept: spec.feedback.destination {feedback.destination}, only object stores are supported yet"
    return None


def destination_of(spec: ModelDeploymentSpec, namespace: str, installation: Installation) -> Access | Refusal | None:
    """With what samples are brought to the store; None where none are."""
    if spec.feedback is None or withheld(spec):
        return None
    return access_to(spec.feedback.destination, spec.access, namespace, installation)


def settings_of(spec: ModelDeploymentSpec) -> FeedbackSettings | None:
    """What the serving container is told to keep."""
    if spec.feedback is None or withheld(spec):
        return None
    choices = tuple(Choice(when=choice.when, below=float(choice.below or 0), percent=choice.percent or 0) for choice in spec.feedback.select)
    return FeedbackSettings(choices=choices, per_day=spec.feedback.max_per_day or PER_DAY)


def volumes_of(settings: FeedbackSettings | None) -> list[Volume]:
    """The spool between the two containers."""
    return [Volume(name=NAME, source={"emptyDir": {"sizeLimit": SPOOL_SIZE}})] if settings else []


def mounts_of(settings: FeedbackSettings | None) -> list[Mount]:
    """Where both see it."""
    return [Mount(volume=NAME, path=SPOOL)] if settings else []


def containers_of(spec: ModelDeploymentSpec, settings: FeedbackSettings | None, access: Access | Refusal | None, image: str) -> Iterator[Container]:
    """The container with keys, beside the one that runs the model."""
    if settings is None or spec.feedback is None or not isinstance(access, Access):
        return
    store = StoreConnection(endpoint=access.endpoint, region=access.region)
    yield contract_container(
        name=NAME,
        image=image,
        spec=FeedbackSpec(store=store, destination=spec.feedback.destination, per_day=settings.per_day, redacted=spec.feedback.redact is not None),
        credentials=store_credentials(access.secret, spec.access.service_account_name, spec.feedback.destination),
        resources=RESOURCES,
        mounts=mounts_of(settings),
        keep_log_lines=not spec.sensitive,
    )
    if (redact := spec.feedback.redact) is not None:
        yield Container(
            name=REDACT,
            image=redact.image,
            command=redact.command,
            env=(
                Variable(name="TREADLE_REDACT_IN", value=f"{REDACTION_PATH}/{GIVEN}"),
                Variable(name="TREADLE_REDACT_OUT", value=f"{REDACTION_PATH}/{REDACTED}"),
            ),
            resources=REDACT_RESOURCES,
            mounts=[Mount(volume=NAME, path=REDACTION_PATH, sub_path=REDACTION)],
            users=True,
            keep_log_lines=not spec.sensitive,
        )


def tell_feedback(serving: Serving) -> Plan:
    """FeedbackFlowing: said only where something is to be kept."""
    spec = serving.spec
    if spec.feedback is None:
        return Plan()
    if (why := withheld(spec)) is not None:
        return say("FeedbackFlowing", False, *why, stalled=True)
    access = destination_of(spec, serving.namespace, serving.installation)
    if isinstance(access, Refusal):
        return say("FeedbackFlowing", False, access.reason, access.message, stalled=True)
    if (failure := serving.windows.feedback) is not None:
        return say("FeedbackFlowing", False, failure.known_reason, failure.message, stalled=failure.known_reason is Reason.SignatureNotSupported)
    kept = ", ".join(dict.fromkeys(choice.when for choice in spec.feedback.select))
    words = f"items that are {kept} go to {spec.feedback.destination}, at most {spec.feedback.max_per_day or PER_DAY} a day"
    words += ", as spec.feedback.redact leaves them" if spec.feedback.redact else ""
    if spec.monitoring.drift is None and any(choice.when == "Drifted" for choice in spec.feedback.select):
        words += "; none is found Drifted without spec.monitoring.drift"
    return say("FeedbackFlowing", True, Reason.KeepingItems, words)
