"""How pods reach the object store that holds a model, if they may: the endpoint is the admin's, the keys are the tenant's."""

from dataclasses import dataclass

from treadle.api import ModelDeploymentSpec
from treadle.api.common import DEFAULT_CONNECTION
from treadle.api.common import Access as AskedAccess
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation, Refusal
from treadle.contracts.smoke import StoredSmoke
from treadle.contracts.stores import scheme_of
from treadle.serving.target import Target


@dataclass(frozen=True)
class Access:
    """An object store and the Secret with the keys for it."""

    endpoint: str
    region: str
    secret: str


def access_for(target: Target, namespace: str, installation: Installation) -> Access | Refusal:
    """With what a revision fetches its model."""
    asked = ModelDeploymentSpec.model_validate({"model": {"uri": "s3://asked"}, **target.asked})
    return access_to(target.uri, asked.access, namespace, installation)


def smoke_within(target: Target, namespace: str, installation: Installation) -> StoredSmoke | None:
    """The smoke example of a target, where it lies within reach of the keys that fetch the model: its pods get no others for it."""
    smoke = target.smoke
    if smoke is None or scheme_of(smoke.uri) != scheme_of(target.uri):
        return None
    asked = ModelDeploymentSpec.model_validate({"model": {"uri": "s3://asked"}, **target.asked})
    access = access_to(target.uri, asked.access, namespace, installation)
    return smoke if isinstance(access, Access) and access_to(smoke.uri, asked.access, namespace, installation) == access else None


def access_to(uri: str, asked: AskedAccess, namespace: str, installation: Installation) -> Access | Refusal:
    """With what pods reach a place in a store: the entry of `access.stores` with the longest prefix, else the default connection."""
    if (account := asked.service_account_name) and not installation.allows_account(account, namespace):
        return Refusal(Reason.AccountNotAllowed, f"service account {account} is not allowed by the platform team")
    entry = max((store for store in asked.stores if uri.startswith(store.prefix)), key=lambda store: len(store.prefix), default=None)
    granted = installation.store((entry.connection if entry else None) or DEFAULT_CONNECTION, namespace)
    if isinstance(granted, Refusal):
        return granted
    secret = (entry.secret if entry else None) or granted.settings.tenant_secret
    return Access(granted.settings.endpoint_of(uri), granted.settings.region, secret)
