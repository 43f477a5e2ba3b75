"""The Job or JobSet of an attempt: made once, when everything it needs is there. What was resolved for it is written on it."""

import json
from datetime import datetime

from treadle.api import DatasetPin, names
from treadle.api.common import Resources as WantedResources
from treadle.api.common import Volume as WantedVolume
from treadle.api.reasons import Reason
from treadle.plan import Create, Object, Plan, Ref, do, say
from treadle.training import attempts, environment, track
from treadle.training.accept import refusal
from treadle.training.data import data
from treadle.training.observe import job_ref
from treadle.training.run import ClaimFolder, Run, Tracking, Waiting
from treadle.workloads.gpu import DEFAULT_RESOURCE, Gpu
from treadle.workloads.job import build_job
from treadle.workloads.jobset import build_jobset
from treadle.workloads.pod import Container, Mount, Placement, Resources, Volume, pod_template
from treadle.workloads.pods import MAIN
from treadle.workloads.quantity import half_of

DEFAULT_CPU = "500m"
DEFAULT_MEMORY = "2Gi"


def launch(run: Run, now: datetime) -> Plan:
    """Make the current attempt's Job, or say what it waits for."""
    if run.job is not None:
        return Plan()
    if run.spec.suspend:
        return say("Suspended", True, Reason.Suspended, "spec.suspend is true")
    if obstacle := _obstacle(run):
        return say("Running", False, obstacle.reason, obstacle.message, stalled=obstacle.stalled)
    if (pause := attempts.pause_ends(run)) and now < pause:
        last = run.memory.attempts[-1]
        message = f"attempt {run.attempt} starts at {pause:%H:%M:%S} UTC; {last.outcome} failure before: {last.message}"
        return say("Running", False, Reason.RetryPending, message, wake_at=pause)
    if refusal(run) or isinstance(run.dataset, Waiting) or (run.tracking is not None and track.tracked(run) is None):
        return Plan()
    return do(Create(training_job(run)))


def training_job(run: Run) -> Object:
    """The Job of the current attempt, or its JobSet.

    Raises:
        Trouble: what it is told does not fit into 32 KiB.
    """
    spec, ref = run.spec, job_ref(run.ref, run.spec, run.attempt)
    labels = {names.RUN: run.name, names.ATTEMPT: str(run.attempt), names.COMPONENT: "training"}
    if isinstance(run.dataset, DatasetPin):
        if run.dataset.project:
            labels[names.PROJECT] = run.dataset.project
        if run.dataset.version:
            labels[names.DATASET_VERSION] = str(run.dataset.version)
    dataset = data(run)
    volumes = [_volume(volume) for volume in spec.volumes]
    mounts = [_mount(volume) for volume in spec.volumes]
    if dataset:
        volumes += dataset.volumes
        mounts.append(dataset.mount)
    if spec.checkpoint:
        volumes.append(Volume(name="checkpoint", source={"persistentVolumeClaim": {"claimName": spec.checkpoint.claim}}))
        mounts.append(Mount(volume="checkpoint", path=environment.CHECKPOINT_DIRECTORY, sub_path=run.owner.uid))
    if isinstance(run.output, ClaimFolder):
        volumes.append(Volume(name="output", source={"persistentVolumeClaim": {"claimName": run.output.claim}}))
        mounts.append(Mount(volume="output", path=environment.OUTPUT_DIRECTORY, sub_path=environment.output_folder(run.output, run.name)))
    container = Container(
        name=MAIN,
        image=spec.image,
        command=spec.command,
        args=spec.args,
        working_dir=spec.working_dir or "",
        env=environment.variables(run, ref.name),
        mounts=mounts,
        resources=_resources(spec.resources),
        users=True,
        keep_log_lines=not run.sensitive,
    )
    template = pod_template(
        containers=[container],
        init_containers=[dataset.fetch] if dataset else [],
        volumes=volumes,
        labels={**spec.labels, **labels},
        placement=Placement(
            service_account=spec.access.service_account_name or "",
            pull_secrets=spec.access.image_pull_secrets,
            node_selector=spec.node_selector,
            tolerations=[toleration.to_object() for toleration in spec.tolerations],
            priority_class=spec.priority_class_name or "",
        ),
        restart_policy="Never",
        shared_memory=spec.resources.shm or half_of(spec.resources.memory or DEFAULT_MEMORY),
    )
    annotations, queue = {names.RESOLVED: _resolved(run, ref)}, spec.queue or ""
    if ref.kind == "JobSet":
        return build_jobset(ref=ref, owner=run.this, template=template, nodes=spec.nodes, labels=labels, annotations=annotations, queue=queue)
    return build_job(ref=ref, owner=run.this, template=template, labels=labels, annotations=annotations, queue=queue)


def _obstacle(run: Run) -> Waiting | None:
    if run.blocked:
        return run.blocked
    if run.spec.checkpoint and run.old_pod:
        return Waiting(Reason.AwaitingOldPod, f"pod {run.old_pod} of an earlier attempt may still write to the checkpoint")
    return None


def _resolved(run: Run, workload: Ref) -> str:
    """What time may change, as it was when the Job was made."""
    place = track.tracked(run)
    content: dict[str, object] = {"attempt": run.attempt, "workload": workload.kind}
    if isinstance(run.dataset, DatasetPin):
        content["dataset"] = run.dataset.to_object()
    if place and isinstance(run.tracking, Tracking):
        content["tracking"] = {"id": place.id, "experimentId": place.experiment_id, "experiment": run.tracking.experiment}
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _resources(wanted: WantedResources) -> Resources:
    gpu = Gpu(count=wanted.gpu or 0, resource=wanted.gpu_resource or DEFAULT_RESOURCE, product=wanted.gpu_product or "")
    return Resources(cpu=wanted.cpu or DEFAULT_CPU, memory=wanted.memory or DEFAULT_MEMORY, gpu=gpu, ephemeral_storage=wanted.ephemeral_storage or "")


def _volume(wanted: WantedVolume) -> Volume:
    name = f"user-{wanted.name}"
    if wanted.claim:
        return Volume(name=name, source={"persistentVolumeClaim": {"claimName": wanted.claim}})
    if wanted.secret:
        return Volume(name=name, source={"secret": {"secretName": wanted.secret}})
    return Volume(name=name, source={"configMap": {"name": wanted.config_map}})


def _mount(wanted: WantedVolume) -> Mount:
    return Mount(volume=f"user-{wanted.name}", path=wanted.mount_path, read_only=bool(wanted.read_only), sub_path=wanted.sub_path or "")
