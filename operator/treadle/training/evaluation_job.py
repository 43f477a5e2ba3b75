"""The Job that measures the model, container after container: dataset and models are fetched (with keys), a user's own image measures each model
or ours answers for all (without keys), and what was found is stored and said (with keys). What it compares with is written on it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from treadle.api import DatasetPin, names
from treadle.api.training_run import Evaluation as EvaluationWish
from treadle.api.training_status import BaselineMetrics
from treadle.contracts.evaluate import EVALUATION_DIRECTORY, OWN, EvaluateSpec, ModelToMeasure, PublishSpec
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.plan import Object, Ref
from treadle.training import environment
from treadle.training.comparison import own_image
from treadle.training.data import claim_volumes, fetch_container
from treadle.training.model_files import MODELS_DIRECTORY, Files, Folder
from treadle.training.run import EVALUATION, ClaimFolder, Run, Store
from treadle.workloads.contract_job import LONGEST, build_contract_job, contract_container, store_credentials
from treadle.workloads.gpu import DEFAULT_RESOURCE, Gpu
from treadle.workloads.pod import DEFAULT_CPU, DEFAULT_MEMORY, Container, Mount, Placement, Resources, Volume
from treadle.workloads.pods import FETCH_MODEL
from treadle.workloads.quantity import half_of

DATASET = Mount(volume="dataset", path=environment.DATASET_DIRECTORY)
MODELS = Mount(volume="models", path=MODELS_DIRECTORY)
FOUND = Mount(volume="evaluation", path=EVALUATION_DIRECTORY)
OUTPUT = "output"
"""The volume of the claim that the program left its model in."""
SAMPLE = 1000
"""Items of `train` that the reference of drift is made of too: a test split alone is often small."""
EVALUATE = "evaluate"
"""The container of ours that loads models of others."""
MEASURE = "measure"
"""The container of a user's image that measures the run's own model; `measure-<version>` measures another."""


@dataclass(frozen=True)
class Evaluation:
    """All that one evaluation Job is made of.

    Attributes:
        models: the run's own first, then versions that are not known yet.
        baselines: what is compared with; with metrics where they are known already.
        folder: where what is found is stored; None: nowhere.
    """

    number: int
    dataset: DatasetPin
    models: Sequence[Files]
    metrics: tuple[str, ...]
    baselines: Sequence[BaselineMetrics]
    folder: Folder | None


def measured_by(container: str) -> str | None:
    """The version whose fetching or measuring is the only work of a container; None for those that all need."""
    kind, _, version = container.rpartition("-")
    return version if kind in (FETCH_MODEL, MEASURE) else None


def evaluation_ref(run: Ref, number: int) -> Ref:
    """Name of an evaluation Job."""
    return Ref("Job", run.namespace, names.derived_name(run.name, "evaluate", number))


def evaluation_job(run: Run, wanted: Evaluation) -> Object:
    """The Job.

    Raises:
        ValueError: when the run wants no evaluation.
        Trouble: what it is told does not fit into 32 KiB.
    """
    asked = run.spec.evaluate
    if asked is None:
        raise ValueError("the run wants no evaluation")
    folder = wanted.folder
    content: dict[str, object] = {"number": wanted.number, "metrics": list(wanted.metrics)}
    content["baselines"] = [baseline.to_object() for baseline in wanted.baselines]
    if folder:
        content["folder"] = folder.uri
    spec = PublishSpec(sensitive=run.sensitive, **({"store": folder.store.settings.reached(folder.uri), "uri": folder.uri} if folder else {}))
    measures = [_measure(run, asked, files) for files in wanted.models] if own_image(asked) else []
    claims = [files.store.claim for files in wanted.models if isinstance(files.store, ClaimFolder)]
    return build_contract_job(
        ref=evaluation_ref(run.ref, wanted.number),
        owner=run.this,
        image=run.installation.images.jobs,
        spec=spec,
        credentials=store_credentials(folder.store.secret, run.spec.access.service_account_name, folder.uri) if folder else (),
        placement=Placement(
            service_account=run.spec.access.service_account_name or "",
            pull_secrets=run.spec.access.image_pull_secrets,
            node_selector=run.spec.node_selector,
            tolerations=[toleration.to_object() for toleration in run.spec.tolerations],
            priority_class=run.spec.priority_class_name or "",
        ),
        labels={names.RUN: run.name, names.ATTEMPT: str(wanted.number), names.COMPONENT: EVALUATION},
        annotations={names.RESOLVED: json.dumps(content, sort_keys=True, separators=(",", ":"))},
        init_containers=[
            _fetch_dataset(run, asked, wanted),
            *(_fetch_model(run, files, files.store) for files in wanted.models if isinstance(files.store, Store)),
            *measures,
            _evaluate(run, asked, wanted),
        ],
        volumes=[
            *(Volume(name=mount.volume, source={"emptyDir": {}}) for mount in (DATASET, MODELS, FOUND)),
            *claim_volumes(wanted.dataset),
            *(Volume(name=OUTPUT, source={"persistentVolumeClaim": {"claimName": claim}}) for claim in claims),
        ],
        mounts=[replace(FOUND, read_only=True)],
        queue=run.spec.queue or "",
        keep_log_lines=not run.sensitive,
        longest=run.spec.deadline or LONGEST,
        shared_memory=(asked.resources.shm or half_of(asked.resources.memory or DEFAULT_MEMORY)) if measures else "",
    )


def _measure(run: Run, asked: EvaluationWish, files: Files) -> Container:
    return Container(
        name=MEASURE if files.version == OWN else f"{MEASURE}-{files.version}",
        image=asked.image or run.spec.image,
        command=asked.command,
        env=environment.of_evaluation(run, files.directory),
        mounts=[replace(DATASET, read_only=True), *_models([files]), replace(FOUND, sub_path=files.answers)],
        resources=_resources(asked),
        users=True,
        keep_log_lines=not run.sensitive,
    )


def _evaluate(run: Run, asked: EvaluationWish, wanted: Evaluation) -> Container:
    theirs = own_image(asked)
    models = [
        ModelToMeasure(version=files.version, directory=files.directory, answers=f"{FOUND.path}/{files.answers}" if theirs else "")
        for files in wanted.models
    ]
    spec = EvaluateSpec(
        sensitive=run.sensitive, dataset=environment.DATASET_DIRECTORY, split=asked.split, models=tuple(models), metrics=wanted.metrics
    )
    return contract_container(
        name=EVALUATE,
        image=run.installation.images.runtime,
        spec=spec,
        resources=Resources() if theirs else _resources(asked),
        mounts=[replace(DATASET, read_only=True), *_models(wanted.models), FOUND],
        keep_log_lines=not run.sensitive,
    )


def _resources(asked: EvaluationWish) -> Resources:
    wanted = asked.resources
    gpu = Gpu(count=wanted.gpu or 0, resource=wanted.gpu_resource or DEFAULT_RESOURCE, product=wanted.gpu_product or "")
    return Resources(cpu=wanted.cpu or DEFAULT_CPU, memory=wanted.memory or DEFAULT_MEMORY, gpu=gpu, ephemeral_storage=wanted.ephemeral_storage or "")


def _fetch_dataset(run: Run, asked: EvaluationWish, wanted: Evaluation) -> Container:
    return fetch_container(run, wanted.dataset, DATASET, splits=[asked.split], sample=0 if own_image(asked) else SAMPLE)


def _models(wanted: Sequence[Files]) -> list[Mount]:
    """Where the models are seen: those that were fetched, and the one that the program left in a claim."""
    claims = [(files.directory, files.store) for files in wanted if isinstance(files.store, ClaimFolder)]
    return [
        replace(MODELS, read_only=True),
        *(Mount(volume=OUTPUT, path=directory, read_only=True, sub_path=folder.path) for directory, folder in claims),
    ]


def _fetch_model(run: Run, files: Files, store: Store) -> Container:
    return contract_container(
        name=FETCH_MODEL if files.version == OWN else f"{FETCH_MODEL}-{files.version}",
        image=run.installation.images.jobs,
        spec=FetchModelSpec(store=store.settings.reached(files.uri), uri=files.uri, directory=files.directory, any_files=files.any_kind),
        credentials=store_credentials(store.secret, run.spec.access.service_account_name, files.uri),
        mounts=[MODELS],
        keep_log_lines=not run.sensitive,
    )
