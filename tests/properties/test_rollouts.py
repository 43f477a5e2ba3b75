"""A ModelDeployment whose versions prove themselves, under whatever may happen: nobody becomes the champion without proof."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import initialize, invariant

from tests.properties.cluster import Outside
from tests.properties.life import children_of, happens
from tests.properties.test_model_deployment import SPECS, ModelDeploymentLife
from tests.unit.serving.canaries import SIGNING, arm
from treadle.connections.traffic import SERVING_PODS, NoAnswer, OrderTraffic, PodTraffic
from treadle.contracts.traffic import ArmCounts, TrafficState
from treadle.plan import Effect, Question
from treadle.serving import model_deployment
from treadle.serving.judgement.verdict import MIN_SAMPLES
from treadle.serving.steps import STEPS

MANY = 3 * MIN_SAMPLES
LONG = timedelta(minutes=11)
"""Longer than any step takes."""


class ServingPods(Outside):
    """Pods take a later order and begin to count anew; the same one again prolongs it, an earlier one they refuse."""

    def learnt(self, effect: Effect) -> Mapping[Question[Any], object]:
        assert isinstance(effect, OrderTraffic)
        return {question: self._obeyed(self._answers.get(question), ordered) for question, ordered in effect.assumed().items()}

    @staticmethod
    def _obeyed(before: object, ordered: object) -> object:
        assert isinstance(ordered, TrafficState)
        if not isinstance(before, TrafficState) or before.sequence < ordered.sequence:
            return ordered
        return before.model_copy(update={"expires": ordered.expires}) if before.sequence == ordered.sequence else before


class RolloutLife(ModelDeploymentLife):
    """With a control key, and pods that report their traffic."""

    kind = model_deployment(SIGNING)
    connections: ClassVar[tuple[str, ...]] = (*ModelDeploymentLife.connections, SERVING_PODS)

    def __init__(self) -> None:
        super().__init__()
        self.outside[SERVING_PODS] = ServingPods(self.line, self.answers)
        self.good: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        """Good answers of each version (and revision) that proved itself, by the order under which pods counted them."""

    @initialize(spec=some.sampled_from(["smallest", "many", "by steps"]), candidate=some.booleans())
    def it_is_applied(self, spec: str, candidate: bool) -> None:
        """One version is the champion already; the next one may have its first order."""
        self.spec, self.aliases = SPECS[spec], {"candidate": "1"}
        self.cluster.put(self.made())
        self.restart()
        for _ in range(2):
            self._look()
            self._come_up()
        self._look()
        if candidate:
            self.aliases = {"candidate": "2"}
            self._look()
            self._come_up()
            self._look()

    def fact(self, question: Question[Any]) -> object:
        if isinstance(question, PodTraffic):
            return TrafficState(namespace="ml", deployment="digits", revision=question.pods.revision)
        return super().fact(question)

    @happens()
    def all_pods_come_up_and_say_where_they_are(self) -> None:
        self._come_up()

    @happens(good=some.booleans(), requests=some.sampled_from([1, MIN_SAMPLES, MANY]))
    def callers_come(self, good: bool, requests: int) -> None:
        self._call(good, requests)

    @happens(which=some.integers(0, 5), silent=some.booleans())
    def a_pod_falls_silent_or_starts_again(self, which: int, silent: bool) -> None:
        if asked := self._asked():
            question = asked[which % len(asked)]
            self.answers[question] = NoAnswer(why="it does not answer") if silent else self.fact(question)

    @happens(which=some.integers(0, 5))
    def a_pod_has_an_order_that_nobody_remembers(self, which: int) -> None:
        """Of an operator that died before it could write its status."""
        if asked := [question for question in self._asked() if isinstance(self.answers[question], TrafficState)]:
            question = asked[which % len(asked)]
            state = self.answers[question]
            assert isinstance(state, TrafficState)
            self.answers[question] = TrafficState(**{**state.model_dump(), "sequence": state.sequence + 3, "stable": arm(MANY), "canary": arm(MANY)})

    @happens(number=some.sampled_from(["1", "2", "3"]), good=some.booleans(), steps=some.integers(1, 4), callers=some.sampled_from([1, MANY, MANY]))
    def a_version_has_good_or_bad_days(self, number: str, good: bool, steps: int, callers: int) -> None:
        self.aliases = {**self.aliases, "candidate": number}
        for _ in range(steps):
            self._come_up()
            self._look()
            self._call(good, callers)
            self.now += LONG
            self._look()
        self._come_up()

    @invariant()
    def nobody_replaces_a_champion_without_proof(self) -> None:
        promotion = ((self.this or {}).get("status") or {}).get("promotion") or {}
        if self.this is None or not promotion.get("replaces") or promotion["version"] in self.let_through:
            return
        steps = len(self.this["spec"].get("rollout", {}).get("steps") or STEPS)
        proven = [
            sum(count >= MIN_SAMPLES for count in orders.values()) for (version, _), orders in self.good.items() if version == promotion["version"]
        ]
        assert max(proven, default=0) >= steps, promotion

    def _come_up(self) -> None:
        """Every Deployment has the pods that it wants, ready, each with an address."""
        for this in children_of(self, "Deployment"):
            wanted, metadata = this["spec"].get("replicas", 1), this["metadata"]
            counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted}
            self.cluster.put({**this, "status": {"observedGeneration": metadata["generation"], **counts}})
            owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
            for number in range(wanted):
                about = {
                    "name": f"{metadata['name']}-{number}",
                    "namespace": "ml",
                    "labels": this["spec"]["template"]["metadata"]["labels"],
                    "ownerReferences": [owner],
                }
                status = {"podIP": f"10.0.{metadata['uid'].rpartition('-')[2]}.{number}", "conditions": [{"type": "Ready", "status": "True"}]}
                self.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {}, "status": status})

    def _call(self, good: bool, requests: int) -> None:
        """So many callers come to each pod that divides its traffic; both versions answer them."""
        canary = ((self.this or {}).get("status") or {}).get("canary") or {}
        for question in self._asked():
            state = self.answers[question]
            if not isinstance(state, TrafficState) or not (state.weight or state.shadow) or state.expires < self.now.timestamp():
                continue
            counted = {"stable": _more(state.stable, requests, 0), "canary": _more(state.canary, requests, 0 if good else requests)}
            self.answers[question] = state.model_copy(update=counted)
            if good and canary.get("sequence") == state.sequence:
                self.good[canary.get("version", ""), canary["revision"]][state.sequence] += requests

    def _asked(self) -> list[PodTraffic]:
        """Pods that ever had an order, in order."""
        asked = [question for question in self.answers if isinstance(question, PodTraffic)]
        return sorted(asked, key=lambda question: (question.pods.revision, question.address))

    def _look(self) -> None:
        if not self.deaf:
            self.hear()
            self.look({})


def _more(before: ArmCounts, requests: int, errors: int) -> ArmCounts:
    latencies = {"64": before.latencies.get("64", 0) + requests - errors}
    return ArmCounts(requests=before.requests + requests, errors=before.errors + errors, latencies=latencies)


def lived(*days: tuple[str, bool, int]) -> RolloutLife:
    """A life in which these versions had good days, or bad ones, one after the other, with so many callers."""
    life = RolloutLife()
    life.spec, life.aliases = {}, {"candidate": "1"}
    life.cluster.put(life.made())
    for number, good, callers in days:
        RolloutLife.a_version_has_good_or_bad_days(life, mishaps={}, number=number, good=good, steps=4, callers=callers)
        life.nobody_replaces_a_champion_without_proof()
    life.teardown()
    return life


def promoted(life: RolloutLife) -> Mapping[str, Any]:
    assert life.this is not None
    found: Mapping[str, Any] = life.this["status"]["promotion"]
    return found


@settings(max_examples=1)
@given(some.none())
def test_the_search_meets_versions_that_are_promoted_and_versions_that_are_not(nothing: None) -> None:
    """Or it would prove nothing."""
    first = ("1", True, MANY)
    replaced = promoted(lived(first, ("2", True, MANY)))
    assert (replaced["version"], replaced["replaces"], replaced["moved"]) == ("2", "1", True)
    assert replaced["evidence"].startswith("3 steps passed")
    assert promoted(lived(first, ("2", False, MANY)))["version"] == "1", "it answered badly"
    assert promoted(lived(first, ("2", True, 1)))["version"] == "1", "hardly anybody came"


TestRollouts = RolloutLife.TestCase
TestRollouts.settings = settings(max_examples=settings().max_examples // 3)
"""Fewer: what may happen to any ModelDeployment is searched beside this, and each of these begins with a champion."""
