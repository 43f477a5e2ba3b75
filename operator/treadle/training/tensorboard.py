"""TensorBoard over a run's event files: a small Deployment and its Service, from the first attempt on, until the run's Jobs are tidied away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.contracts.stores import S3, scheme_of
from treadle.plan import KINDS, Apply, Delete, Object, Plan, do, say
from treadle.training import environment
from treadle.training.finish import TTL
from treadle.training.run import BOARD, ClaimFolder, Run, Store, Waiting
from treadle.training.stores import place_of
from treadle.workloads.contract_job import store_credentials
from treadle.workloads.pod import Container, Mount, Placement, Resources, Variable, Volume, pod_template

PORT = 6006
FOLDER = "/treadle/logs"
"""Where a folder of a claim is mounted that `logDir` names by URI."""
RESOURCES = Resources(cpu="100m", memory="1Gi")


class Logs(NamedTuple):
    """How TensorBoard reads the event files: the folder or URI, and what must be mounted or known for that."""

    directory: str
    volume: Volume | None = None
    mount: Mount | None = None
    env: tuple[Variable, ...] = ()


def show_board(run: Run, now: datetime) -> Plan:
    """Keep TensorBoard there once the program has run, as its folders are made by then; and take it away together with the Jobs."""
    if run.spec.tensorboard is None or run.memory.launched is None:
        return Plan()
    gone = _gone_at(run)
    if gone and now >= gone:
        return do(*(Delete(ref, uid) for ref, uid in run.board.objects))
    logs = logs_of(run)
    if isinstance(logs, Waiting):
        return say("TensorBoard", False, logs.reason, logs.message)
    deployment, service = build_board(run, logs)
    shown = f"kubectl port-forward service/{service['metadata']['name']} {PORT}, then http://localhost:{PORT}"
    told = say("TensorBoard", run.board.ready, Reason.PodsReady if run.board.ready else Reason.PodsStarting, shown, wake_at=gone)
    return Plan.all(do(Apply(deployment), Apply(service)), told)


def logs_of(run: Run) -> Logs | Waiting:
    """Where the event files are for another pod, or why no other pod can read them."""
    directory = run.spec.tensorboard.log_dir if run.spec.tensorboard else ""
    if "://" not in directory:
        shared = max(_shared(run, directory), key=lambda mount: len(mount[1].path), default=None)
        if shared is None:
            told = f"spec.tensorboard.logDir {directory} lies in no claim of the run: only its own pod sees it"
            return Waiting(Reason.LogsNotReachable, told)
        return Logs(directory, *shared)
    match place_of(run.installation, run.spec, run.ref, directory):
        case Refusal(reason=reason, message=message):
            return Waiting(reason, message)
        case ClaimFolder(claim=claim, path=path):
            return Logs(FOLDER, _claim(claim), Mount(volume="logs", path=FOLDER, read_only=True, sub_path=path))
        case Store(settings=settings, secret=secret):
            known = settings.endpoint if scheme_of(directory) == S3 else ""
            endpoint = [Variable(name=name, value=known) for name in ("AWS_ENDPOINT_URL_S3", "S3_ENDPOINT") if known]
            return Logs(directory, env=(*store_credentials(secret, run.spec.access.service_account_name, directory), *endpoint))


def build_board(run: Run, logs: Logs) -> tuple[Object, Object]:
    """The Deployment and the Service."""
    spec = run.spec
    image = (spec.tensorboard.image if spec.tensorboard else None) or spec.image
    selector = {names.RUN: run.name, names.COMPONENT: BOARD}
    ready = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 5}
    program = Container(
        name=BOARD,
        image=image,
        command=("tensorboard",),
        args=(f"--logdir={logs.directory}", f"--port={PORT}", "--bind_all"),
        env=logs.env,
        mounts=[logs.mount] if logs.mount else [],
        resources=RESOURCES,
        users=True,
        extras={"ports": [{"name": "http", "containerPort": PORT}], "readinessProbe": ready},
    )
    template = pod_template(
        containers=[program],
        volumes=[logs.volume] if logs.volume else [],
        labels=selector,
        placement=Placement(
            service_account=spec.access.service_account_name or "",
            pull_secrets=spec.access.image_pull_secrets,
            node_selector=spec.node_selector,
            tolerations=[toleration.to_object() for toleration in spec.tolerations],
        ),
    )
    wanted = {
        "replicas": 1,
        "revisionHistoryLimit": 0,
        "selector": {"matchLabels": selector},
        "strategy": {"type": "Recreate"},
        "template": template,
    }
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    return _child(run, "Deployment", wanted), _child(run, "Service", {"selector": selector, "ports": [port]})


def _child(run: Run, kind: str, spec: dict[str, Any]) -> Object:
    labels = {names.MANAGED_BY: names.MANAGED_BY_VALUE, names.RUN: run.name, names.COMPONENT: BOARD}
    metadata = {
        "name": names.derived_name(run.name, BOARD),
        "namespace": run.ref.namespace,
        "labels": labels,
        "ownerReferences": [names.controller_reference(run.this)],
    }
    return {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _shared(run: Run, directory: str) -> Iterator[tuple[Volume, Mount]]:
    """The claims that the program writes to, and in whose folder the directory lies."""
    places = [(volume.mount_path, volume.claim, volume.sub_path or "") for volume in run.spec.volumes if volume.claim]
    if run.spec.checkpoint:
        places.append((environment.CHECKPOINT_DIRECTORY, run.spec.checkpoint.claim, run.owner.uid))
    if isinstance(run.output, ClaimFolder):
        places.append((environment.OUTPUT_DIRECTORY, run.output.claim, environment.output_folder(run.output, run.name)))
    for path, claim, sub_path in places:
        if f"{directory.rstrip('/')}/".startswith(f"{path.rstrip('/')}/"):
            yield _claim(claim), Mount(volume="logs", path=path, read_only=True, sub_path=sub_path)


def _claim(name: str) -> Volume:
    return Volume(name="logs", source={"persistentVolumeClaim": {"claimName": name}})


def _gone_at(run: Run) -> datetime | None:
    finished = run.memory.result.finished_at if run.memory.result else None
    ttl: timedelta = run.spec.ttl_after_finished or TTL
    return finished + ttl if finished else None
