"""How stories of an AnnotationProject are told: what its Jobs say, what people did in Label Studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.stories.story import START, Moment, Story, merged
from treadle.annotation import annotation_project
from treadle.api import names
from treadle.connections.installation import Owner, parse_installation
from treadle.connections.labelling import AnnotationsChanged, FindLabellingProject, LabellingProgress, Progress
from treadle.connections.registry import ModelAlias, ModelVersion
from treadle.contracts import Blob, ExitCode, Failure
from treadle.contracts.prelabel import PrelabelResult
from treadle.contracts.quality import QualityResult
from treadle.contracts.rank import RankResult
from treadle.contracts.release import ReleaseResult
from treadle.contracts.sync import SyncResult
from treadle.plan import Question, Ref, Unavailable

INSTALLATION = parse_installation("""
id: here
images: {jobs: "registry.example/treadle/jobs:1", runtime: "registry.example/treadle/runtime:1"}
connections:
  store: {default: {endpoint: "http://s3.example:7070"}}
  labelStudio: {default: {url: "http://label-studio.example:8080", shared: true}}
  mlflow: {default: {url: "http://mlflow.example:5000", artifactStore: "s3://mlflow/", shared: true}}
""")
PROJECT = annotation_project(INSTALLATION)
CONNECTION = "labelStudio/default"
FIND = FindLabellingProject(connection=CONNECTION, owner=Owner("here", "ml", "digits", "uid-annotationproject-digits"))
PROGRESS = LabellingProgress(connection=CONNECTION, project=1)
CHAMPION = ModelAlias(connection="mlflow/default", model="digits", alias="champion")
CHANGED = AnnotationsChanged(connection=CONNECTION, project=1)
DOWN = Unavailable(START, "Label Studio at http://label-studio.example:8080 does not answer")
TWICE = {"annotationsPerItem": 2}
AGREEMENT = {"agreement": {"minimum": "0.80"}}
TEMPLATE = {"template": {"spec": {"image": "registry.example/acme/train:1"}}}


def make_project(uid: str = "", deletion_policy: str = "", **spec: Any) -> dict[str, Any]:
    """A project that labels digits, with more or other fields of spec."""
    silent = {
        "task": {"type": "ImageClassification", "labels": [{"name": "0"}, {"name": "1"}]},
        "source": {"uri": "s3://raw/digits/"},
        "resync": "30d",
        "dataset": {"destination": "s3://datasets/digits/"},
    }
    more = {"deletionPolicy": deletion_policy} if deletion_policy else {}
    metadata = {"name": "digits", "namespace": "ml"} | ({"uid": uid} if uid else {})
    return {"apiVersion": names.API_VERSION, "kind": "AnnotationProject", "metadata": metadata, "spec": merged(silent, {**spec, **more})}


class Told:
    """A story of one project, with words for what happens around it."""

    def __init__(
        self, title: str, project: Mapping[str, Any] | None = None, kind: Any = PROJECT, answers: Mapping[Question[Any], object] | None = None
    ) -> None:
        self.story = Story(title, kind, project or make_project(), answers=answers)

    def at(self, after: str, text: str, **more: Any) -> None:
        """Anything else that happens."""
        self.story.at(after, text, **more)

    def check(self, golden: str) -> None:
        """See `Story.check`."""
        self.story.check(f"annotation/{golden}.yaml")

    def synced(self, after: str, items: int = 400, *, again: bool = False, **more: Any) -> None:
        """The sync Job that was made last has ended well; all its items are in Label Studio; `again`: nothing is new."""
        result = SyncResult(items=items, added=items, listing=blob("listing", items), digest=sha(items), **more)
        self._ended(after, "sync", result, {} if again else {PROGRESS: Progress(items=items)})

    def listed(self, after: str, items: int = 400, finished: int = 400, answers: int = 800, content: int = 0, text: str = "") -> None:
        """The sync Job that was made last has ended well; labels came with the items as files."""
        counts = {"items": items, "added": 0, "answers": answers, "annotated": finished, "finished": finished}
        kept = {"listing": blob("listing", items), "digest": sha(items), "annotations": blob("snapshot", content)}
        self._ended(after, "sync", SyncResult.model_validate(counts | kept), {}, text)

    def answered(self, after: str, items: int, finished: int, annotations: int, *, text: str = "", skipped: int = 0) -> None:
        """People are so far."""
        progress = Progress(items=items, finished=finished, annotated=finished, annotations=annotations, skipped=skipped)
        self.story.at(after, text or f"{finished} of {items} items are answered", answers={PROGRESS: progress, CHANGED: moment(after)})

    def asking(self, after: str) -> None:
        """The pod of the prelabel Job that was made last is at work."""
        job = self.job("prelabel")
        running = {"phase": "Running", "containerStatuses": [{"name": "treadle", "ready": True, "state": {"running": {"startedAt": stamp(after)}}}]}
        status = {"startTime": stamp(after, -1), "active": 1, "ready": 1}
        change = {job.replace("-", "_"): {"status": status}}
        self.story.at(after, "the prelabel Job runs", objects=[pod(job, after, "", 0) | {"status": running}], **change)

    def prelabelled(self, after: str, items: int = 400) -> None:
        """The prelabel Job that was made last has ended well."""
        self._ended(after, "prelabel", PrelabelResult(shard=0, items=items, answered=items), {})

    def ranked(self, after: str, items: int = 400, **more: Any) -> None:
        """The rank Job that was made last has ended well."""
        self._ended(after, "rank", RankResult(items=items, **more), {})

    def measured(
        self,
        after: str,
        items: int = 400,
        agreement: float | None = 0.93,
        disputed: int = 3,
        complete: int | None = None,
        content: int = 0,
        **more: Any,
    ) -> None:
        """The quality Job that was made last has ended well."""
        complete = items if complete is None else complete
        counts = {"items": items, "annotated": complete, "complete": complete, "annotations": 2 * complete, "annotators": 2}
        numbers = {"agreed": complete - disputed, "disputed": disputed, "agreement": agreement, "percent_agreement": agreement}
        result = QualityResult.model_validate(
            {**counts, **numbers, "snapshot": blob("snapshot", content), "digest": sha(f"quality {content}"), **more}
        )
        self._ended(after, "quality", result, {})

    def released(self, after: str, version: int = 1, items: int = 397, created: bool = True, of: int = 400, agreed: int | None = None) -> None:
        """The release Job that was made last has ended well."""
        splits = {"train": items * 8 // 10, "validation": items // 10, "test": items - items * 8 // 10 - items // 10}
        uri = f"s3://datasets/digits/v{version:04}/"
        numbers = {"items": items, "agreed": agreed, "splits": splits, "excluded": {"Disputed": of - (agreed or items)}}
        result = ReleaseResult.model_validate({"version": version, "digest": sha(f"v{version}"), "uri": uri, "created": created, **numbers})
        self._ended(after, "release", result, {})

    def failed(self, after: str, stage: str, failure: Failure, exit_code: ExitCode = ExitCode.UNAVAILABLE) -> None:
        """The Job of this stage that was made last has failed."""
        job = self.job(stage)
        why = f"Container treadle for pod ml/{job}-x failed with exit code {int(exit_code)} matching FailJob rule at index 1"
        condition = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": why, "lastTransitionTime": stamp(after)}
        status = {"startTime": stamp(after, -5), "conditions": [condition]}
        ended = [pod(job, after, failure.to_message(), int(exit_code))]
        change: dict[str, Any] = {job.replace("-", "_"): {"status": status}}
        self.story.at(after, f"the {stage} Job fails", objects=ended, **change)

    def setup(self) -> str:
        """Digest of the set-up that was last wished for."""
        lines = [line for told in self.story.tell().values() for line in told]
        return [match[1] for line in lines if (match := re.match(r"EnsureLabellingProject\(setup=.* ([0-9a-f]{8})\)", line))][-1]

    def job(self, stage: str) -> str:
        """Name of the Job of this stage that was made last."""
        lines = [line for told in self.story.tell().values() for line in told]
        made = [match[1] for line in lines if (match := re.fullmatch(rf"create Job (digits-{stage}-\S+)", line))]
        assert made, f"no {stage} Job was made:\n" + "\n".join(lines)
        return made[-1]

    def pods(self, stage: str) -> int:
        """How many pods the Job of this stage that was made last has."""
        return int(self.story.objects()[str(Ref("Job", "ml", self.job(stage)))]["spec"]["completions"])

    def _ended(self, after: str, stage: str, result: Any, answers: Mapping[Question[Any], object], text: str = "") -> None:
        job = self.job(stage)
        complete = {"type": "Complete", "status": "True", "lastTransitionTime": stamp(after)}
        status = {"startTime": stamp(after, -5), "completionTime": stamp(after), "conditions": [complete]}
        ended = [pod(job, after, result.to_message(), 0)]
        self.story.at(after, text or f"the {stage} Job succeeds", objects=ended, answers=answers, **{job.replace("-", "_"): {"status": status}})


def labelled(title: str, **spec: Any) -> Told:
    """A project up to the moment at which every item is answered."""
    told = Told(title, make_project(**spec))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("1h", 400, 400, 800)
    return told


def pod(job: str, after: str, message: str, exit_code: int) -> dict[str, Any]:
    """The pod of a Job of ours, ended."""
    ended = {"exitCode": exit_code, "message": message, "startedAt": stamp(after, -4), "finishedAt": stamp(after)}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": f"uid-job-{job}", "controller": True}
    status = {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": [{"name": "treadle", "state": {"terminated": ended}}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{job}-x", "namespace": "ml", "ownerReferences": [owner]}, "status": status}


def moment(after: str, seconds: int = 0) -> datetime:
    """A time of the story."""
    return Moment(after, "").time + timedelta(seconds=seconds)


def stamp(after: str, seconds: int = 0) -> str:
    """The same as Kubernetes writes it."""
    return moment(after, seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha(content: object) -> str:
    """Some SHA-256."""
    return names.digest(content)


def blob(what: str, content: object) -> Blob:
    """A file in the store."""
    return Blob(uri=f"s3://datasets/digits/{what}s/{sha(content)[:8]}.jsonl", sha256=sha(content))


def version(number: int) -> ModelVersion:
    """A version of the model `digits`."""
    return ModelVersion(model="digits", version=str(number), artifact_uri=f"mlflow-artifacts:/1/models/m-{number}/artifacts")


__all__ = [
    "AGREEMENT",
    "CHAMPION",
    "CHANGED",
    "CONNECTION",
    "DOWN",
    "FIND",
    "INSTALLATION",
    "PROGRESS",
    "PROJECT",
    "START",
    "TEMPLATE",
    "TWICE",
    "Told",
    "blob",
    "labelled",
    "make_project",
    "moment",
    "stamp",
    "version",
]
