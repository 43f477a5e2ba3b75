"""`kubectl treadle plan -f FILE`: what the operator would do now, were the objects in FILE applied. Nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from treadle.annotation import annotation_project
from treadle.api import names
from treadle.cli._objects import KINDS
from treadle.cli._place import CommandError
from treadle.connections.installation import Installation
from treadle.engine import Answered, KubernetesCluster, Memory, Refused, Request, Seen, dry_run, path_of
from treadle.plan import KINDS as RESOURCES
from treadle.plan import Kind, Object, Question, Trouble, ref_of
from treadle.serving import model_deployment
from treadle.training import training_run

NEWEST = 10**18
"""A resourceVersion newer than any that is stored, older than what a dry run makes."""

Known = Mapping[str, Sequence[Object]]
"""What a cluster holds: by kind, objects and the resourceVersion of their list."""


def read_manifests(text: str, namespace: str) -> list[dict[str, Any]]:
    """The objects of our kinds in a YAML file; those without a namespace get this one.

    Raises:
        CommandError: if it is not YAML, or holds none.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]
    except yaml.YAMLError as error:
        raise CommandError(f"the file is not YAML: {error}") from error
    listed = [item for document in documents for item in (document.get("items") or [] if document.get("kind") == "List" else [document])]
    ours = [item for item in listed if item.get("apiVersion") == names.API_VERSION and item.get("kind") in KINDS]
    if not ours:
        raise CommandError(f"the file holds no object of {names.API_VERSION} ({', '.join(KINDS)})")
    return [{**item, "metadata": {"namespace": namespace, **(item.get("metadata") or {})}} for item in ours]


async def tell_plans(cluster: KubernetesCluster, installation: Installation, wanted: Sequence[Object], now: datetime) -> list[str]:
    """What would happen with each object, in their order; each is planned as if those before it were applied.

    Raises:
        CommandError: if the API server refuses an object; the text is what it said.
        Trouble: if the API server does not answer.
    """
    kinds = {kind.name: kind for kind in (annotation_project(installation), training_run(installation), model_deployment(installation))}
    lines: list[str] = []
    applied: list[Object] = []
    for this in wanted:
        live = await cluster.get(ref_of(this))
        dry = await _applied(cluster, this, live)
        applied.append(dry)
        lines.append(f"{ref_of(this)} ({_news(live, dry)})")
        known = await _known(cluster, str(this["metadata"]["namespace"]))
        lines += [f"  - {line}" for line in await _told(kinds[this["kind"]], known, applied, now)]
    return lines


async def _applied(cluster: KubernetesCluster, this: Object, live: Object | None) -> Object:
    """The object as the API server would store it: checked, with its defaults."""
    ref, query = ref_of(this), {"dryRun": "All", "fieldValidation": "Strict"}
    if live is None:
        request = Request("POST", path_of(ref.kind, ref.namespace), f"check {ref}", this, query)
    else:
        metadata = {
            **live["metadata"],
            **{field: {**live["metadata"].get(field, {}), **this["metadata"].get(field, {})} for field in ("labels", "annotations")},
        }
        request = Request(
            "PUT", path_of(ref.kind, ref.namespace, ref.name), f"check {ref}", {**live, "spec": this.get("spec"), "metadata": metadata}, query
        )
    try:
        stored = await cluster.wire.send(request)
    except Refused as refused:
        raise CommandError(str(refused.body.get("message") or refused)) from refused
    return {**stored, "metadata": {**stored["metadata"], "resourceVersion": str(NEWEST)}}


def _news(live: Object | None, dry: Object) -> str:
    if live is None:
        return "new"
    return "changed" if dry["metadata"].get("generation") != live["metadata"].get("generation") else "unchanged"


async def _known(cluster: KubernetesCluster, namespace: str) -> Known:
    """What the operator would have in memory about a namespace; kinds that are not installed or may not be read are left out."""
    known: dict[str, Sequence[Object]] = {}
    for kind, resource in RESOURCES.items():
        selector = "" if kind in KINDS else f"{names.MANAGED_BY}={names.MANAGED_BY_VALUE}"
        try:
            known[kind], _ = await cluster.list(kind, namespace=namespace, selector=selector)
        except Trouble:
            if kind in KINDS or not (resource.optional or kind == "HorizontalPodAutoscaler"):
                raise
    return known


async def _told(kind: Kind[Any], known: Known, applied: Sequence[Object], now: datetime) -> list[str]:
    """The plan for the last of `applied`. Outside systems are not asked: what a plan wants to know of them is assumed not to exist yet, and said."""
    assumed: list[Question[Any]] = []
    while True:
        memory = Memory(KINDS)
        memory.learn(Seen(this) for objects in known.values() for this in objects)
        memory.learn([*(Seen(this) for this in applied), *(Answered(question, None) for question in assumed)])
        lines = await dry_run(kind, memory.view(ref_of(applied[-1])), now)
        if not (open_questions := [question for question in memory.questions() if not memory.answered(question)]):
            return [*(f"assuming that {question.connection} knows nothing yet: {_told_question(question)}" for question in assumed), *lines]
        assumed += sorted(open_questions, key=str)


def _told_question(question: Question[Any]) -> str:
    """A question without its connection and owner, which say nothing new here: `ModelAlias(model=digits, alias=candidate)`."""
    said = {f.name: getattr(question, f.name) for f in fields(question) if f.name not in ("connection", "owner")}
    return f"{type(question).__name__}({', '.join(f'{name}={value}' for name, value in said.items() if value is not None)})"


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        CommandError: if it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error


async def find_installation(cluster: KubernetesCluster) -> str:
    """The operator's configuration as the chart installed it.

    Raises:
        CommandError: if there is none, several, or none that may be read.
    """
    request = Request("GET", "/api/v1/configmaps", "find the operator's configuration", query={"labelSelector": "app.kubernetes.io/name=treadle"})
    try:
        found = [
            item["data"]["installation.yaml"]
            for item in (await cluster.wire.send(request))["items"]
            if "installation.yaml" in (item.get("data") or {})
        ]
    except Refused as refused:
        raise CommandError(f"cannot read the operator's configuration ({refused.trouble}): give it by --config FILE") from refused
    if len(found) != 1:
        raise CommandError(f"{len(found)} installations of the operator are found: give the configuration of one by --config FILE")
    return str(found[0])
