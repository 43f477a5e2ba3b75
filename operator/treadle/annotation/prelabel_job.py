"""The Job that asks programs about items: an Indexed Job, each pod with its share. Programs stand between containers of ours, and have no keys."""

import json
from dataclasses import replace

from treadle.annotation import places, stages
from treadle.annotation.places import store_connection
from treadle.annotation.project import Project, Store
from treadle.annotation.proposer import MODEL, Proposer
from treadle.api import names
from treadle.api.common import Resources as AskedResources
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.contracts.prelabel import (
    ITEMS_DIRECTORY,
    ITEMS_VARIABLE,
    MOST_SHARDS,
    PREDICTIONS_DIRECTORY,
    PREDICTIONS_VARIABLE,
    FetchItemsSpec,
    PredictSpec,
    PrelabelSpec,
)
from treadle.plan import Object, Ref
from treadle.workloads.contract_job import build_contract_job, contract_container, store_credentials
from treadle.workloads.pod import Container, Mount, Resources, Variable, Volume
from treadle.workloads.pods import FETCH_ITEMS, FETCH_MODEL

MODEL_DIRECTORY = "/models/model"
ITEMS = Mount(volume="items", path=ITEMS_DIRECTORY)
MODELS = Mount(volume="models", path="/models")
PREDICTIONS = Mount(volume="predictions", path=PREDICTIONS_DIRECTORY)
PREDICT = "predict"
"""The container that loads models of others, or a user's image; `predict-<function>` is a labelling function."""


def prelabel_job(project: Project, proposer: Proposer, model_store: Store, spec: PrelabelSpec, number: int) -> Object:
    """The Job. Whom it asks is written on it.

    Raises:
        Trouble: what it is told does not fit into 32 KiB.
    """
    digest = spec.fingerprint(stages.DIGEST_LENGTH)
    keep = not project.spec.sensitive
    claims, claim_mounts = places.claim_volumes(project)
    resolved = {"who": proposer.who, "name": proposer.name, "combined": str(proposer.combined).lower(), "items": spec.items.sha256}
    limit = names.LABEL_VALUE_LIMIT - len(f"-{MOST_SHARDS - 1}")  # however many pods there are: the same wish is the same name
    return build_contract_job(
        ref=Ref("Job", project.ref.namespace, names.derived_name(project.name, "prelabel", digest, number, limit=limit)),
        owner=project.this,
        image=project.installation.images.jobs,
        spec=spec,
        credentials=places.credentials(project),
        placement=stages.placement(project),
        labels={names.PROJECT: project.name, names.STAGE: "prelabel", names.ATTEMPT: str(number), names.REVISION: digest},
        annotations={names.RESOLVED: json.dumps(resolved, sort_keys=True)},
        init_containers=[
            _fetch_items(project, spec),
            *([_fetch_model(project, proposer, model_store)] if proposer.model else []),
            *_programs(project, proposer),
        ],
        volumes=[*(Volume(name=mount.volume, source={"emptyDir": {}}) for mount in _mounts(proposer)), *claims],
        mounts=[replace(ITEMS, read_only=True), replace(PREDICTIONS, read_only=True), *claim_mounts],
        queue=project.spec.jobs.queue or "",
        keep_log_lines=keep,
        shards=spec.shards,
    )


def _mounts(proposer: Proposer) -> list[Mount]:
    return [ITEMS, *([MODELS] if proposer.model else []), PREDICTIONS]


def _fetch_items(project: Project, spec: PrelabelSpec) -> Container:
    return contract_container(
        name=FETCH_ITEMS,
        image=project.installation.images.jobs,
        spec=FetchItemsSpec(
            labels=project.schema, store=spec.store, destination=spec.destination, items=spec.items, who=spec.who, shards=spec.shards
        ),
        credentials=places.credentials(project),
        mounts=[ITEMS, *places.claim_volumes(project)[1]],
        keep_log_lines=not project.spec.sensitive,
    )


def _fetch_model(project: Project, proposer: Proposer, store: Store) -> Container:
    return contract_container(
        name=FETCH_MODEL,
        image=project.installation.images.jobs,
        spec=FetchModelSpec(store=store_connection(store), uri=proposer.model, directory=MODEL_DIRECTORY),
        credentials=store_credentials(store.secret, project.spec.access.service_account_name, proposer.model),
        mounts=[MODELS],
        keep_log_lines=not project.spec.sensitive,
    )


def _programs(project: Project, proposer: Proposer) -> list[Container]:
    asked, keep = project.spec.prelabel, not project.spec.sensitive
    if proposer.model:
        spec = PredictSpec(model=MODEL_DIRECTORY, sensitive=project.spec.sensitive)
        mounts = [replace(ITEMS, read_only=True), replace(MODELS, read_only=True), replace(PREDICTIONS, sub_path=MODEL)]
        resources = stages.resources(asked.resources if asked else AskedResources())
        return [
            contract_container(
                name=PREDICT, image=project.installation.images.runtime, spec=spec, resources=resources, mounts=mounts, keep_log_lines=keep
            )
        ]
    if asked is not None:
        return [_users(PREDICT, MODEL, asked.image or "", tuple(asked.command or ()), stages.resources(asked.resources), keep)]
    functions = sorted(project.spec.labeling_functions or (), key=lambda each: each.name)
    return [_users(names.derived_name(f"{PREDICT}-{each.name}"), each.name, each.image, each.command, Resources(), keep) for each in functions]


def _users(container: str, program: str, image: str, command: tuple[str, ...], resources: Resources, keep: bool) -> Container:
    """A program of a user's, by the contract of `contracts.prelabel`."""
    return Container(
        name=container,
        image=image,
        command=command,
        env=[Variable(name=ITEMS_VARIABLE, value=ITEMS.path), Variable(name=PREDICTIONS_VARIABLE, value=PREDICTIONS.path)],
        mounts=[replace(ITEMS, read_only=True), replace(PREDICTIONS, sub_path=program)],
        resources=resources,
        users=True,
        keep_log_lines=keep,
    )
