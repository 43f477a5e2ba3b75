"""JobSets: the pods of several nodes that train together, as one numbered Job with a name in the cluster's DNS for each pod. All or nothing.

A JobSet restarts nothing by itself: without a failure policy the first failure of its Job ends it. Retries are further JobSets under the next name,
at the cost of our own budgets, as for Jobs. What JobSet's webhook would fill in is written out, so that the object means the same without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.plan import KINDS, Object, Ref
from treadle.workloads import pods
from treadle.workloads.job import condition, job_spec, read_job, since, waiting_for_queue
from treadle.workloads.states import Failed, FailureClass, Starting, State, Succeeded

GROUP = "node"
"""Name of the one group of pods; it stands in their names."""


def host(jobset: str, rank: int) -> str:
    """The name by which the pods of a JobSet reach the one of this rank.

    >>> host("digits-1", 0)
    'digits-1-node-0-0.digits-1'
    """
    return f"{jobset}-{GROUP}-0-{rank}.{jobset}"


def build_jobset(
    *,
    ref: Ref,
    owner: Object,
    template: Mapping[str, Any],
    nodes: int,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    queue: str = "",
) -> Object:
    """A JobSet of `owner` with `nodes` pods made from `template` (see `pod_template`).

    With `queue`, it is made suspended, and Kueue starts it; `spec.suspend` is never written afterwards.
    """
    ours = {names.MANAGED_BY: names.MANAGED_BY_VALUE, **labels}
    metadata: dict[str, Any] = {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": {**ours, **({names.QUEUE: queue} if queue else {})},
        "ownerReferences": [names.controller_reference(owner)],
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    group = {"name": GROUP, "groupName": "default", "replicas": 1, "template": {"metadata": {"labels": ours}, "spec": job_spec(template, nodes)}}
    spec = {
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
        "replicatedJobs": [group],
        **({"suspend": True} if queue else {}),
    }
    return {"apiVersion": KINDS["JobSet"].api_version, "kind": "JobSet", "metadata": metadata, "spec": spec}


def read_jobset(jobset: Object, job: Object | None, owned: Sequence[Object]) -> State[None]:
    """How the JobSet stands, as its `job` and that Job's pods tell, as far as they are known. Its own words count only where the Job is gone: they
    tell nothing of the cause, and may come before the Job's.
    """
    uid, name = jobset["metadata"]["uid"], jobset["metadata"]["name"]
    if job is not None:
        state = read_job(job, owned)
        return waiting_for_queue(jobset) if isinstance(state, Starting) and _suspended(jobset) else replace(state, uid=uid)
    over = condition(jobset, "Completed") or condition(jobset, "Failed")
    if over is not None and over["type"] == "Completed":
        return Succeeded(uid=uid, result=None, finished_at=pods.time(over.get("lastTransitionTime")))
    if over is not None:
        said = str(over.get("message") or over.get("reason") or "no reason given")
        return Failed(
            uid=uid,
            failure_class=FailureClass.INFRASTRUCTURE,
            reason=Reason.JobFailed,
            message=f"JobSet {name} failed, and its Job is gone: {said}",
            finished_at=pods.time(over.get("lastTransitionTime")),
        )
    if _suspended(jobset):
        return waiting_for_queue(jobset)
    silent = "the JobSet controller makes no Job of it: does it run?"
    return Starting(uid=uid, since=since(jobset), message=f"JobSet {name} has no Job yet", podless=True, refusal=silent)


def _suspended(jobset: Object) -> bool:
    return bool((jobset.get("spec") or {}).get("suspend"))
