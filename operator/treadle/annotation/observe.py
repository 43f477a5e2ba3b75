"""From the world to a `Project`: the only file of this kind that reads dictionaries, and asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from treadle.annotation import texts
from treadle.annotation.audit import waived
from treadle.annotation.label import answered
from treadle.annotation.leaving import Leaving, observe_leaving
from treadle.annotation.places import store_of, store_of_model
from treadle.annotation.project import Attempt, Counted, GeneratedRun, Labelling, Project, Stage
from treadle.annotation.proposer import Proposer, find_proposer
from treadle.annotation.texts import Missing
from treadle.api import AnnotationProjectMemory, AnnotationProjectSpec, TrainingRunMemory, names, read_status
from treadle.api.annotation_status import StageRecord
from treadle.api.status import was_met
from treadle.connections.installation import DEFAULT, Granted, Installation
from treadle.connections.labelling import AnnotationsChanged, FindLabellingProject, LabellingProgress, LabellingProject, Progress, Setup
from treadle.contracts import Result
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.prelabel import PrelabelResult
from treadle.contracts.quality import QualityResult
from treadle.contracts.rank import RankResult
from treadle.contracts.release import ReleaseResult
from treadle.contracts.sync import SyncResult
from treadle.plan import Object, Ref, Unavailable, World, read_spec, ref_of
from treadle.tasks import NotSupportedYet, Task, for_type, with_reason
from treadle.workloads.contract_job import read_result
from treadle.workloads.refusal import explained

Said = TypeVar("Said", bound=Result)
TITLE_LIMIT = 50


def observe(installation: Installation, this: Object, world: World) -> Project | Leaving:
    """Read what concerns one AnnotationProject."""
    metadata = this["metadata"]
    if "deletionTimestamp" in metadata:
        return observe_leaving(installation, this, world)
    ref = ref_of(this)
    spec = read_spec(this, AnnotationProjectSpec)
    memory = read_status(this, AnnotationProjectMemory)
    owner = installation.owner_of(this)
    task = for_type(spec.task.type.value)
    schema = _schema(spec, task)
    guide, screen = texts.guidelines(spec, ref, world), texts.own_screen(spec, ref, world)
    granted = installation.label_studio(spec.backend.connection or DEFAULT, ref.namespace) if spec.backend.type == "LabelStudio" else None

    labelling: Labelling = None
    progress: Counted = None
    changed: datetime | Unavailable | None = None
    if isinstance(granted, Granted):
        labelling = world.ask(FindLabellingProject(connection=granted.key, owner=owner, adopt=spec.backend.adopt))
        if isinstance(labelling, LabellingProject):
            progress = world.ask(LabellingProgress(connection=granted.key, project=labelling.id))
            if isinstance(progress, Progress) and answered(progress, memory, labelling.id, waived(spec, memory)):
                changed = world.ask(AnnotationsChanged(connection=granted.key, project=labelling.id))

    jobs = world.owned(metadata["uid"], "Job")
    proposer = find_proposer(installation, spec, task, ref, world)
    model = proposer.model if isinstance(proposer, Proposer) else ""
    return Project(
        this=this,
        ref=ref,
        uid=metadata["uid"],
        owner=owner,
        installation=installation,
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        held=names.FINALIZER in (metadata.get("finalizers") or ()),
        fresh=not was_met(this),
        release_command=(metadata.get("annotations") or {}).get(names.RELEASE, ""),
        restore_command=(metadata.get("annotations") or {}).get(names.RESTORE, ""),
        spec=spec,
        memory=memory,
        task=task,
        schema=_without_looks(schema),
        setup=_setup(ref, spec, task, schema, guide, screen),
        guidelines=guide,
        missing=guide if isinstance(guide, Missing) else screen if isinstance(screen, Missing) else None,
        store=store_of(installation, spec, ref),
        label_studio=granted,
        labelling=labelling,
        progress=progress,
        changed=changed,
        sync=_stage("sync", memory.stages.sync, jobs, world, SyncResult),
        proposer=proposer,
        model_store=store_of_model(installation, spec, ref, model) if model else None,
        prelabel=_stage("prelabel", memory.stages.prelabel, jobs, world, PrelabelResult),
        rank=_stage("rank", memory.stages.rank, jobs, world, RankResult),
        quality=_stage("quality", memory.stages.quality, jobs, world, QualityResult),
        release=_stage("release", memory.stages.release, jobs, world, ReleaseResult),
        runs=_runs(world, ref, installation.id) if spec.train is not None else (),
    )


def _schema(spec: AnnotationProjectSpec, task: Task | NotSupportedYet) -> LabelSchema:
    silent = () if isinstance(task, NotSupportedYet) else task.silent
    labels = tuple(
        LabelClass(name=label.name, description=label.description or "", color=label.color or "", hotkey=label.hotkey or "")
        for label in spec.task.labels or ()
    )
    relations = tuple(LabelClass(name=each.name, description=each.description or "", color=each.color or "") for each in spec.task.relations or ())
    return LabelSchema(task=spec.task.type.value, labels=labels or silent, relations=relations)


def _without_looks(schema: LabelSchema) -> LabelSchema:
    """The schema as it enters dataset versions: another colour or hotkey makes no other version."""
    labels, relations = (
        tuple(LabelClass(name=each.name, description=each.description) for each in classes) for classes in (schema.labels, schema.relations)
    )
    return LabelSchema(task=schema.task, labels=labels, relations=relations)


def _setup(
    ref: Ref, spec: AnnotationProjectSpec, task: Task | NotSupportedYet, schema: LabelSchema, guide: str | Missing, screen: str | Missing
) -> Setup | None:
    if isinstance(task, NotSupportedYet) or isinstance(guide, Missing) or isinstance(screen, Missing):
        return None
    return Setup(
        title=f"{ref.name} ({ref.namespace})"[:TITLE_LIMIT],
        configuration=_screen(spec, task.configuration(schema)) if task.configuration else screen,
        guidelines=guide,
        annotations_per_item=spec.workforce.annotations_per_item,
        overlap_percent=spec.workforce.overlap_percent,
    )


def _screen(spec: AnnotationProjectSpec, configuration: str) -> str:
    """The task type's screen. Where deployments send items back, people read why; a screen of the user's own is left as it is."""
    return with_reason(configuration) if any(source.kind == "Feedback" for source in spec.all_sources) else configuration


def _stage(name: str, record: StageRecord | None, jobs: Sequence[Object], world: World, result: type[Said]) -> Stage[Said]:
    mine = [job for job in jobs if _labels(job).get(names.STAGE) == name]
    return Stage(name=name, record=record, attempts=tuple(_attempt(job, world, result) for job in mine))


def _attempt(job: Object, world: World, result: type[Said]) -> Attempt[Said]:
    metadata = job["metadata"]
    state = read_result(job, world.owned(metadata["uid"], "Pod"), result)
    if state is None:
        raise AssertionError("a Job that exists has a state")
    number = _labels(job).get(names.ATTEMPT, "")
    state = explained(state, job, world)
    return Attempt(
        ref=ref_of(job),
        uid=metadata["uid"],
        digest=_labels(job).get(names.REVISION, ""),
        number=int(number) if number.isdigit() else 0,
        made_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        made_for=_made_for(job),
        state=state,
    )


def _made_for(job: Object) -> Mapping[str, str]:
    content = names.resolved_on(job)
    return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


def _runs(world: World, ref: Ref, installation: str) -> tuple[GeneratedRun, ...]:
    runs = [
        run for run in world.labelled("TrainingRun", ref.namespace, names.PROJECT, ref.name) if _labels(run).get(names.INSTALLATION) == installation
    ]
    return tuple(sorted((_run(run) for run in runs), key=lambda run: run.version))


def _run(run: Object) -> GeneratedRun:
    result = read_status(run, TrainingRunMemory).result
    registered = read_status(run, TrainingRunMemory).registered
    version = _labels(run).get(names.DATASET_VERSION, "")
    return GeneratedRun(
        ref=ref_of(run),
        uid=run["metadata"]["uid"],
        version=int(version) if version.isdigit() else 0,
        finished=result is not None,
        succeeded=result is not None and result.outcome == "Succeeded",
        registered=registered is not None,
    )


def _labels(this: Object) -> Mapping[str, Any]:
    return this["metadata"].get("labels") or {}
