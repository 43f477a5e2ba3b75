"""What the stable pods counted since the last window that was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from treadle.api import ModelDeploymentMemory, ModelDeploymentSpec
from treadle.api.deployment_status import DriftWatch
from treadle.connections.traffic import SERVING_PODS, NoAnswer, PodDrift, StablePods
from treadle.contracts import Failure
from treadle.contracts.drift import DriftReport
from treadle.contracts.sketch import DifferentBins, Sketch
from treadle.plan import Object, Unavailable, World
from treadle.serving.reports import ready_address

WINDOW = timedelta(hours=1)
SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True)
class Windows:
    """What each ready stable pod says.

    Attributes:
        reports: of the pods that answered, by address.
        silent: why the others did not, by address.
    """

    reports: Mapping[str, DriftReport] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def through(self) -> int:
        """The last whole window that a pod tells of."""
        return max((report.through for report in self.reports.values()), default=0)

    @property
    def complete(self) -> bool:
        """Whether every ready pod tells of that window."""
        return not self.silent and all(report.through == self.through for report in self.reports.values())

    @property
    def trouble(self) -> str:
        """Why no pod counts anything, empty when one does."""
        troubles = {report.trouble for report in self.reports.values()}
        return "" if "" in troubles else "; ".join(sorted(troubles))

    @property
    def feedback(self) -> Failure | None:
        """Why nothing comes back to people from one of the pods, if something is to and does not."""
        return next((report.feedback for report in self.reports.values() if report.feedback), None)

    @property
    def labelled(self) -> Mapping[str, tuple[int, int]]:
        """Right answers, and all whose true label was told, by version: what pods counted, added up."""
        told: dict[str, tuple[int, int]] = {}
        for each in (one for report in self.reports.values() for one in report.labelled):
            right, labels = told.get(each.version, (0, 0))
            told[each.version] = (right + each.right, labels + each.labels)
        return told

    @property
    def pairs(self) -> Sequence[tuple[Sketch, Sketch]]:
        """Reference and window: what pods with the same reference counted, added up. Pods that learnt their own have different ones."""
        pairs: list[tuple[Sketch, Sketch]] = []
        for report in self.reports.values():
            if report.reference is None or report.window is None:
                continue
            same = next((index for index, (reference, _) in enumerate(pairs) if reference == report.reference), None)
            if same is None:
                pairs.append((report.reference, report.window))
            else:
                pairs[same] = (report.reference, _added(pairs[same][1], report.window))
        return pairs

    @property
    def items(self) -> int:
        """Requests of the largest window."""
        return max((window.items for _, window in self.pairs), default=0)


def seconds_of(spec: ModelDeploymentSpec) -> int:
    """The length of a window in whole seconds; 0 when nothing is watched."""
    drift = spec.monitoring.drift
    return round(max(drift.window or WINDOW, SHORTEST).total_seconds()) if drift else 0


def known(memory: ModelDeploymentMemory, spec: ModelDeploymentSpec) -> DriftWatch | None:
    """What was judged so far of the revision that serves, in windows of this length; None when nothing is watched."""
    seconds = seconds_of(spec)
    if not seconds or memory.stable is None:
        return None
    drift = memory.drift
    same = drift is not None and (drift.revision, drift.seconds) == (memory.stable.revision, seconds)
    return drift if same else DriftWatch(revision=memory.stable.revision, seconds=seconds)


def read_windows(
    memory: ModelDeploymentMemory, spec: ModelDeploymentSpec, pods: Sequence[Object], namespace: str, name: str, world: World
) -> Windows:
    """Ask the ready pods of the stable revision, while drift is watched or items are kept.

    Raises:
        Unanswered: while a pod was never asked.
    """
    drift, stable = known(memory, spec), memory.stable
    if stable is None or (drift is None and spec.feedback is None):
        return Windows()
    whose = StablePods(namespace=namespace, deployment=name, revision=stable.revision)
    reports: dict[str, DriftReport] = {}
    silent: dict[str, str] = {}
    for address in filter(None, (ready_address(pod, stable.revision) for pod in pods)):
        match world.ask(PodDrift(connection=SERVING_PODS, pods=whose, address=address, since=drift.window if drift else 0)):
            case DriftReport() as report if drift is None or report.seconds == drift.seconds or report.trouble:
                reports[address] = report
            case DriftReport():
                silent[address] = f"pod {address} still counts in windows of another length"
            case NoAnswer(why=why) | Unavailable(reason=why):
                silent[address] = why
    return Windows(reports, silent)


def _added(one: Sketch, other: Sketch) -> Sketch:
    try:
        return one.merged(other)
    except DifferentBins:
        return one
