"""`kubectl treadle dataset diff NAME`: what is different in a later version of a project's dataset.

Whoever types it has no keys of the store, and need not have: a Job in the project's namespace looks, made like the one that wrote the version (its
image, its keys, its place), and goes when it has answered.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence

from treadle.api import names
from treadle.cli._objects import dig
from treadle.cli._place import CommandError
from treadle.cli._table import table
from treadle.contracts import JOB_VARIABLE
from treadle.contracts.compare import Changes, CompareResult, CompareSpec
from treadle.contracts.stores import LABEL_STUDIO_TOKEN_VARIABLE
from treadle.engine import KubernetesCluster, Refused, Request, path_of
from treadle.plan import Object, Ref
from treadle.workloads.contract_job import read_result
from treadle.workloads.pods import OURS
from treadle.workloads.states import Failed, Starting, Succeeded

STAGE = "compare"
MODELS = ("release", "quality", "sync")
"""Stages whose Jobs know the store, the best one first."""
OURS_ALONE = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
"""Labels that the API server gave the pods of one Job."""
KEPT_SECONDS = 600
"""The cluster removes the Job after that, should we not be able to."""
LOOK_AGAIN = 0.5
"""Seconds between looks."""
DIGITS = 12


def asked(project: Object, before: str | None, after: str | None) -> tuple[int | None, int]:
    """Which versions are meant; without a word, the latest one and the one it follows.

    Raises:
        CommandError: there is no version yet, or a word is no version.
    """
    latest = dig(project, "status", "dataset", "version")
    if not latest:
        raise CommandError(f"no version of {project['metadata']['name']} is released yet")
    return (_number(before) if before else None), (_number(after) if after else int(latest))


def job_like(project: Object, jobs: Sequence[Object], before: int | None, after: int) -> Object:
    """The Job that compares two versions.

    Raises:
        CommandError: no Job of the project is left that shows how its store is reached.
    """
    metadata = project["metadata"]
    mine = [job for job in jobs if any(owner.get("uid") == metadata["uid"] for owner in job["metadata"].get("ownerReferences") or ())]
    ranked = sorted(mine, key=lambda job: str(job["metadata"].get("creationTimestamp")), reverse=True)
    found = next((job for stage in MODELS for job in ranked if (job["metadata"].get("labels") or {}).get(names.STAGE) == stage), None)
    if found is None:
        raise CommandError(f"no Job of {metadata['name']} is left that shows how its store is reached")
    template = found["spec"]["template"]
    container = next(each for each in template["spec"]["containers"] if each["name"] == OURS)
    said = json.loads(next(each["value"] for each in container["env"] if each["name"] == JOB_VARIABLE))
    spec = CompareSpec(
        destination=project["spec"]["dataset"]["destination"], store=said["store"], before=before, after=after, sensitive=said.get("sensitive", False)
    )
    env = [each for each in container["env"] if each["name"] not in (JOB_VARIABLE, LABEL_STUDIO_TOKEN_VARIABLE)]
    pod = {name: value for name, value in template["spec"].items() if name != "initContainers"}
    labels = {name: value for name, value in (found["metadata"].get("labels") or {}).items() if name not in (*OURS_ALONE, names.ATTEMPT)}
    inner = {name: value for name, value in (template["metadata"].get("labels") or {}).items() if name not in (*OURS_ALONE, names.ATTEMPT)}
    fingerprint = names.digest([spec.fingerprint(), container["image"]], 8)
    ours = {names.STAGE: STAGE, names.REVISION: fingerprint}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.derived_name(metadata["name"], STAGE, fingerprint),
            "namespace": metadata["namespace"],
            "labels": labels | ours,
            "ownerReferences": found["metadata"]["ownerReferences"],
        },
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": inner | ours},
                "spec": {**pod, "containers": [{**container, "env": [{"name": JOB_VARIABLE, "value": spec.to_variable()}, *env]}]},
            },
        },
    }


async def ask(cluster: KubernetesCluster, project: Object, before: int | None, after: int, tell: Callable[[str], None]) -> CompareResult:
    """Let a Job look, and wait for what it says; `tell` is told what it waits for.

    Raises:
        CommandError: the Job could not be made, or failed; the text is what it said.
        Trouble: the API server does not answer.
    """
    namespace = project["metadata"]["namespace"]
    jobs, _ = await cluster.list("Job", namespace=namespace, selector=f"{names.PROJECT}={project['metadata']['name']}")
    wanted = job_like(project, jobs, before, after)
    ref = Ref("Job", namespace, wanted["metadata"]["name"])
    try:
        await cluster.wire.send(Request("POST", path_of("Job", namespace), f"make {ref}", wanted, {"fieldManager": "kubectl-treadle"}))
    except Refused as refused:
        if refused.body.get("reason") != "AlreadyExists":  # somebody asks the same
            raise CommandError(str(refused.body.get("message") or refused)) from refused
    try:
        return await _answer(cluster, ref, tell)
    finally:
        await _remove(cluster, ref)


async def _answer(cluster: KubernetesCluster, ref: Ref, tell: Callable[[str], None]) -> CompareResult:
    told = ""
    while True:
        job = await cluster.get(ref)
        pods, _ = await cluster.list("Pod", namespace=ref.namespace, selector=f"batch.kubernetes.io/job-name={ref.name}")
        state = read_result(job, pods, CompareResult)
        match state:
            case Succeeded(result=result):
                return result
            case Failed(message=message):
                raise CommandError(message)
            case None:
                raise CommandError(f"{ref} was deleted before it answered")
            case Starting(message=message) if message and message != told:
                told = message
                tell(message)
        await asyncio.sleep(LOOK_AGAIN)


async def _remove(cluster: KubernetesCluster, ref: Ref) -> None:
    """Delete the Job; the cluster does it later where we may not."""
    path = path_of("Job", ref.namespace, ref.name)
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    try:
        await cluster.wire.send(Request("DELETE", path, f"delete {ref}", body))
    except Refused:
        return


def tell_versions(found: CompareResult) -> list[str]:
    """The comparison as tables."""
    before, after = f"v{found.before.version}", f"v{found.after.version}"
    if found.same:
        return [f"{before} and {after} hold the same (digest {found.after.digest[:DIGITS]})."]
    lines = table([("", before, after, "CHANGE"), *_counts(found)])
    lines += ["", *_changed(found.changes)]
    if found.settings:
        lines.append(f"Made by other {' and '.join(found.settings)}.")
    if moves := [*found.changes.labels, *found.changes.splits]:
        lines += ["", *table([("FROM", "TO", "ITEMS"), *((move.before, move.after, str(move.items)) for move in moves)])]
    if found.changes.examples:
        rows = [(each.what, each.key, " → ".join(word for word in (each.before, each.after) if word)) for each in found.changes.examples]
        lines += ["", *table([("FOR EXAMPLE", "ITEM", "LABEL"), *rows])]
    return lines


def _counts(found: CompareResult) -> Iterator[tuple[str, str, str, str]]:
    yield _row("items", found.before.items, found.after.items)
    for split in dict.fromkeys((*found.before.splits, *found.after.splits)):
        yield _row(split, found.before.splits.get(split, 0), found.after.splits.get(split, 0))
    for label in found.after.counts:
        yield _row(f"label {label}", found.before.counts.get(label, 0), found.after.counts[label])
    agreements = [("-" if each.agreement is None else f"{each.agreement:.3f}") for each in (found.before, found.after)]
    if agreements != ["-", "-"]:
        yield "agreement", *agreements, ""  # type: ignore[misc]
    yield "digest", found.before.digest[:DIGITS], found.after.digest[:DIGITS], ""


def _row(name: str, before: int, after: int) -> tuple[str, str, str, str]:
    return name, str(before), str(after), f"{after - before:+d}" if after != before else ""


def _changed(changes: Changes) -> list[str]:
    if changes.none:
        return [f"The same {changes.same} items have the same labels in the same splits."]
    return ["Items: " + ", ".join(f"{count} {what}" for what, count in changes.counted.items()) + "."]


def _number(word: str) -> int:
    if not (found := re.fullmatch(r"v?0*([1-9]\d*)", word)):
        raise CommandError(f"{word} is no version: say 3, or v3")
    return int(found[1])
