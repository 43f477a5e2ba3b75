"""What the stable pods, and behind a Gateway also the canary's, say of the traffic while a canary proves itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.api import ModelDeploymentMemory, names
from treadle.connections.traffic import SERVING_PODS, NoAnswer, PodTraffic, StablePods
from treadle.contracts.traffic import TrafficState
from treadle.plan import Object, Unavailable, World


@dataclass(frozen=True)
class Reports:
    """What each ready stable pod says.

    Attributes:
        pods: whose pods were asked; None when none were.
        states: of the pods that answered, by address.
        silent: why the others did not, by address.
    """

    pods: StablePods | None = None
    states: Mapping[str, TrafficState] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The highest number of an order that a pod carries out."""
        return max((state.sequence for state in self.states.values()), default=0)

    def under(self, sequence: int) -> list[TrafficState]:
        """Of the pods that carry out this order."""
        return [state for state in self.states.values() if state.sequence == sequence]

    def obeyed(self, sequence: int) -> bool:
        """Whether every ready pod, and at least one, carries out this order."""
        return not self.silent and bool(self.states) and len(self.under(sequence)) == len(self.states)


def read_reports(memory: ModelDeploymentMemory, pods: Sequence[Object], namespace: str, deployment: str, world: World) -> Reports:
    """Ask the ready pods of the stable revision, while there is a canary whose traffic they carry.

    Raises:
        Unanswered: while a pod was never asked.
    """
    if memory.stable is None or memory.canary is None or (memory.canary.stage == "TakingOver" and not memory.canary.sequence):
        return Reports()
    return _asked(StablePods(namespace=namespace, deployment=deployment, revision=memory.stable.revision), pods, world)


def read_canary_reports(memory: ModelDeploymentMemory, pods: Sequence[Object], namespace: str, deployment: str, world: World) -> Reports:
    """Ask the ready pods of the canary, while requests come to them past the stable pods.

    Raises:
        Unanswered: while a pod was never asked.
    """
    if memory.canary is None or not memory.canary.weight:
        return Reports()
    return _asked(StablePods(namespace=namespace, deployment=deployment, revision=memory.canary.revision), pods, world)


def _asked(whose: StablePods, pods: Sequence[Object], world: World) -> Reports:
    states: dict[str, TrafficState] = {}
    silent: dict[str, str] = {}
    for address in filter(None, (ready_address(pod, whose.revision) for pod in pods)):
        answer = world.ask(PodTraffic(connection=SERVING_PODS, pods=whose, address=address))
        match answer:
            case TrafficState():
                states[address] = answer
            case NoAnswer(why=why) | Unavailable(reason=why):
                silent[address] = why
    return Reports(whose, states, silent)


def ready_address(pod: Mapping[str, Any], revision: str) -> str:
    """The address of a pod of the revision that is ready and not leaving; empty for any other."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    ready = any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in status.get("conditions") or ())
    own = (metadata.get("labels") or {}).get(names.REVISION) == revision
    return str(status.get("podIP") or "") if own and ready and "deletionTimestamp" not in metadata else ""
