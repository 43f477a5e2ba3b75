"""The containers that fetch a model and serve it: with our runtime, or with an image of the user's that speaks HTTP."""

from collections.abc import Iterator
from typing import Any

from treadle.api import ModelDeploymentSpec, names
from treadle.api.common import ClaimReference
from treadle.api.common import Resources as AskedResources
from treadle.contracts import StoreConnection
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.contracts.serving import (
    BEFORE_PATH,
    CONTROL_PORT,
    ENVIRONMENT,
    LIVE_PATH,
    METRICS_PATH,
    MODEL_DIRECTORY,
    PORT,
    READY_PATH,
    RuntimeSpec,
)
from treadle.contracts.smoke import StoredSmoke
from treadle.serving.feedback import mounts_of
from treadle.serving.store import Access
from treadle.serving.target import Target
from treadle.workloads.contract_job import contract_container, store_credentials
from treadle.workloads.gpu import DEFAULT_RESOURCE, Gpu
from treadle.workloads.pod import DEFAULT_CPU, DEFAULT_MEMORY, Container, Mount, Resources, Variable, Volume
from treadle.workloads.pods import FETCH_MODEL, OURS
from treadle.workloads.quantity import canonical

COMMAND = ("python", "-m", "treadle.runtime")
MODELS = "model"
MODELS_PATH = "/models"
PROXY = "proxy"
PROXY_CPU = "250m"
PROXY_MEMORY = "256Mi"
OTHER_PORT = 8082
CACHE_FOLDER = "treadle/models"
CACHE_DIGITS = 16
LINGER_SECONDS = 5
"""A user's container goes on for so long when its pod leaves: until all nodes know that."""


def models_volume(cache: ClaimReference | None) -> Volume:
    """Where the model's files lie: in the pod, or in a claim that pods share."""
    return Volume(name=MODELS, source={"persistentVolumeClaim": {"claimName": cache.claim}} if cache else {"emptyDir": {}})


def models_mount(target: Target, cache: ClaimReference | None, *, read_only: bool = False) -> Mount:
    """How containers see it. In a claim each model has a folder of its own, by its URI."""
    folder = f"{CACHE_FOLDER}/{names.digest(target.uri, CACHE_DIGITS)}" if cache else ""
    return Mount(volume=MODELS, path=MODELS_PATH, read_only=read_only, sub_path=folder)


def fetch_container(
    image: str,
    asked: ModelDeploymentSpec,
    target: Target,
    access: Access,
    cache: ClaimReference | None,
    *,
    watched: bool,
    smoke: StoredSmoke | None,
) -> Container:
    """The init container: brings the model's files, what its traffic is compared with where that is `watched`, and its smoke example."""
    wanted = FetchModelSpec(
        store=StoreConnection(endpoint=access.endpoint, region=access.region),
        uri=target.uri,
        digest=target.digest,
        directory=MODEL_DIRECTORY,
        any_files=asked.runtime.type == "Custom",
        cached=cache is not None,
        reference=target.reference if watched else None,
        smoke=smoke,
    )
    return contract_container(
        name=FETCH_MODEL,
        image=image,
        spec=wanted,
        credentials=store_credentials(access.secret, asked.access.service_account_name, target.uri),
        mounts=[models_mount(target, cache)],
        keep_log_lines=not asked.sensitive,
    )


def runtime_container(image: str, asked: ModelDeploymentSpec, runtime: RuntimeSpec, models: Mount) -> Container:
    """Our runtime."""
    return Container(
        name=OURS,
        image=asked.runtime.image or image,
        command=COMMAND,
        env=(Variable(name=ENVIRONMENT, value=runtime.to_variable()), Variable(name="OMP_NUM_THREADS", value="1"), *_variables(asked)),
        mounts=[models, *mounts_of(runtime.feedback)],
        resources=resources_of(asked.resources),
        keep_log_lines=not asked.sensitive,
        extras={
            "ports": [{"name": "http", "containerPort": PORT}, {"name": "control", "containerPort": CONTROL_PORT}],
            "startupProbe": _probe(LIVE_PATH, period=2, failures=60),
            "readinessProbe": _probe(READY_PATH, period=3, failures=2),
            "livenessProbe": _probe(LIVE_PATH, period=10, failures=3),
        },
    )


def custom_container(asked: ModelDeploymentSpec, runtime: RuntimeSpec, models: Mount) -> Container:
    """A user's image: it finds the model's files at TREADLE_MODEL_DIR, and is ready when its path answers 200. Loading may take half an hour."""
    port, path, name = asked.runtime.port or PORT, asked.runtime.readiness_path or READY_PATH, "behind" if asked.runtime.proxy else "http"
    told = {
        "TREADLE_MODEL_DIR": runtime.model_directory,
        "TREADLE_MODEL_NAME": runtime.model_name,
        "TREADLE_MODEL_VERSION": runtime.model_version,
        "TREADLE_PORT": str(port),
    }
    return Container(
        name=OURS,
        image=str(asked.runtime.image),
        command=asked.runtime.command or (),
        env=(*(Variable(name=name, value=value) for name, value in told.items()), *_variables(asked)),
        mounts=[models],
        resources=resources_of(asked.resources),
        users=True,
        keep_log_lines=not asked.sensitive,
        extras={
            "ports": [{"name": name, "containerPort": port}],
            "startupProbe": _probe(path, period=5, failures=360, port=name),
            "readinessProbe": _probe(path, period=5, failures=2, port=name),
            "lifecycle": {"preStop": {"sleep": {"seconds": LINGER_SECONDS}}},
        },
    )


def proxy_container(image: str, runtime: RuntimeSpec, *, keep_log_lines: bool) -> Container:
    """Our runtime before a user's server: the port that the Service knows is its own. It leaves after that server has begun to, and not before."""
    return Container(
        name=PROXY,
        image=image,
        command=COMMAND,
        env=(Variable(name=ENVIRONMENT, value=runtime.to_variable()),),
        resources=Resources(cpu=PROXY_CPU, memory=PROXY_MEMORY),
        keep_log_lines=keep_log_lines,
        extras={
            "ports": [{"name": "http", "containerPort": runtime.port}, {"name": "control", "containerPort": CONTROL_PORT}],
            "startupProbe": _probe(BEFORE_PATH, period=2, failures=60),
            "readinessProbe": _probe(BEFORE_PATH, period=3, failures=2),
            "livenessProbe": _probe(METRICS_PATH, period=10, failures=3),
        },
    )


def proxy_port(asked: ModelDeploymentSpec) -> int:
    """Where our runtime listens before a user's server: all containers of a pod share its ports."""
    return PORT if asked.runtime.port not in (None, PORT) else OTHER_PORT


def resources_of(asked: AskedResources) -> Resources:
    """What the serving container gets."""
    gpu = Gpu(count=asked.gpu or 0, resource=asked.gpu_resource or DEFAULT_RESOURCE, product=asked.gpu_product or "")
    return Resources(
        cpu=canonical(asked.cpu or DEFAULT_CPU),
        memory=canonical(asked.memory or DEFAULT_MEMORY),
        ephemeral_storage=canonical(asked.ephemeral_storage) if asked.ephemeral_storage else "",
        gpu=gpu,
    )


def _variables(asked: ModelDeploymentSpec) -> Iterator[Variable]:
    for said in asked.runtime.env:
        yield Variable(name=said.name, value=said.value or "", secret=said.secret or "", config_map=said.config_map or "", key=said.key or "")


def _probe(path: str, *, period: int, failures: int, port: str = "http") -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": period, "timeoutSeconds": 2, "failureThreshold": failures}
