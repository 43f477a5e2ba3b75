"""An AnnotationProject under whatever may happen: what is done stays done, and no dataset version is forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from hypothesis import strategies as some
from hypothesis.stateful import initialize, invariant

from tests.properties.life import Life, children_of, happens
from tests.stories.annotation.telling import CONNECTION, PROJECT, TEMPLATE, make_project
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.connections.labelling import AnnotationsChanged, FindLabellingProject, LabellingProgress, LabellingProject, Progress
from treadle.contracts import Blob, ExitCode, Failure
from treadle.contracts.quality import QualityResult
from treadle.contracts.release import ReleaseResult
from treadle.contracts.sync import SyncResult
from treadle.plan import Question, ref_of

SPECS: Mapping[str, dict[str, Any]] = {
    "smallest": {},
    "agreed, trained": {
        "workforce": {"annotationsPerItem": 2},
        "quality": {"agreement": {"minimum": "0.80"}},
        "train": TEMPLATE | {"history": {"succeeded": 1, "failed": 1}},
        "resync": "10m",
    },
    "released by rule": {"dataset": {"release": {"minItems": 10, "everyItems": 5}}, "train": TEMPLATE | {"concurrency": "Forbid"}},
    "without backend": {"backend": {"type": "Files"}},
    "cleaned up": {"deletion_policy": "Delete"},
}
MESSAGES = ("", "garbage", "{}", "[]", '{"kind": "sync"}', '{"kind": "failure"}', "\u0000\ud7ff")


class AnnotationProjectLife(Life):
    kind = PROJECT
    connections: ClassVar[tuple[str, ...]] = (CONNECTION, "cluster")

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.changed: datetime | None = None
        self.released = 0
        self.seen = 0

    @initialize(spec=some.sampled_from(sorted(SPECS)))
    def it_is_applied(self, spec: str) -> None:
        self.spec = SPECS[spec]
        self.cluster.put(self.made())
        self.restart()

    def made(self) -> Mapping[str, Any]:
        self.seen = 0
        return make_project(**self.spec)

    def fact(self, question: Question[Any]) -> object:
        match question:
            case LabellingProgress():
                return self.progress
            case AnnotationsChanged():
                return self.changed
        return None

    @happens(items=some.integers(0, 20), finished=some.integers(0, 20), more=some.integers(0, 20))
    def people_label(self, items: int, finished: int, more: int) -> None:
        self.people_are_at(items, min(items, finished), min(items, finished) + more)

    def people_are_at(self, items: int, finished: int, annotations: int) -> None:
        self.progress = Progress(items=items, finished=finished, annotated=finished, annotations=annotations)
        self.changed = self.now
        for question in [question for question in self.answers if isinstance(question, LabellingProgress | AnnotationsChanged)]:
            del self.answers[question]

    @happens(items=some.integers(5, 20))
    def work_goes_on(self, items: int) -> None:
        """What is to be done is done: Jobs succeed, people answer all."""
        for job in self._all():
            self._end(job, self._result(job, items, 0, 0), 0)
        self.people_are_at(items, items, 2 * items)

    @happens(items=some.integers(0, 20), disputed=some.integers(0, 5), which=some.integers(0, 5), content=some.integers(0, 3))
    def a_job_succeeds(self, items: int, disputed: int, which: int, content: int) -> None:
        for job in self._one(which):
            self._end(job, self._result(job, items, min(items, disputed), content), 0)

    @happens(message=some.sampled_from(MESSAGES), which=some.integers(0, 5))
    def a_job_succeeds_with_garbage(self, message: str, which: int) -> None:
        for job in self._one(which):
            self._end(job, message, 0)

    @happens(
        reason=some.sampled_from([Reason.Unreachable, Reason.UnexpectedAnswer, Reason.SourceEmpty]),
        code=some.sampled_from(ExitCode),
        which=some.integers(0, 5),
    )
    def a_job_fails(self, reason: Reason, code: ExitCode, which: int) -> None:
        for job in self._one(which):
            self._end(job, Failure.of(reason, "it went wrong").to_message(), int(code))

    @happens(which=some.integers(0, 5), running=some.booleans())
    def a_job_starts(self, which: int, running: bool) -> None:
        for job in self._one(which):
            self._pod(job, "Running" if running else "Pending", {"running": {"startedAt": self.stamp}} if running else {"waiting": {"reason": "x"}})

    @happens(value=some.sampled_from(["", "garbage", "sha256:" + "0" * 64]), right=some.booleans())
    def a_person_releases(self, value: str, right: bool) -> None:
        if self.this is not None:
            digest = ((self.this.get("status") or {}).get("quality") or {}).get("digest")
            chosen = digest if right and isinstance(digest, str) else value
            self.cluster.change(self.key, {"metadata": {"annotations": {names.RELEASE: chosen}}})

    @happens(value=some.sampled_from(["", "garbage", "0" * 64]), right=some.booleans())
    def a_person_restores(self, value: str, right: bool) -> None:
        if self.this is not None:
            snapshot = ((self.this.get("status") or {}).get("source") or {}).get("snapshot") or {}
            chosen = snapshot.get("sha256") if right and isinstance(snapshot, dict) else value
            self.cluster.change(self.key, {"metadata": {"annotations": {names.RESTORE: chosen if isinstance(chosen, str) else value}}})

    @happens(
        how=some.sampled_from([None, LabellingProject(1, "<url>", "edited"), LabellingProject(2, "<url>", "new"), LabellingProject(1, "", "", (3,))])
    )
    def somebody_meddles_with_the_labelling_project(self, how: LabellingProject | None) -> None:
        for question in [question for question in self.answers if isinstance(question, FindLabellingProject)]:
            self.answers[question] = how

    @happens(suspend=some.booleans(), minimum=some.sampled_from(["0.50", "0.99"]))
    def its_spec_changes(self, suspend: bool, minimum: str) -> None:
        if self.this is not None:
            self.cluster.change(
                self.key, {"spec": {"suspend": suspend, "workforce": {"annotationsPerItem": 2}, "quality": {"agreement": {"minimum": minimum}}}}
            )

    @happens(outcome=some.sampled_from(["Succeeded", "Failed"]), which=some.integers(0, 5))
    def a_training_run_ends(self, outcome: str, which: int) -> None:
        runs = sorted(ref for ref in self.cluster.objects if ref.kind == "TrainingRun" and ref not in self.foreign)
        if runs:
            result = {"outcome": outcome, "reason": "JobSucceeded", "message": "over", "finishedAt": self.stamp}
            self.cluster.change(runs[which % len(runs)], {"status": {"result": result}})

    @happens(which=some.integers(0, 5))
    def a_stranger_deletes_a_training_run(self, which: int) -> None:
        runs = sorted(ref for ref in self.cluster.objects if ref.kind == "TrainingRun" and ref not in self.foreign)
        if runs:
            self.cluster.remove(runs[which % len(runs)])

    @happens(number=some.integers(1, 3))
    def a_stranger_takes_the_name_of_a_run(self, number: int) -> None:
        metadata = {"name": names.derived_name("digits", f"v{number}"), "namespace": "ml"}
        spec = {"image": "registry.example/other:1"}
        self.add_foreign({"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": metadata, "spec": spec})

    @invariant()
    def the_version_never_goes_back(self) -> None:
        if self.this is None:
            return
        version = (self.this.get("status") or {}).get("dataset") or {}
        number = version.get("version") or 0 if isinstance(version, dict) else 0
        assert number >= self.seen, f"version {self.seen} was released, and now it is {number}"
        self.seen = number

    @property
    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _all(self) -> list[dict[str, Any]]:
        return [job for job in children_of(self, "Job") if not (job.get("status") or {}).get("conditions")]

    def _one(self, which: int) -> list[dict[str, Any]]:
        jobs = self._all()
        return [jobs[which % len(jobs)]] if jobs else []

    def _result(self, job: dict[str, Any], items: int, disputed: int, content: int) -> str:
        sha = names.digest(f"{content} {items}")
        blob = Blob(uri=f"s3://datasets/digits/x/{sha[:8]}.jsonl", sha256=sha)
        match job["metadata"]["labels"][names.STAGE]:
            case "sync":
                kept = {"annotations": blob, "answers": items, "annotated": items, "finished": items - disputed}
                lost = {"snapshot": blob, "lost_tasks": content, "restored": content, "withdrawn": disputed}
                found = {"items": items, "added": items, "listing": blob, "digest": sha}
                return SyncResult.model_validate(found | (kept if "Files" in str(self.spec) else lost)).to_message()
            case "quality":
                counts = {"items": items, "annotated": items, "complete": items, "annotations": 2 * items, "annotators": 2}
                agreement = 1 - disputed / items if items else None
                numbers = {"agreed": items - disputed, "disputed": disputed, "agreement": agreement, "percent_agreement": agreement}
                return QualityResult(**counts, **numbers, snapshot=blob, digest=sha, asked_again=disputed).to_message()
            case _:
                self.released += 1
                uri = f"s3://datasets/digits/v{self.released:04}/"
                return ReleaseResult(
                    version=self.released, digest=sha, uri=uri, created=True, items=items, splits={"train": items}, excluded={}
                ).to_message()

    def _end(self, job: dict[str, Any], message: str, exit_code: int) -> None:
        ended = {"exitCode": exit_code, "message": message, "startedAt": self.stamp, "finishedAt": self.stamp}
        self._pod(job, "Failed" if exit_code else "Succeeded", {"terminated": ended})
        kind = "Failed" if exit_code else "Complete"
        condition = {"type": kind, "status": "True", "reason": "PodFailurePolicy", "message": "over", "lastTransitionTime": self.stamp}
        self.cluster.change(ref_of(job), {"status": {"startTime": self.stamp, "completionTime": self.stamp, "conditions": [condition]}})

    def _pod(self, job: dict[str, Any], phase: str, state: Mapping[str, Any]) -> None:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"], "controller": True}
        metadata = {"name": f"{job['metadata']['name']}-x", "namespace": "ml", "ownerReferences": [owner]}
        status = {"phase": phase, "containerStatuses": [{"name": "treadle", "state": state}]}
        self.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})


TestAnnotationProject = AnnotationProjectLife.TestCase
