"""`kubectl treadle rerun NAME`: a run that repeats another one, with everything pinned that time may have changed."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.api import names
from treadle.cli._objects import dig
from treadle.cli._place import CommandError
from treadle.engine import KubernetesCluster, Refused, Request, path_of
from treadle.plan import Object, Ref

NUMBER_OF_RERUN = re.compile(r"-r[1-9][0-9]*$")


@dataclass(frozen=True)
class Rerun:
    """The run to make, and what of the earlier one could not be pinned."""

    object: Object
    loose: tuple[str, ...]


async def find_run(cluster: KubernetesCluster, namespace: str, name: str) -> Object:
    """A TrainingRun by name.

    Raises:
        CommandError: if there is none.
        Trouble: if the API server does not answer.
    """
    found = await cluster.get(Ref("TrainingRun", namespace, name))
    if found is None:
        raise CommandError(f"there is no TrainingRun {name} in namespace {namespace}")
    return found


async def plan_rerun(cluster: KubernetesCluster, namespace: str, name: str, new_name: str | None) -> Rerun:
    """What `kubectl treadle rerun NAME` would make.

    Raises:
        CommandError: if there is no such run.
        Trouble: if the API server does not answer.
    """
    run = await find_run(cluster, namespace, name)
    others, _ = await cluster.list("TrainingRun", namespace=namespace)
    project = _project(run)
    home = await cluster.get(Ref("AnnotationProject", namespace, project)) if project else None
    return rerun_of(run, new_name or free_name(name, {other["metadata"]["name"] for other in others}), home)


def rerun_of(run: Object, name: str, home: Object | None) -> Rerun:
    """The run called `name` that repeats `run`, whose data is of the project `home`. Data of a project that is sensitive, or that nobody can ask any
    more, stays sensitive. A version whose items lie in claims stays a version of its project: only there is it said which claims they are.
    """
    spec = {field: value for field, value in run["spec"].items() if field != "suspend"}
    loose: list[str] = []
    spec["image"], pinned = _pinned_image(run)
    if not pinned:
        loose.append(f"the image is named as it was ({spec['image']}): which digest ran is not known")
    if dataset := spec.get("dataset"):
        pin = dig(run, "status", "dataset") or {}
        if pin.get("uri") and pin.get("digest"):
            kept = {field: value for field, value in dataset.items() if field not in ("project", "version", "uri", "digest")}
            if pin.get("claims") and _remembers(home, pin):
                spec["dataset"] = {**kept, "project": pin["project"], "version": str(pin["version"])}
            else:
                spec["tracking"] = spec.get("tracking") or _same_experiment(run)
                spec["dataset"] = {**kept, "uri": pin["uri"], "digest": f"sha256:{_bare(pin)}"}
                loose += _unmounted(pin)
        elif "digest" not in dataset:
            loose.append(f"the dataset is named as it was ({dataset.get('project')}, {dataset.get('version', 'latest')}): no version was pinned")
    if _project(run) and (home is None or dig(home, "spec", "sensitive")):
        spec["sensitive"] = True
    spec = {field: value for field, value in spec.items() if value is not None}
    metadata = {"name": name, "namespace": run["metadata"]["namespace"]}
    made = {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": metadata, "spec": {**spec, "rerunOf": run["metadata"]["name"]}}
    return Rerun(made, tuple(loose))


def free_name(name: str, taken: Collection[str]) -> str:
    """The next free `<name>-r<number>`; a rerun of a rerun counts on from the first run.

    >>> free_name("digits-v1", ["digits-v1"]), free_name("digits-v1-r1", ["digits-v1", "digits-v1-r1"])
    ('digits-v1-r1', 'digits-v1-r2')
    """
    base = NUMBER_OF_RERUN.sub("", name)
    number = 1
    while (candidate := names.derived_name(base, f"r{number}", limit=names.OBJECT_NAME_LIMIT)) in taken:
        number += 1
    return candidate


async def make(cluster: KubernetesCluster, this: Object, *, dry_run: bool) -> Object:
    """Let the API server make the run, or only check it; returns what it stores.

    Raises:
        CommandError: if it refuses; the text is what it said.
        Trouble: if it does not answer.
    """
    ref = Ref("TrainingRun", this["metadata"]["namespace"], this["metadata"]["name"])
    query = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
    try:
        return await cluster.wire.send(Request("POST", path_of(ref.kind, ref.namespace), f"make {ref}", this, query))
    except Refused as refused:
        raise CommandError(str(refused.body.get("message") or refused)) from refused


def _project(run: Object) -> str:
    return str(dig(run, "status", "dataset", "project") or dig(run, "spec", "dataset", "project") or "")


def _pinned_image(run: Object) -> tuple[str, bool]:
    """The image by the digest that ran. A node that was given the image by hand knows no digest that a registry would know."""
    image = str(run["spec"]["image"])
    if "@" in image:
        return image, True
    _, found, digest = str(dig(run, "status", "imageDigest") or "").partition("@")
    if not found:
        return image, False
    repository, colon, tag = image.rpartition(":")
    return f"{repository if colon and '/' not in tag else image}@{digest}", True


def _remembers(home: Object | None, pin: Mapping[str, Any]) -> bool:
    """Whether the project still knows this version by its number."""
    if home is None or not pin.get("version"):
        return False
    known = [*(dig(home, "status", "releases") or ()), dig(home, "status", "dataset") or {}]
    return any(version.get("version") == pin["version"] and _bare(version) == _bare(pin) for version in known)


def _bare(version: Mapping[str, Any]) -> str:
    return str(version.get("digest") or "").removeprefix("sha256:")


def _unmounted(pin: Mapping[str, Any]) -> list[str]:
    """What a version that is named by its URI lacks: nobody says any more which claims its items lie in."""
    claims = [str(claim) for claim in pin.get("claims") or ()]
    if not claims:
        return []
    which = f"AnnotationProject {pin.get('project')} does not know its version {pin.get('version')} any more"
    return [f"items of the dataset that lie in a claim ({', '.join(claims)}) will not be found: {which}, and only it says which claims are mounted"]


def _same_experiment(run: Object) -> Mapping[str, Any] | None:
    """Where the run was tracked by default: without its project's name, another experiment would be the default."""
    if not dig(run, "status", "tracking"):
        return None
    experiment = dig(run, "spec", "register", "model") or dig(run, "spec", "dataset", "project")
    return {"experiment": experiment} if experiment else None
