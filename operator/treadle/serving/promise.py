"""The promise that a version gets the alias once it serves alone: remembered with the decision that it rests on."""

from datetime import datetime

from treadle.api import ModelDeploymentMemory
from treadle.api.deployment_status import Promotion, Revision
from treadle.connections.registry import ModelVersion
from treadle.serving.observe import Serving

ROLLOUT_TAG = "treadle.rollout"
"""Tag of a model version: what became of it in a rollout."""
ROLLED_BACK = "RolledBack"
"""Value of the rollout tag of a version that is never rolled out or promoted by itself again."""


def promise(serving: Serving, memory: ModelDeploymentMemory, coming: Revision, evidence: str, now: datetime) -> ModelDeploymentMemory:
    """Remember that a version which comes is to be promoted, if there is an alias for that and it would go forward."""
    alias = serving.spec.model.promotion_alias
    if not alias or not coming.version or coming.model != serving.promotes:
        return memory
    replaces = serving.champion.version if isinstance(serving.champion, ModelVersion) else None
    if not forward(coming.version, replaces):
        return memory
    decided = Promotion(alias=alias, version=coming.version, replaces=replaces, evidence=evidence, decided_at=now)
    return memory.model_copy(update={"promotion": decided})


def forward(version: str, replaces: str | None) -> bool:
    """Whether moving an alias from one version to the other goes forward; it never goes back by itself."""
    return replaces is None or (version.isdigit() and replaces.isdigit() and int(version) > int(replaces))
