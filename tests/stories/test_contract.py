"""The contract of all kinds bites; and garbage in memory, which people and backups can bring about, is never more than a loss of memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import currently_in_test_context, given, note, settings
from hypothesis import strategies as some

from tests.stories.annotation import telling
from tests.stories.annotation.telling import CHAMPION, TEMPLATE, Told, blob, make_project
from tests.stories.contract import GARBAGE, Look, acts_well, memory_fields, planned, still, watching
from tests.stories.story import Story
from tests.unit.serving import things as serving
from tests.unit.training.things import F1_GATE, STATE, TRAINING_RUN, UID, alias, complete, failed, finished, logged, make_run, pod, version
from tests.unit.training.things import make_project as make_released
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.api.status import was_met
from treadle.connections.registry import EnsureAlias
from treadle.contracts import Failure
from treadle.engine._status import settle
from treadle.plan import Apply, Create, Delete, Kind, Plan, Ref, do, say
from treadle.serving import model_deployment
from treadle.training.run import Run


def project() -> Story:
    """A project of which a model proposes labels, some of them accepted; that is labelled, measured after a failure, released and trained on."""
    spec = {"workforce": {"annotationsPerItem": 2}, "quality": {"agreement": {"minimum": "0.80"}}, "train": TEMPLATE, "resync": "10m"}
    proposing = {"prelabel": {"model": {"name": "digits"}, "autoAccept": {"minConfidence": "0.99"}}, "activeLearning": {"strategy": "CoreSet"}}
    told = Told("A project", make_project(**spec, **proposing), answers={CHAMPION: telling.version(3)})
    told.at("0s", "applied")
    told.synced("20s")
    told.ranked("30s")
    told.prelabelled("1m")
    told.ranked("2m", proposed=400, taken=30, audits=3, accepted=blob("accepted", 3))
    told.answered("9m", 400, 400, 800)
    told.ranked("9m5s", proposed=400, taken=30, audits=3, accepted=blob("accepted", 3))
    told.failed("9m10s", "quality", Failure.of(Reason.Unreachable, "the store does not answer"))
    told.at("9m20s", "ten seconds later")
    told.measured("9m30s", accepted=30, audited=3, audited_right=3, accepted_list=blob("accepted", 3))
    told.released("9m40s")
    told.at("10m10s", "the sources are listed again")
    return told.story


def run() -> Story:
    """A run that loses a node, ends well, is judged and registered."""
    spec: dict[str, Any] = {"dataset": {"project": "digits"}, "gates": [F1_GATE], "register": {"model": "digits"}, "retries": {"infrastructure": 1}}
    story = Story("A run", TRAINING_RUN, make_run(**spec), others=[make_released()])
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    drained = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"
    story.at("5m", "its node is drained", digits_1=failed("00:05:00", drained), digits_1_x=None)
    story.at("6m", "the pause is over")
    over = [pod("digits-2", ended=finished("00:06:02", "00:09:00"))]
    answers: dict[Any, Any] = {STATE: logged("model", f1=0.93), alias("candidate"): version(1)}
    story.at("9m", "its Job succeeds", objects=over, digits_2=complete("00:09:00"), answers=answers)
    story.at("10m", "the operator restarts")
    return story


def deployment() -> Story:
    """A deployment that serves and promotes a version, then another one on command, then in another way."""

    def released(number: str) -> dict[Any, Any]:
        return {serving.CANDIDATE: serving.version(number), serving.numbered(number): serving.version(number)}

    story = Story("A deployment", model_deployment(serving.INSTALLATION), serving.make_deployment())
    story.at("0s", "applied", answers=released("1"))
    story.at("1m", "its pod is ready", **{serving.deployment_name("1"): serving.ready()})
    story.at("1d", "another candidate", answers=released("2"))
    story.at("2d", "a person promotes it", this={"metadata": {"annotations": {names.PROMOTE: "2"}}})
    story.at("2d1m", "its pod is ready", **{serving.deployment_name("2"): serving.ready()})
    story.at("3d", "memory is raised", this={"spec": {"resources": {"memory": "2Gi"}}})
    story.at("4d", "a person gives it up", this={"metadata": {"annotations": {names.ABORT: "2"}}})
    return story


LIVES: dict[str, Callable[[], Story]] = {"AnnotationProject": project, "TrainingRun": run, "ModelDeployment": deployment}
garbage = some.recursive(
    some.sampled_from(GARBAGE) | some.integers() | some.text(max_size=20),
    lambda children: some.lists(children, max_size=3) | some.dictionaries(some.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


class Looks(dict[str, list[Look]]):
    """Every look of representative stories, by kind: most of them at an object that remembers much."""

    def __repr__(self) -> str:
        return "looks"  # for Hypothesis, which would print them all


@pytest.fixture(scope="module")
def looks() -> Looks:
    """Told once for all tests; of looks at an object that remembers the same, the first one."""
    found = Looks()
    for kind, life in LIVES.items():
        first: dict[str, Look] = {}

        def note(look: Look, first: dict[str, Look] = first) -> None:
            if (memory := json.dumps(remembered(look))) not in first:
                first[memory] = still(look)

        with watching(note):
            life().tell()
        found[kind] = list(first.values())
        assert len(found[kind]) > 3
    return found


def remembered(look: Look) -> dict[str, Any]:
    """What status holds of memory."""
    return {name: value for name, value in (look.this.get("status") or {}).items() if name in memory_fields(look.kind.name)}


@pytest.mark.parametrize("kind", LIVES)
@pytest.mark.parametrize("wrong", GARBAGE, ids=repr)
def test_a_field_of_memory_of_any_wrong_type_is_a_loss_of_memory_only(looks: Looks, kind: str, wrong: Any) -> None:
    for look in looks[kind]:
        for field in sorted(memory_fields(kind)):
            holds(look, (look.this.get("status") or {}) | {field: wrong})
        holds(look, wrong)


@pytest.mark.parametrize("kind", LIVES)
@settings(deadline=None, max_examples=100)
@given(data=some.data())
def test_garbage_deep_in_memory_is_a_loss_of_memory_only(looks: Looks, kind: str, data: some.DataObject) -> None:
    look = looks[kind][data.draw(some.integers(0, len(looks[kind]) - 1))]
    status = copy.deepcopy(look.this.get("status") or {})
    place: Any = status
    while isinstance(place, dict | list) and place:
        step = data.draw(some.sampled_from(sorted(place)) if isinstance(place, dict) else some.integers(0, len(place) - 1))
        if not isinstance(place[step], dict | list) or data.draw(some.booleans()):
            place[step] = data.draw(garbage)
            break
        place = place[step]
    holds(look, status)


@pytest.mark.parametrize("kind", LIVES)
@pytest.mark.parametrize("text", ["garbage", "", "2026-01-01T00:00:00Z", "9" * 64, "s3://", "ü\n\u0000"], ids=ascii)
def test_any_text_in_memory_is_a_loss_of_memory_only(looks: Looks, kind: str, text: str) -> None:
    for look in looks[kind]:
        for place in texts(remembered(look)):
            holds(look, (look.this.get("status") or {}) | exchanged(remembered(look), place, text))


def texts(value: Any) -> Iterator[tuple[str | int, ...]]:
    """Where the texts in some JSON are."""
    if isinstance(value, str):
        yield ()
    elif isinstance(value, dict | list):
        for step, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from ((step, *place) for place in texts(child))


def exchanged(value: Any, place: tuple[str | int, ...], text: str) -> Any:
    """A copy of some JSON with another text at one place."""
    if not place:
        return text
    step, *rest = place
    copied = copy.copy(value)
    copied[step] = exchanged(value[step], tuple(rest), text)
    return copied


def holds(look: Look, status: Any) -> None:
    """A plan is made with this status, does only what plans may do, and can be told."""
    if currently_in_test_context():
        note(f"{look.kind.name} at {look.now:%H:%M:%S} with {json.dumps(status)}")
    this = {**look.this, "status": status}
    if (plan := planned(look, this)) is not None:
        acts_well(replace(look, this=this), plan)
        settle(this, plan, look.kind, look.now)


@pytest.mark.parametrize("generation", [None, True, False, -1, "5", [], {}, 0.5])
def test_an_object_was_met_only_if_a_generation_was_observed(generation: Any) -> None:
    assert not was_met({"status": {"observedGeneration": generation}})
    assert was_met({"status": {"observedGeneration": 0}})
    assert was_met({"status": {"observedGeneration": 7}})
    assert not any(was_met({"status": status}) for status in GARBAGE)
    assert not was_met({})


# -- the guard bites: mutants of a real plan, each of which breaks one rule

Mutant = Callable[[Run, datetime, Plan], Plan]
DICE: Iterator[int] = iter(range(1_000_000))


def with_job(run: Run, plan: Plan, **changes: Any) -> Plan:
    """The plan with something in its Job changed: metadata, or the pod."""
    made = next((copy.deepcopy(dict(action.object)) for action in plan.actions if isinstance(action, Create)), None)
    if made is None:
        return plan
    made["metadata"] |= changes.get("metadata", {})
    made["spec"]["template"]["spec"] |= changes.get("pod", {})
    return replace(plan, actions=(Create(made),))


def restless(run: Run, now: datetime, plan: Plan) -> Plan:
    return plan if plan.actions else replace(plan, wake_at=now)


def copying(run: Run, now: datetime, plan: Plan) -> Plan:
    return with_job(run, plan, metadata={"annotations": dict(run.this["metadata"].get("annotations") or {})})


def rolling(run: Run, now: datetime, plan: Plan) -> Plan:
    return Plan.all(plan, say("Dice", True, Reason.JobRunning, f"{next(DICE)}"), status=plan.status)


def believing(run: Run, now: datetime, plan: Plan) -> Plan:
    job = (run.this.get("status") or {}).get("job")
    return Plan.all(plan, say("Believed", True, Reason.JobRunning, str(job)), status=plan.status)


MUTANTS: dict[str, tuple[Mutant, str]] = {
    "rolls dice": (rolling, "another plan"),
    "copies what strangers wrote": (copying, "strangers change the plan"),
    "believes the rest of status": (believing, "what is not memory"),
    "looks again at once": (restless, "which is not after"),
    "writes the object": (lambda run, now, plan: do(Apply(run.this)), "no business to apply TrainingRun"),
    "takes over a name of somebody": (lambda run, now, plan: do(Delete(Ref("Job", "ml", "other"), "uid-job-other")), "not ours to delete"),
    "deletes the run": (lambda run, now, plan: do(Delete(run.ref, UID)), "no business to delete"),
    "lets a child outlive it": (lambda run, now, plan: with_job(run, plan, metadata={"ownerReferences": []}), "not owned by the object"),
    "forgets the mark": (lambda run, now, plan: with_job(run, plan, metadata={"labels": {names.MANAGED_BY: "x"}}), "not marked as ours"),
    "reaches elsewhere": (lambda run, now, plan: with_job(run, plan, metadata={"namespace": "kube-system"}), "in another namespace"),
    "mounts a token": (lambda run, now, plan: with_job(run, plan, pod={"automountServiceAccountToken": True}), "not restricted"),
    "opens the host": (lambda run, now, plan: with_job(run, plan, pod={"hostNetwork": True}), "not restricted"),
    "says a thing twice": (lambda run, now, plan: Plan.all(plan, plan, status=plan.status), "said twice"),
    "says Ready itself": (lambda run, now, plan: say("Ready", True, Reason.JobRunning, "yes"), "that the engine says"),
}


def told(mutant: Mutant) -> None:
    """A short life, planned by a mutant."""

    def plan(run: Run, now: datetime) -> Plan:
        return mutant(run, now, TRAINING_RUN.plan(run, now))

    foreign = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "other", "namespace": "ml", "uid": "uid-job-other"}, "spec": {}}
    kind: Kind[Run] = replace(TRAINING_RUN, plan=plan)
    story = Story("A mutant", kind, make_run(tracking={"type": "None"}), others=[foreign])
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("10m", "the operator restarts")
    story.tell()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_plan_that_breaks_a_rule_is_caught(name: str) -> None:
    mutant, caught = MUTANTS[name]
    with pytest.raises(AssertionError, match=caught):
        told(mutant)


def test_the_plan_that_the_mutants_come_from_is_not_caught() -> None:
    told(lambda run, now, plan: plan)


def test_a_plan_that_goes_on_for_a_deleted_object_is_caught() -> None:
    def stubborn(run: Run, now: datetime) -> Plan:
        return do(EnsureAlias(connection="mlflow/default", model="digits", alias="champion", version="1", expected=None))

    story = Story("A mutant", replace(TRAINING_RUN, plan=stubborn), make_run())
    deleted = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    story.at("0s", "deleted", this=deleted)
    with pytest.raises(AssertionError, match="an object that is being deleted: EnsureAlias"):
        story.tell()
