"""What is written into status: what must be remembered, and what people want to see."""

from datetime import datetime

from treadle.annotation import audit, commands, label, prelabel, protect, quality, rank, release, restore, sync, train
from treadle.annotation.project import Project
from treadle.annotation.stages import Ended, remembered
from treadle.api import AnnotationProjectStatus
from treadle.api.annotation_status import DatasetVersion, LabellingProjectStatus
from treadle.connections.installation import DEFAULT
from treadle.connections.labelling import LabellingProject


def report(project: Project, now: datetime) -> AnnotationProjectStatus:
    """The status now. What Jobs said is taken in here; policies act on it only once it is remembered."""
    memory = project.memory
    stages, source, measured, dataset, releases = memory.stages, memory.source, memory.quality, memory.dataset, memory.releases
    step = sync.step(project, now)
    ended = step if isinstance(step, Ended) else None
    if ended is not None:
        stages = stages.model_copy(update={"sync": remembered(ended, now)})
        source = sync.found(ended, now, source) or source
    proposer, proposals = memory.proposer, memory.proposals
    if isinstance(ended_prelabel := prelabel.step(project, now), Ended):
        stages = stages.model_copy(update={"prelabel": remembered(ended_prelabel, now)})
        proposer = prelabel.found(ended_prelabel) or proposer
    if isinstance(ended_rank := rank.step(project, now), Ended):
        stages = stages.model_copy(update={"rank": remembered(ended_rank, now)})
        proposals = rank.brought(ended_rank, now) or proposals
    if isinstance(ended_quality := quality.step(project, now), Ended):
        stages = stages.model_copy(update={"quality": remembered(ended_quality, now)})
        measured = quality.measured(ended_quality, now) or measured
    if isinstance(ended_release := release.step(project, now), Ended):
        stages = stages.model_copy(update={"release": remembered(ended_release, now)})
        dataset = release.released(ended_release, memory.quality, now) or dataset
        releases = _listed(releases, dataset)
    trained = train.trained(project)
    return AnnotationProjectStatus(
        stages=stages,
        source=source,
        quality=measured,
        proposer=proposer,
        proposals=proposals,
        acceptance=audit.judged(project),
        dataset=dataset,
        releases=releases,
        trained=trained,
        run=trained.run if trained else None,
        commands=restore.followed(restore.noted(project, commands.noted(project, now), now), ended, now),
        incidents=protect.incidents(project, ended, now),
        labelling_project=_backend(project),
        progress=label.told(project, now, source),
    )


def _backend(project: Project) -> LabellingProjectStatus | None:
    if isinstance(project.labelling, LabellingProject):
        backend = project.spec.backend
        adopted = backend.adopt is not None or None
        before, setup = project.memory.labelling_project, project.setup
        as_wanted = setup.digest if setup is not None and project.labelling.setup == setup.digest else before.setup if before else None
        return LabellingProjectStatus(
            id=project.labelling.id,
            url=project.labelling.url,
            connection=backend.connection or DEFAULT,
            adopted=adopted,
            setup=as_wanted,
        )
    return project.memory.labelling_project


def _listed(releases: tuple[DatasetVersion, ...], dataset: DatasetVersion | None) -> tuple[DatasetVersion, ...]:
    if dataset is None:
        return releases
    return (*(version for version in releases if version.version != dataset.version), dataset)
