"""A ModelDeployment under whatever may happen: it settles, and what it made is what it wants."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import strategies as some
from hypothesis.stateful import initialize

from tests.properties.life import Life, children_of, happens
from tests.unit.serving.things import INSTALLATION, make_deployment, version
from treadle.api import names
from treadle.connections.registry import ModelAlias, ModelVersionOf
from treadle.plan import Question, ref_of
from treadle.serving import model_deployment

SPECS: Mapping[str, dict[str, Any]] = {
    "smallest": {},
    "many": {"replicas": 3},
    "scaled": {"autoscaling": {"min": 1, "max": 4}},
    "in place": {"rollout": {"strategy": "Replace"}},
    "a fixed version": {"model": {"name": "digits", "version": "2"}},
    "by steps": {"replicas": 2, "rollout": {"steps": [{"shadow": "5m"}, {"weight": 10, "hold": "5m"}], "deadline": "1h"}},
}
CHANGES: tuple[dict[str, Any], ...] = (
    {"resources": {"memory": "2Gi"}},
    {"resources": {"memory": "1Gi", "cpu": "2"}},
    {"replicas": 2},
    {"suspend": True},
    {"suspend": False},
    {"runtime": {"image": "registry.example/other:1"}},
    {"autoscaling": {"min": 2, "max": 3}},
)
DRIFTS: tuple[dict[str, Any], ...] = (
    {"spec": {"replicas": 7}},
    {"spec": {"replicas": 0}},
    {"spec": {"selector": {"other": "x"}}},
    {"metadata": {"labels": {names.REVISION: "garbage"}}},
    {"metadata": {"annotations": {names.RESOLVED: "garbage"}}},
    {"metadata": {"annotations": {names.SPEC_HASH: "garbage"}}},
)


class ModelDeploymentLife(Life):
    kind = model_deployment(INSTALLATION)
    connections: ClassVar[tuple[str, ...]] = ("mlflow/default", "cluster")

    def __init__(self) -> None:
        super().__init__()
        self.aliases: dict[str, str] = {}
        self.gates = "Passed"
        self.let_through: set[str] = set()
        """Versions that a person ever promoted."""

    @initialize(spec=some.sampled_from(sorted(SPECS)), candidate=some.booleans())
    def it_is_applied(self, spec: str, candidate: bool) -> None:
        self.spec = SPECS[spec]
        self.aliases = {"candidate": "1"} if candidate else {}
        self.cluster.put(self.made())
        self.restart()

    def made(self) -> Mapping[str, Any]:
        return make_deployment(**self.spec)

    def fact(self, question: Question[Any]) -> object:
        match question:
            case ModelAlias(alias=alias):
                return version(self.aliases[alias], self.gates) if alias in self.aliases else None
            case ModelVersionOf(version=str() as number):
                return version(number, self.gates)
        return None

    @happens(alias=some.sampled_from(["candidate", "champion"]), number=some.sampled_from(["1", "2", "3", ""]))
    def somebody_moves_an_alias(self, alias: str, number: str) -> None:
        self.aliases = {**self.aliases, alias: number} if number else {name: value for name, value in self.aliases.items() if name != alias}
        self.answers.pop(ModelAlias(connection="mlflow/default", model="digits", alias=alias), None)

    @happens(gates=some.sampled_from(["Passed", "Failed", "", "garbage"]))
    def versions_are_judged_otherwise(self, gates: str) -> None:
        self.gates = gates

    @happens()
    def all_pods_get_ready(self) -> None:
        for this in children_of(self, "Deployment"):
            wanted = this["spec"].get("replicas", 1)
            counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted}
            self.cluster.put({**this, "status": {"observedGeneration": this["metadata"]["generation"], **counts}})

    @happens(ready=some.integers(0, 3), which=some.integers(0, 5), late=some.booleans())
    def pods_get_ready_or_not(self, ready: int, which: int, late: bool) -> None:
        for this in self._one(which, "Deployment"):
            generation = this["metadata"]["generation"] - late
            counts = {"replicas": ready, "updatedReplicas": ready, "readyReplicas": ready, "availableReplicas": ready}
            self.cluster.put({**this, "status": {"observedGeneration": generation, **counts}})

    @happens(which=some.integers(0, 5), reason=some.sampled_from(["CrashLoopBackOff", "ImagePullBackOff", "garbage"]), code=some.integers(0, 3))
    def a_pod_struggles(self, which: int, reason: str, code: int) -> None:
        for this in self._one(which, "Deployment"):
            labels = this["spec"]["template"]["metadata"]["labels"]
            last = {"terminated": {"exitCode": code, "message": "it cannot be loaded", "finishedAt": "2026-01-01T00:00:00Z"}}
            container = {"name": "treadle", "restartCount": 3, "ready": False, "state": {"waiting": {"reason": reason}}, "lastState": last}
            metadata = {"name": f"{this['metadata']['name']}-x", "namespace": "ml", "labels": labels}
            status = {"phase": "Running", "containerStatuses": [container], "initContainerStatuses": [container]}
            self.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status})

    @happens(which=some.integers(0, 9), drift=some.sampled_from(DRIFTS))
    def a_stranger_changes_a_child(self, which: int, drift: dict[str, Any]) -> None:
        for this in self._one(which, "Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"):
            self.cluster.change(ref_of(this), drift)

    @happens(change=some.sampled_from(CHANGES))
    def its_spec_changes(self, change: dict[str, Any]) -> None:
        if self.this is not None:
            self.cluster.change(self.key, {"spec": change})

    @happens(command=some.sampled_from([names.PROMOTE, names.ABORT, names.PIN]), value=some.sampled_from(["1", "2", "3", "", "garbage"]))
    def a_person_commands(self, command: str, value: str) -> None:
        if self.this is not None:
            self.cluster.change(self.key, {"metadata": {"annotations": {command: value}}})
            self.let_through |= {value} if command == names.PROMOTE else set()

    @happens(kind=some.sampled_from(["Service", "PodDisruptionBudget"]))
    def a_stranger_takes_the_name_of_a_child(self, kind: str) -> None:
        metadata = {"name": "digits", "namespace": "ml", "labels": {names.MANAGED_BY: names.MANAGED_BY_VALUE}}
        api = "v1" if kind == "Service" else "policy/v1"
        self.add_foreign({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {}})

    def _one(self, which: int, *kinds: str) -> list[dict[str, Any]]:
        children = children_of(self, *kinds)
        return [children[which % len(children)]] if children else []


TestModelDeployment = ModelDeploymentLife.TestCase
