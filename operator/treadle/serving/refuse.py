"""Why a spec is not rolled out at all, whatever the registry says."""

from treadle.api import ModelDeploymentSpec
from treadle.api.base import is_store_uri
from treadle.api.images import named_images
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation
from treadle.serving.target import Unresolved


def refused(spec: ModelDeploymentSpec, installation: Installation, namespace: str) -> Unresolved | None:
    """Why nothing of this is rolled out, or None. What serves already goes on serving."""
    account = spec.access.service_account_name
    if account and not installation.allows_account(account, namespace):
        return Unresolved(Reason.AccountNotAllowed, f"service account {account} is not allowed by the platform team", stalled=True)
    if (wrong := installation.image_policy.refusal(named_images(spec), namespace)) is not None:
        return Unresolved(Reason.ImageNotAllowed, wrong, stalled=True)
    if spec.model.uri and not is_store_uri(spec.model.uri):
        return Unresolved(Reason.NotSupportedYet, f"not supported yet: spec.model.uri {spec.model.uri}, only object stores are", stalled=True)
    return None
