"""Continuous training: a dataset version, or another template, gets a TrainingRun. Runs are records of their own; they outlive the project."""

from treadle.annotation.project import GeneratedRun, Project
from treadle.api import TrainingRunSpec, names
from treadle.api.annotation_project import ContinuousTraining
from treadle.api.annotation_status import DatasetVersion, TrainedVersion
from treadle.api.reasons import Reason
from treadle.api.training_run import DatasetReference
from treadle.plan import Create, Delete, Object, Plan, do, say

CONDITION = "TrainingStarted"
TEMPLATE_DIGITS = 16
SHORT = 6  # digits of the template in a name


def train(project: Project) -> Plan:
    """Make the run of the latest version, once; make room for it as the template says."""
    training, dataset = project.spec.train, project.memory.dataset
    if training is None:
        return Plan()
    if dataset is None:
        return say(CONDITION, False, Reason.AwaitingDataset, "the first run starts with the first dataset version")
    wanted = _wanted(project, training, dataset)
    started = say(CONDITION, True, Reason.RunStarted, f"TrainingRun {wanted.run} trains on v{wanted.version}")
    if project.memory.trained == wanted:
        return Plan.all(started, _history(project, training))
    if _exists(project, wanted):
        return started
    if project.spec.suspend:
        return say(CONDITION, False, Reason.Suspended, f"spec.suspend is true: no run is made for v{dataset.version}")
    earlier = [run for run in project.runs if not run.finished and run.version <= dataset.version]
    if earlier and training.concurrency == "Forbid":
        return say(CONDITION, False, Reason.EarlierRunGoesOn, f"v{dataset.version} waits for the end of TrainingRun {earlier[0].ref.name}")
    replaced = [Delete(run.ref, run.uid) for run in earlier] if training.concurrency == "Replace" else []
    return do(*replaced, Create(build(project, training, dataset, wanted.run)))


def trained(project: Project) -> TrainedVersion | None:
    """The last run that was made, to be remembered: one that people delete is not made again."""
    training, dataset = project.spec.train, project.memory.dataset
    if training is None or dataset is None:
        return project.memory.trained
    wanted = _wanted(project, training, dataset)
    return wanted if _exists(project, wanted) else project.memory.trained


def _wanted(project: Project, training: ContinuousTraining, dataset: DatasetVersion) -> TrainedVersion:
    """The run that there should be by now: that of the last trigger. The first version is one in any case."""
    last, template = project.memory.trained, names.digest(training.template.spec.to_object(), TEMPLATE_DIGITS)
    of_release = TrainedVersion(run=run_name(project, f"v{dataset.version}"), version=dataset.version, template=template)
    if last is None:
        return of_release
    changed = "TemplateChange" in training.triggers and last.template != template
    if last.version != dataset.version:
        return of_release if changed or not training.triggers or "Release" in training.triggers else last
    if changed:
        return of_release.model_copy(update={"run": run_name(project, f"v{dataset.version}-{template[:SHORT]}")})
    return last


def _exists(project: Project, wanted: TrainedVersion) -> bool:
    return any(run.ref.name == wanted.run for run in project.runs)


def run_name(project: Project, of: str) -> str:
    """Name of the run of a version, or of a version and another template."""
    return names.derived_name(project.name, of, limit=names.OBJECT_NAME_LIMIT)


def build(project: Project, training: ContinuousTraining, dataset: DatasetVersion, name: str) -> Object:
    """The run of a version. It has labels instead of an owner: it is the lineage record, and outlives the project."""
    template = training.template.spec
    pinned = DatasetReference(project=project.name, version=str(dataset.version))
    sensitive = template.sensitive or project.spec.sensitive
    spec = TrainingRunSpec(**(dict(template) | {"sensitive": sensitive}), dataset=pinned)
    labels = {
        names.MANAGED_BY: names.MANAGED_BY_VALUE,
        names.INSTALLATION: project.installation.id,
        names.PROJECT: project.name,
        names.DATASET_VERSION: str(dataset.version),
    }
    metadata = {"name": name, "namespace": project.ref.namespace, "labels": labels}
    return {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": metadata, "spec": spec.to_object()}


def _history(project: Project, training: ContinuousTraining) -> Plan:
    """Delete finished runs beyond the limits, oldest first. One that registered a model is kept: its version may serve or carry an alias."""
    finished = [run for run in project.runs if run.finished]
    succeeded = [run for run in finished if run.succeeded]
    failed = [run for run in finished if not run.succeeded]
    surplus = [*_beyond(succeeded, training.history.succeeded), *_beyond(failed, training.history.failed)]
    return do(*(Delete(run.ref, run.uid) for run in surplus if not run.registered))


def _beyond(runs: list[GeneratedRun], limit: int) -> list[GeneratedRun]:
    return runs[: max(len(runs) - limit, 0)]
