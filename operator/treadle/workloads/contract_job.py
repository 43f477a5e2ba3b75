"""Our own Jobs: a typed spec in, a typed result out. The image is ours, the credentials are the tenant's."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from treadle.api.reasons import Reason
from treadle.contracts import JOB_VARIABLE, ContractTooLarge, JobSpec, Result
from treadle.contracts.stores import LABEL_STUDIO_TOKEN_VARIABLE, STORE_VARIABLES, scheme_of
from treadle.plan import Object, Ref, Trouble
from treadle.workloads.job import build_job, read_job
from treadle.workloads.pod import Container, Mount, Placement, Resources, Variable, Volume, pod_template
from treadle.workloads.pods import OURS
from treadle.workloads.states import Failed, FailureClass, State, Succeeded

LONGEST = timedelta(hours=24)
"""No Job of ours hangs for longer; its node ends it then. Waiting for a node is not counted."""
ENTRY = ("python", "-m", "treadle.jobs")
SOME_RESULT = TypeVar("SOME_RESULT", bound=Result)


def store_credentials(secret: str, account: str | None, uri: str, *, needed: bool = True, suffix: str = "") -> tuple[Variable, ...]:
    """The tenant's keys of the object store that `uri`, or the beginning of one, is in.

    Where the pod runs as a service `account` that the user chose, its cloud identity may stand in for the Secret. Without one the Secret is needed,
    and the kubelet says so when it is missing, before anything runs; unless it is not `needed`, since most lies elsewhere.
    """
    return tuple(
        Variable(name=name + suffix, secret=secret, key=name, optional=bool(account) or not needed or not always)
        for name, always in STORE_VARIABLES.get(scheme_of(uri), {}).items()
    )


def label_studio_credentials(secret: str) -> tuple[Variable, ...]:
    """The tenant's token of Label Studio: for our own images only, since any of its tokens reaches every project."""
    return (Variable(name=LABEL_STUDIO_TOKEN_VARIABLE, secret=secret, key="token"),)


def contract_container(
    *,
    name: str = OURS,
    image: str,
    spec: JobSpec,
    credentials: Sequence[Variable] = (),
    resources: Resources = Resources(),  # noqa: B008  (frozen)
    mounts: Sequence[Mount] = (),
    keep_log_lines: bool = True,
) -> Container:
    """The container of ours that does `spec`; also as an init container of another Job.

    Raises:
        Trouble: if the spec is above 32 KiB.
    """
    try:
        described = spec.to_variable()
    except ContractTooLarge as error:
        raise Trouble(Reason.SpecTooLarge, str(error), stalled=True) from error
    env = (Variable(name=JOB_VARIABLE, value=described), *credentials)
    return Container(name=name, image=image, command=ENTRY, env=env, resources=resources, mounts=mounts, keep_log_lines=keep_log_lines)


def build_contract_job(
    *,
    ref: Ref,
    owner: Object,
    image: str,
    spec: JobSpec,
    credentials: Sequence[Variable] = (),
    resources: Resources = Resources(),  # noqa: B008  (frozen)
    placement: Placement = Placement(),  # noqa: B008  (frozen)
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    init_containers: Sequence[Container] = (),
    volumes: Sequence[Volume] = (),
    mounts: Sequence[Mount] = (),
    queue: str = "",
    keep_log_lines: bool = True,
    longest: timedelta = LONGEST,
    shards: int = 0,
    shared_memory: str = "",
) -> Object:
    """A Job of `owner` in which an image of ours does `spec`, after `init_containers` brought what it needs, within `longest`. With `shards`, so many
    numbered pods do it, each its part. `shared_memory` is for users' images among the `init_containers`, as in `pod_template`.

    Raises:
        Trouble: if the spec is above 32 KiB.
    """
    container = contract_container(image=image, spec=spec, credentials=credentials, resources=resources, mounts=mounts, keep_log_lines=keep_log_lines)
    template = pod_template(
        containers=[container],
        init_containers=init_containers,
        volumes=volumes,
        labels=labels or {},
        placement=placement,
        restart_policy="Never",
        shared_memory=shared_memory,
    )
    template["spec"]["activeDeadlineSeconds"] = round(longest.total_seconds())
    return build_job(ref=ref, owner=owner, template=template, labels=labels or {}, annotations=annotations, queue=queue, shards=shards)


def read_result(job: Object | None, pods: Sequence[Object], result: type[SOME_RESULT]) -> State[SOME_RESULT] | None:
    """How a contract Job stands; None when there is no Job. Success comes with what the Job said; success without readable words is a failure that
    another attempt may mend (its work is idempotent).
    """
    if job is None:
        return None
    state = read_job(job, pods)
    if not isinstance(state, Succeeded):
        return state
    try:
        said = result.from_message(_termination_message(pods))
    except ValueError:
        return Failed(
            uid=state.uid,
            failure_class=FailureClass.INFRASTRUCTURE,
            reason=Reason.ResultUnreadable,
            message=f"Job {job['metadata']['name']} ended well, but its result is lost",
            started_at=state.started_at,
            finished_at=state.finished_at,
            held_since=state.held_since,
            node=state.node,
        )
    return Succeeded(
        uid=state.uid,
        result=said,
        started_at=state.started_at,
        finished_at=state.finished_at,
        held_since=state.held_since,
        node=state.node,
        image_id=state.image_id,
    )


def _termination_message(pods: Sequence[Object]) -> str:
    for pod in pods:
        statuses: Sequence[Mapping[str, Any]] = (pod.get("status") or {}).get("containerStatuses") or ()
        for container in statuses:
            ended = (container.get("state") or {}).get("terminated") or {}
            if container["name"] == OURS and ended.get("exitCode") == 0:
                return str(ended.get("message") or "")
    return ""
