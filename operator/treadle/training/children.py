"""The Jobs and JobSets that a run owns, read into nouns: attempts, evaluations, reports, and what is written on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from treadle.api import DatasetPin, names
from treadle.api.training_status import BaselineMetrics
from treadle.contracts.evaluate import EvaluateResult
from treadle.contracts.report import ReportResult
from treadle.plan import Object, World, ref_of
from treadle.training.jobs import attempt_job, attempt_of
from treadle.training.run import EVALUATION, REPORT, Board, EvaluationJob, Job, ReportJob, TrackedAs
from treadle.workloads.contract_job import read_result
from treadle.workloads.refusal import explained


@dataclass(frozen=True)
class Children:
    """What a run owns, by what it does. `dataset` and `tracked`: what the attempts' Jobs state that they were made for."""

    jobs: tuple[Job, ...]
    evaluations: tuple[EvaluationJob, ...]
    reports: tuple[ReportJob, ...]
    dataset: DatasetPin | None
    tracked: TrackedAs | None


def read_children(owned: Sequence[Object], world: World, *, mounts: bool, open_attempt: int | None) -> Children:
    """Read the Jobs and JobSets of a run; `mounts` and `open_attempt` as for `attempt_job`."""
    attempts = [child for child in owned if _component(child) not in (EVALUATION, REPORT)]
    evaluations = [_evaluation(child, world) for child in owned if _component(child) == EVALUATION]
    reports = [_report(child, world) for child in owned if _component(child) == REPORT]
    pins = [_pins(child) for child in attempts]
    return Children(
        jobs=tuple(attempt_job(child, world, mounts=mounts, open_attempt=open_attempt) for child in attempts),
        evaluations=tuple(job for job in evaluations if job),
        reports=tuple(job for job in reports if job),
        dataset=next((pin for pin, _ in pins if pin), None),
        tracked=next((pin for _, pin in pins if pin), None),
    )


def read_board(uid: str, world: World) -> Board:
    """The TensorBoard of the run with this UID."""
    deployments = world.owned(uid, "Deployment")
    found = [*deployments, *world.owned(uid, "Service")]
    ready = any((this.get("status") or {}).get("readyReplicas") for this in deployments)
    return Board(objects=tuple((ref_of(this), this["metadata"]["uid"]) for this in found), ready=ready)


def _component(child: Object) -> str:
    return str((child["metadata"].get("labels") or {}).get(names.COMPONENT, ""))


def _evaluation(child: Object, world: World) -> EvaluationJob | None:
    uid = child["metadata"]["uid"]
    state = read_result(child, world.owned(uid, "Pod"), EvaluateResult)
    if state is None:
        return None
    try:
        content = names.resolved_on(child)
        metrics, folder = tuple(str(name) for name in content["metrics"]), str(content.get("folder", ""))
        baselines = tuple(BaselineMetrics.model_validate(baseline) for baseline in content["baselines"])
    except (ValueError, ValidationError, KeyError, TypeError):
        metrics, baselines, folder = (), (), ""
    return EvaluationJob(
        ref=ref_of(child),
        uid=uid,
        number=attempt_of(child),
        state=explained(state, child, world),
        metrics=metrics,
        baselines=baselines,
        folder=folder,
    )


def _report(child: Object, world: World) -> ReportJob | None:
    uid = child["metadata"]["uid"]
    state = read_result(child, world.owned(uid, "Pod"), ReportResult)
    return ReportJob(ref=ref_of(child), uid=uid, number=attempt_of(child), state=explained(state, child, world)) if state else None


def _pins(child: Object) -> tuple[DatasetPin | None, TrackedAs | None]:
    """What was resolved when the Job was made, from its annotation."""
    try:
        content = names.resolved_on(child)
        tracking = content.get("tracking") or {}
        data = DatasetPin.model_validate(content["dataset"]) if content.get("dataset") else None
        tracked = TrackedAs(id=str(tracking["id"]), experiment_id=str(tracking["experimentId"])) if tracking else None
    except (ValueError, ValidationError, AttributeError, KeyError, TypeError):
        return None, None
    return data, tracked
