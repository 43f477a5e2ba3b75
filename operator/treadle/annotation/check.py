"""Checks: programs of the user's refuse labels before quality is measured. They stand between containers of ours, and have no keys."""

from dataclasses import replace

from treadle.annotation import places, stages
from treadle.annotation.project import Project
from treadle.annotation.stages import Before
from treadle.api import names
from treadle.contracts.check import LABELS_DIRECTORY, REFUSED_DIRECTORY, CollectSpec
from treadle.contracts.prepare import OUTPUT_VARIABLE
from treadle.contracts.quality import Checking, QualitySpec
from treadle.workloads.contract_job import contract_container
from treadle.workloads.pod import Container, Mount, Resources, Variable
from treadle.workloads.pods import FETCH_ITEMS

CHECK = "check"
"""The user's containers are called `check-<name>`."""
LABELS = Mount(volume="labels", path=LABELS_DIRECTORY)
REFUSED = Mount(volume="refused", path=REFUSED_DIRECTORY)


def checking(project: Project) -> Checking | None:
    """Where programs check, if any do."""
    asked = any(each.image is not None for each in project.spec.quality.validation)
    return Checking(labels=LABELS.path, refused=REFUSED.path) if asked else None


def before_quality(project: Project, spec: QualitySpec) -> Before:
    """What runs before a measurement: a snapshot is taken and laid out, and programs look at it one after the other."""
    if spec.checking is None:
        return stages.NOTHING
    keep = not project.spec.sensitive
    collect = contract_container(
        name=FETCH_ITEMS,
        image=project.installation.images.jobs,
        spec=CollectSpec(quality=spec, sensitive=project.spec.sensitive),
        credentials=stages.credentials(project, spec),
        resources=stages.resources(project.spec.jobs.resources),
        mounts=[LABELS, *places.claim_volumes(project)[1]],
        keep_log_lines=keep,
    )
    programs = (
        Container(
            name=names.derived_name(f"{CHECK}-{check.name}"),
            image=check.image,
            command=check.command,
            env=[Variable(name="TREADLE_DATASET_DIR", value=LABELS.path), Variable(name=OUTPUT_VARIABLE, value=REFUSED.path)],
            mounts=[replace(LABELS, read_only=True), replace(REFUSED, sub_path=check.name)],
            resources=Resources(),
            users=True,
            keep_log_lines=keep,
        )
        for check in spec.consensus.checks
    )
    return Before(containers=(collect, *programs), mounts=(LABELS, REFUSED))
