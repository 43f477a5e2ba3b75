"""Preparation: a program of the user's says what of a release becomes the version, and how. It stands between containers of ours, and has no keys."""

from dataclasses import replace

from treadle.annotation import places, stages
from treadle.annotation.project import Project
from treadle.annotation.stages import Before
from treadle.api.annotation_dataset import Prepare
from treadle.contracts.prepare import OUTPUT_DIRECTORY, OUTPUT_VARIABLE, DraftSpec
from treadle.contracts.release import Preparation, ReleaseSpec
from treadle.workloads.contract_job import contract_container
from treadle.workloads.pod import Container, Mount, Variable
from treadle.workloads.pods import FETCH_DATASET

PREPARE = "prepare"
"""The user's container."""
DATASET = Mount(volume="dataset", path="/treadle/dataset")
OUTPUT = Mount(volume="output", path=OUTPUT_DIRECTORY)


def preparation(asked: Prepare | None) -> Preparation | None:
    """The preparation as the release Job is told of it."""
    return Preparation(image=asked.image, command=asked.command, dataset=DATASET.path, output=OUTPUT.path) if asked is not None else None


def before_release(project: Project, spec: ReleaseSpec) -> Before:
    """What runs before a release: a draft is laid out, and the program makes of it what is released."""
    asked = project.spec.dataset.prepare
    if asked is None:
        return stages.NOTHING
    keep = not project.spec.sensitive
    draft = contract_container(
        name=FETCH_DATASET,
        image=project.installation.images.jobs,
        spec=DraftSpec(release=spec, sensitive=project.spec.sensitive),
        credentials=places.credentials(project),
        resources=stages.resources(project.spec.jobs.resources),
        mounts=[DATASET, *places.claim_volumes(project)[1]],
        keep_log_lines=keep,
    )
    program = Container(
        name=PREPARE,
        image=asked.image,
        command=tuple(asked.command),
        env=[Variable(name="TREADLE_DATASET_DIR", value=DATASET.path), Variable(name=OUTPUT_VARIABLE, value=OUTPUT.path)],
        mounts=[replace(DATASET, read_only=True), OUTPUT],
        resources=stages.resources(asked.resources),
        users=True,
        keep_log_lines=keep,
    )
    return Before(containers=(draft, program), mounts=(DATASET, OUTPUT))
