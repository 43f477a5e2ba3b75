"""A TrainingRun under whatever may happen: it ends once, is never launched twice at a time, and what ended stays so."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import strategies as some
from hypothesis.stateful import initialize, invariant

from tests.properties.life import Life, children_of, happens
from tests.unit.training.things import INSTALLATION, make_project, make_run
from treadle.api import names
from treadle.connections.registry import ModelAlias, ModelVersion, ModelVersionOf
from treadle.connections.tracking import LoggedModel, TrackingRun, TrackingRunState, TrackingStatus
from treadle.contracts.evaluate import EvaluateResult, Measured
from treadle.contracts.report import ReportResult
from treadle.plan import Question, Ref, ref_of
from treadle.training import training_run

SPECS: Mapping[str, dict[str, Any]] = {
    "untracked": {"tracking": {"type": "None"}, "deadline": "1h"},
    "tracked": {"retries": {"infrastructure": 2, "application": 1}},
    "judged": {
        "dataset": {"project": "digits"},
        "gates": [{"name": "floor", "metric": "f1", "min": "0.90"}, {"name": "no-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}}],
        "register": {"model": "digits"},
        "approval": "Required",
    },
    "evaluated": {
        "dataset": {"project": "digits"},
        "evaluate": {"split": "test"},
        "gates": [{"name": "no-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}}],
        "register": {"model": "digits"},
    },
    "queued": {"tracking": {"type": "None"}, "queue": "research", "checkpoint": {"claim": "ckpt"}, "retries": {"infrastructure": 1}},
    "on two nodes": {"tracking": {"type": "None"}, "nodes": 2, "stall": {"timeout": "20m", "action": "Restart"}},
}
ENDS: Mapping[str, dict[str, Any]] = {
    "well": {"exitCode": 0, "message": '{"metrics": {"f1": 0.95}}'},
    "with garbage": {"exitCode": 0, "message": "\u0000{[garbage"},
    "with an error": {"exitCode": 1, "message": "Traceback ..."},
    "out of memory": {"exitCode": 137, "reason": "OOMKilled"},
    "killed": {"exitCode": 143},
}
SAID: Mapping[str, str] = {
    "evaluation": EvaluateResult(
        items=40,
        measured=(Measured(values=(0.9, None, 40.0, 0.95)), Measured(version="1", values=(0.9, None, 40.0, 0.95))),
        reference="a" * 64,
        details="b" * 64,
    ).to_message(),
    "report": ReportResult(uri="s3://mlflow/1/run/artifacts/treadle/report.html", bytes=1, curves=0).to_message(),
}
"""What Jobs of ours say when they end well, by their component."""
WAITING = ("ImagePullBackOff", "CreateContainerConfigError", "CrashLoopBackOff", "ContainerCreating", "PodInitializing")
FAILURES = (
    "Container main for pod ml/digits-1-x failed with exit code 1 matching FailJob rule at index 1",
    "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0",
    "garbage",
)
CONDITIONS = ("Complete", "Failed", "FailureTarget", "Suspended")


class TrainingRunLife(Life):
    kind = training_run(INSTALLATION)
    connections: ClassVar[tuple[str, ...]] = ("mlflow/default", "cluster")

    def __init__(self) -> None:
        super().__init__()
        self.metrics: dict[str, float] = {}
        self.models: tuple[str, ...] = ()
        self.aliases: dict[str, int] = {}
        self.ended: dict[str, Any] = {}

    @initialize(spec=some.sampled_from(sorted(SPECS)))
    def it_is_applied(self, spec: str) -> None:
        self.spec = SPECS[spec]
        self.cluster.put(make_project())
        self.cluster.put(self.made())
        self.restart()

    def made(self) -> Mapping[str, Any]:
        return make_run(**self.spec)

    def fact(self, question: Question[Any]) -> object:
        match question:
            case TrackingRunState(run_id=id_, experiment_id=experiment):
                models = tuple(LoggedModel(f"m-{name}", name, artifact_uri=f"mlflow-artifacts:/1/models/m-{name}/artifacts") for name in self.models)
                uid = self.this["metadata"]["uid"] if self.this else ""
                return TrackingRun(
                    id=id_,
                    experiment_id=experiment,
                    status=TrackingStatus.RUNNING,
                    owner_uid=uid,
                    metrics=dict(self.metrics),
                    logged_models=models,
                    artifact_uri="mlflow-artifacts:/1/run/artifacts",
                )
            case ModelAlias(alias=alias) if alias in self.aliases:
                return version(self.aliases[alias])
            case ModelVersionOf(version=str() as number):
                return version(int(number))
        return None

    @happens()
    def pods_begin(self) -> None:
        for job in self._unfinished():
            self._pod(job, "Running", {"running": {"startedAt": self.stamp}})

    @happens(how=some.sampled_from(["well", "well", *sorted(ENDS)]), f1=some.sampled_from([0.95, 0.5]))
    def programs_end(self, how: str, f1: float) -> None:
        self.metrics, self.models = {"f1": f1}, ("model",)
        for job in self._unfinished():
            self._pod(
                job,
                "Failed" if ENDS[how]["exitCode"] else "Succeeded",
                {"terminated": {"startedAt": self.stamp, "finishedAt": self.stamp, **ENDS[how]}},
            )
            kind = "Failed" if ENDS[how]["exitCode"] else "Complete"
            condition = {"type": kind, "status": "True", "reason": "PodFailurePolicy", "message": FAILURES[0], "lastTransitionTime": self.stamp}
            self.cluster.change(ref_of(job), {"status": {"startTime": self.stamp, "completionTime": self.stamp, "conditions": [condition]}})

    @happens(started=some.booleans(), waiting=some.sampled_from(WAITING), which=some.integers(0, 5))
    def a_pod_comes_up(self, started: bool, waiting: str, which: int) -> None:
        for job in self._one(which):
            state = {"running": {"startedAt": self.stamp}} if started else {"waiting": {"reason": waiting, "message": "it waits"}}
            self._pod(job, "Running" if started else "Pending", state)

    @happens(reason=some.sampled_from(["Unschedulable", "SchedulingGated"]), which=some.integers(0, 5))
    def a_pod_finds_no_place(self, reason: str, which: int) -> None:
        for job in self._one(which):
            condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": "no", "lastTransitionTime": self.stamp}
            self._pod(job, "Pending", None, conditions=[condition])

    @happens(how=some.sampled_from(sorted(ENDS)), disrupted=some.booleans(), which=some.integers(0, 5))
    def a_pod_ends(self, how: str, disrupted: bool, which: int) -> None:
        for job in self._one(which):
            ended = {"startedAt": self.stamp, "finishedAt": self.stamp, **ENDS[how]}
            condition = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "lastTransitionTime": self.stamp}
            phase = "Succeeded" if ended["exitCode"] == 0 else "Failed"
            self._pod(job, phase, {"terminated": ended}, conditions=[condition] if disrupted else [])

    @happens(which=some.integers(0, 5))
    def a_pod_vanishes(self, which: int) -> None:
        for job in self._one(which):
            for pod in self.cluster.controlled(job["metadata"]["uid"], "Pod"):
                self.cluster.remove(ref_of(pod))

    @happens(
        type_=some.sampled_from(CONDITIONS),
        status=some.sampled_from(["True", "False"]),
        message=some.sampled_from(FAILURES),
        which=some.integers(0, 5),
    )
    def a_job_says(self, type_: str, status: str, message: str, which: int) -> None:
        for job in self._one(which):
            told = [c for c in (job.get("status") or {}).get("conditions") or () if c["type"] != type_]
            condition = {"type": type_, "status": status, "reason": "PodFailurePolicy", "message": message, "lastTransitionTime": self.stamp}
            self.cluster.change(ref_of(job), {"status": {"startTime": self.stamp, "conditions": [*told, condition]}})

    @happens(f1=some.sampled_from([0.5, 0.95, float("nan"), float("inf")]), models=some.sampled_from([(), ("model",), ("a", "b")]))
    def the_program_logs(self, f1: float, models: tuple[str, ...]) -> None:
        self.metrics, self.models = {"f1": f1}, models

    @happens(alias=some.sampled_from(["champion", "candidate"]), number=some.integers(1, 4))
    def somebody_moves_an_alias(self, alias: str, number: int) -> None:
        self.aliases[alias] = number
        self.answers.pop(ModelAlias(connection="mlflow/default", model="digits", alias=alias), None)

    @happens(suspend=some.booleans())
    def it_is_suspended_or_goes_on(self, suspend: bool) -> None:
        if self.this is not None:
            self.cluster.change(self.key, {"spec": {"suspend": suspend}})

    @happens(command=some.sampled_from([names.CANCEL, names.APPROVE]), value=some.sampled_from(["1", "2", "", "garbage", "-1", "9" * 40]))
    def a_person_commands(self, command: str, value: str) -> None:
        if self.this is not None:
            self.cluster.change(self.key, {"metadata": {"annotations": {command: value}}})

    @happens(attempt=some.integers(1, 3))
    def a_stranger_takes_the_name_of_a_job(self, attempt: int) -> None:
        metadata = {"name": f"digits-{attempt}", "namespace": "ml", "labels": {names.MANAGED_BY: names.MANAGED_BY_VALUE}}
        self.add_foreign({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}})

    @happens(number=some.integers(0, 3))
    def the_project_releases(self, number: int) -> None:
        ref = Ref("AnnotationProject", "ml", "digits")
        if number:
            self.cluster.put(make_project(version=number))
        elif ref in self.cluster.objects:
            self.cluster.remove(ref)

    @invariant()
    def what_ended_stays_so(self) -> None:
        if self.this is not None:
            result = (self.this.get("status") or {}).get("result") or {}
            ended = self.ended.setdefault(self.this["metadata"]["uid"], result)
            assert not ended or result == ended, f"it ended as {ended}, and now as {result}"
            self.ended = {self.this["metadata"]["uid"]: result}

    @invariant()
    def it_is_not_launched_twice_at_a_time(self) -> None:
        labels = [job["metadata"]["labels"] for job in children_of(self, "Job", "JobSet")]
        attempts = [(own[names.COMPONENT], own[names.ATTEMPT]) for own in labels]
        assert len(attempts) == len(set(attempts)), f"two Jobs of one attempt: {attempts}"

    @property
    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _unfinished(self) -> list[dict[str, Any]]:
        return [job for job in children_of(self, "Job", "JobSet") if not (job.get("status") or {}).get("conditions")]

    def _one(self, which: int) -> list[dict[str, Any]]:
        jobs = children_of(self, "Job", "JobSet")
        return [jobs[which % len(jobs)]] if jobs else []

    def _pod(self, job: dict[str, Any], phase: str, state: Mapping[str, Any] | None, **status: Any) -> None:
        metadata = job["metadata"]
        owner = {"apiVersion": job["apiVersion"], "kind": job["kind"], "name": metadata["name"], "uid": metadata["uid"], "controller": True}
        labels = {**metadata["labels"], "treadle.dev/run": "digits"}
        said = SAID.get(metadata["labels"].get(names.COMPONENT, ""))
        if state and said and (state.get("terminated") or {}).get("exitCode") == 0:
            state = {"terminated": {**state["terminated"], "message": said}}
        name = "treadle" if said else "main"
        containers = [{"name": name, "imageID": "registry.example/train@sha256:abc", "state": state}] if state else []
        self.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{metadata['name']}-x", "namespace": "ml", "ownerReferences": [owner], "labels": labels},
                "spec": {"nodeName": "node-1"},
                "status": {"phase": phase, "containerStatuses": containers, **status},
            }
        )


def version(number: int) -> ModelVersion:
    files = f"mlflow-artifacts:/1/models/m-{number}/artifacts"
    return ModelVersion(model="digits", version=str(number), run_id="other", artifact_uri=files, tags={"treadle.metric.f1": "0.9"})


TestTrainingRun = TrainingRunLife.TestCase
