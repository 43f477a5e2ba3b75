"""What each command of `kubectl treadle` does: read objects, and print lines or change one."""

import argparse
import json
import os
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml

from treadle.cli._describe import read_around, tell_description
from treadle.cli._diagnose import diagnosis_of, tell_diagnosis
from treadle.cli._diff import compare, tell_comparison
from treadle.cli._health import health
from treadle.cli._logs import kubectl_logs
from treadle.cli._objects import KINDS, chosen, read_all, the_one
from treadle.cli._orders import Order, abort, approve, cancel, pin, promote, release, restore, suspend, undo, unpin
from treadle.cli._place import CommandError, Place
from treadle.cli._rerun import find_run, make, plan_rerun
from treadle.cli._rollout import tell_rollout
from treadle.cli._status import tell_status
from treadle.cli._versions import ask, asked, tell_versions
from treadle.engine import KubernetesCluster, Refused, Request, path_of
from treadle.plan import Object

DIFFERENT = 1
FIELD_MANAGER = "kubectl-treadle"


class Told(list[str]):
    """What a command prints, line by line, its exit code, and the program that takes over from it, if one does."""

    def __init__(self, lines: Sequence[str], code: int = 0, *, then: Sequence[str] = ()) -> None:
        super().__init__(lines)
        self.code = code
        self.then = list(then)


Handler = Callable[[KubernetesCluster, Place, argparse.Namespace], Awaitable[Told]]


async def show_status(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """The loop as a tree."""
    everything = await read_all(cluster, None if options.all_namespaces else place.namespace)
    objects = chosen(everything, options.name) if options.name else everything
    code = health(objects) if options.check else 0
    if options.output in ("json", "yaml"):
        return Told(_written({"apiVersion": "v1", "kind": "List", "items": objects}, options.output), code)
    every = options.output == "wide"
    if not options.name:
        return Told(tell_status(everything, every_condition=every), code)
    return Told([line for this in objects for line in tell_status(everything, of=this, every_condition=every)], code)


async def describe(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """All that is known of an object."""
    objects = chosen(await read_all(cluster, place.namespace), options.name)
    told = [tell_description(this, *await read_around(cluster, this)) for this in objects]
    return Told([line for number, lines in enumerate(told) for line in (*([""] if number else []), *lines)])


async def diagnose(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """What does not hold of an object, and the remedy."""
    objects = await read_all(cluster, place.namespace)
    if options.output:
        return Told(_written([diagnosis_of(this) for this in chosen(objects, options.name)], options.output))
    return Told(tell_diagnosis(objects, options.name))


async def logs(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """What the pods of an object print; kubectl takes over."""
    this = the_one(await read_all(cluster, place.namespace), options.name)
    return Told([], then=kubectl_logs(this, options.kubeconfig, context=options.context, follow=options.follow, tail=options.tail))


async def show_page(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """The loop as a page on loopback, until somebody presses Ctrl-C."""
    from treadle.cli.ui import Page, history_from, serve

    namespace = None if options.all_namespaces else place.namespace
    history = history_from(os.environ)

    def ready(address: str) -> None:
        print(f"{address}\nCtrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(address)

    try:
        await serve(Page(lambda: read_all(cluster, namespace), history), options.port, ready)
    except OSError as error:
        raise CommandError(f"cannot listen on port {options.port}: {error.strerror}; choose another by --port") from error
    finally:
        if history is not None:
            await history.close()
    return Told([])


async def plan(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """What the operator would do, were a file applied."""
    from treadle.cli._plan import find_installation, read_manifests, read_text, tell_plans
    from treadle.connections.installation import parse_installation

    wanted = read_manifests(sys.stdin.read() if options.filename == "-" else read_text(Path(options.filename)), place.namespace)
    try:
        installation = parse_installation(read_text(Path(options.config)) if options.config else await find_installation(cluster))
    except ValueError as error:
        raise CommandError(f"the operator's configuration is wrong: {error}") from error
    return Told(await tell_plans(cluster, installation, wanted, datetime.now(UTC)))


async def rerun(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """Make a run that repeats another one."""
    wanted = await plan_rerun(cluster, place.namespace, options.name, options.new_name)
    for lack in wanted.loose:
        print(f"warning: {lack}", file=sys.stderr)
    made = await make(cluster, wanted.object, dry_run=options.dry_run)
    if options.output:
        return Told(_written(wanted.object, options.output))
    name = made["metadata"]["name"]
    return Told([f"trainingrun.treadle.dev/{name} {'would be made (dry run)' if options.dry_run else 'made'}: repeats {options.name}"])


async def diff(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """What differs between two runs."""
    a, b = [await find_run(cluster, place.namespace, name) for name in (options.a, options.b)]
    found = compare(a, b)
    return Told(_written(found.to_object(), options.output) if options.output else tell_comparison(found), 0 if found.same else DIFFERENT)


async def dataset_diff(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """What differs between two versions of a project's dataset."""
    project = the_one(await read_all(cluster, place.namespace), options.name, "AnnotationProject")
    before, after = asked(project, options.before, options.after)
    found = await ask(cluster, project, before, after, lambda message: print(message, file=sys.stderr))
    if options.output:
        return Told(_written(found.model_dump(mode="json"), options.output), 0 if found.same else DIFFERENT)
    return Told(tell_versions(found), 0 if found.same else DIFFERENT)


async def rollout_status(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
    """How far a rollout is."""
    return Told(tell_rollout(the_one(await read_all(cluster, place.namespace), options.name, "ModelDeployment")))


def ordering(kinds: tuple[str, ...], order_of: Callable[[Object, argparse.Namespace], Order]) -> Handler:
    """A command that changes one object of those kinds."""

    async def carry_out(cluster: KubernetesCluster, place: Place, options: argparse.Namespace) -> Told:
        this = the_one(await read_all(cluster, place.namespace), options.name, *kinds)
        order = order_of(this, options)
        await _patch(cluster, order, dry_run=options.dry_run)
        name = f"{order.ref.kind.lower()}.treadle.dev/{order.ref.name}"
        return Told([f"{name}: {order.told}{' (dry run)' if options.dry_run else ''}"])

    return carry_out


RUN, PROJECT, DEPLOYMENT = ("TrainingRun",), ("AnnotationProject",), ("ModelDeployment",)
ORDERS: dict[str, tuple[tuple[str, ...], Handler]] = {
    word: (kinds, ordering(kinds, order_of))
    for word, kinds, order_of in (
        ("approve", RUN, lambda this, _: approve(this)),
        ("cancel", RUN, lambda this, _: cancel(this)),
        ("promote", DEPLOYMENT, lambda this, options: promote(this, options.version)),
        ("abort", DEPLOYMENT, lambda this, _: abort(this)),
        ("pin", DEPLOYMENT, lambda this, options: pin(this, options.version)),
        ("unpin", DEPLOYMENT, lambda this, _: unpin(this)),
        ("undo", DEPLOYMENT, lambda this, _: undo(this)),
        ("release", PROJECT, lambda this, _: release(this)),
        ("restore", PROJECT, lambda this, options: restore(this, options.snapshot)),
        ("suspend", KINDS, lambda this, _: suspend(this)),
        ("resume", KINDS, lambda this, _: suspend(this, resume=True)),
    )
}
"""Of each command, the kinds that it is for, and its handler."""


async def _patch(cluster: KubernetesCluster, order: Order, *, dry_run: bool) -> None:
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
    path = path_of(order.ref.kind, order.ref.namespace, order.ref.name)
    try:
        await cluster.wire.send(Request("PATCH", path, f"change {order.ref}", order.patch, query, "application/merge-patch+json"))
    except Refused as refused:
        raise CommandError(str(refused.body.get("message") or refused)) from refused


def _written(content: object, form: str) -> list[str]:
    text = json.dumps(content, indent=2) if form == "json" else yaml.safe_dump(content, sort_keys=False)
    return text.rstrip("\n").splitlines()
