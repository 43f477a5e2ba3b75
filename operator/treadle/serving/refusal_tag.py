"""A version that was rolled back carries that in the registry too, so that no ModelDeployment tries it again by itself."""

from treadle.api import ModelDeploymentMemory
from treadle.connections.installation import Granted
from treadle.connections.registry import ModelVersion, TagModelVersion
from treadle.connections.tracking import tags
from treadle.plan import Plan, do
from treadle.serving.observe import Serving
from treadle.serving.promise import ROLLED_BACK, ROLLOUT_TAG


def tag_refused(serving: Serving) -> Plan:
    """Write it on the version that status remembers as refused."""
    version = serving.given_up
    if not isinstance(version, ModelVersion) or not isinstance(serving.registry, Granted) or version.tags.get(ROLLOUT_TAG) == ROLLED_BACK:
        return Plan()
    said = tags({ROLLOUT_TAG: ROLLED_BACK})
    return do(TagModelVersion(connection=serving.registry.key, model=version.model, version=version.version, tags=said))


def note_tagged(serving: Serving, memory: ModelDeploymentMemory) -> ModelDeploymentMemory:
    """Once it is there, it is asked for no more. A version that the registry does not know (any more) needs no tag."""
    version, remembered = serving.given_up, serving.memory.refused
    if not remembered or remembered[-1].tagged or not serving.promotes:
        return memory
    if isinstance(version, ModelVersion) and version.tags.get(ROLLOUT_TAG) == ROLLED_BACK:
        marked = tuple(refused.model_copy(update={"tagged": True}) if refused.version == version.version else refused for refused in memory.refused)
        return memory.model_copy(update={"refused": marked})
    return memory
