"""The words of `kubectl treadle`: its commands and their options."""

import argparse
from typing import TypeAlias

from treadle.cli import _handlers
from treadle.cli._handlers import ORDERS
from treadle.cli._objects import KINDS

FAILED = 1
DIFF_FAILED = 2
DIFF_CODES = "exit code, as of diff and kubectl diff: 0 the same, 1 different, 2 it could not be carried out"
CHECK_CODES = "with --check, exit code: 0 all is as wanted, 3 it is under way, 4 a human must act or a run failed, 1 it could not be carried out"
IN_GIT = "Where Git holds the object, change spec.suspend there."
ORDER_HELP = {
    "approve": "approve what the last attempt of a run made",
    "cancel": "end a run with its current attempt",
    "promote": "let a version take over without further proof",
    "abort": "give up the version that is proving itself",
    "pin": "serve a version now, whatever the alias says",
    "unpin": "follow the alias again",
    "undo": "pin the version that served before",
    "release": "release what the last quality run measured, whatever its bounds say",
    "restore": "bring back answers that people lost or took back in the labelling project",
    "suspend": f"suspend an object. {IN_GIT}",
    "resume": f"end a suspension. {IN_GIT}",
}
ROLLOUT = ("promote", "abort", "undo")

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def build_parser() -> argparse.ArgumentParser:
    """The parser. The namespace that it returns holds `command`, the handler, and `failed`, the exit code of a failure."""
    parser = argparse.ArgumentParser(prog="kubectl treadle", description="Look at Treadle's objects, and give them commands.")
    parser.set_defaults(failed=FAILED, watch=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="word")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--kubeconfig", help="default: KUBECONFIG, else ~/.kube/config, else the service account of the pod we run in")
    everywhere.add_argument("--context", help="of the kubeconfig; default: its current one")
    everywhere.add_argument("-n", "--namespace", help="default: that of the kubeconfig's context")

    _add_looks(commands, everywhere)
    _add_runs(commands, everywhere)
    for word in ORDERS:
        if word != "undo":
            _add_order(commands, everywhere, word)
    rollout = commands.add_parser("rollout", help="status, promote, abort or undo of a rollout").add_subparsers(required=True, metavar="COMMAND")
    status = rollout.add_parser("status", parents=[everywhere], help="which versions serve, how far the one that comes is, and what became of others")
    status.add_argument("name", help="of the ModelDeployment")
    status.add_argument("-w", "--watch", action="store_true", help="go on, and print it anew when it changes")
    status.set_defaults(command=_handlers.rollout_status, kinds=_handlers.DEPLOYMENT)
    for word in ROLLOUT:
        _add_order(rollout, everywhere, word)
    return parser


def _add_looks(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    status = commands.add_parser(
        "status", parents=[everywhere], help="projects, runs and deployments as a tree, with what does not hold", epilog=CHECK_CODES
    )
    status.add_argument("name", nargs="?", help="NAME, or KIND/NAME: only that, and what came of it")
    status.add_argument("-A", "--all-namespaces", action="store_true", help="of the whole cluster")
    status.add_argument("-o", "--output", choices=["wide", "yaml", "json"], help="wide: with the conditions that hold; yaml, json: the objects")
    status.add_argument("-w", "--watch", action="store_true", help="go on, and print it anew when it changes")
    status.add_argument("--check", action="store_true", help="let the exit code tell whether all is as wanted")
    status.set_defaults(command=_handlers.show_status, kinds=KINDS)

    describe = commands.add_parser("describe", parents=[everywhere], help="all that is known of an object: conditions, status, pods, events")
    describe.add_argument("name", help="NAME, or KIND/NAME")
    describe.set_defaults(command=_handlers.describe, kinds=KINDS)

    diagnose = commands.add_parser("diagnose", parents=[everywhere], help="what does not hold, why, and what to do about it")
    diagnose.add_argument("name", help="NAME, or KIND/NAME")
    diagnose.add_argument("-o", "--output", choices=["yaml", "json"], help="print it as data")
    diagnose.set_defaults(command=_handlers.diagnose, kinds=KINDS)

    logs = commands.add_parser("logs", parents=[everywhere], help="what the pods of an object print")
    logs.add_argument("name", help="NAME, or KIND/NAME")
    logs.add_argument("-f", "--follow", action="store_true", help="go on")
    logs.add_argument("--tail", type=int, default=-1, metavar="LINES", help="the last lines of each container; default: all")
    logs.set_defaults(command=_handlers.logs, kinds=KINDS)

    page = commands.add_parser("ui", parents=[everywhere], help="the loop as a page in your browser, on loopback and read-only")
    page.add_argument("-A", "--all-namespaces", action="store_true", help="of the whole cluster")
    page.add_argument("--port", type=int, default=0, help="default: any that is free")
    page.add_argument("--no-browser", action="store_true", help="only print the address")
    page.set_defaults(command=_handlers.show_page)

    plan = commands.add_parser("plan", parents=[everywhere], help="what the operator would do, were a file applied")
    plan.add_argument("-f", "--filename", required=True, help="YAML file, or - for standard input")
    plan.add_argument("--config", help="the operator's configuration; default: as the chart installed it")
    plan.set_defaults(command=_handlers.plan)


def _add_runs(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    rerun = commands.add_parser("rerun", parents=[everywhere], help="make a run that repeats another one, image and dataset pinned by digest")
    rerun.add_argument("name", help="of the TrainingRun to repeat")
    rerun.add_argument("--name", dest="new_name", metavar="NEW", help="of the new run; default: NAME-r1, NAME-r2 ...")
    rerun.add_argument("--dry-run", action="store_true", help="only let the API server check it")
    rerun.add_argument("-o", "--output", choices=["yaml", "json"], help="print the run")
    rerun.set_defaults(command=_handlers.rerun, kinds=_handlers.RUN)

    diff = commands.add_parser("diff", parents=[everywhere], help="what differs between two runs, and how their metrics moved", epilog=DIFF_CODES)
    diff.add_argument("a", metavar="A", help="a TrainingRun")
    diff.add_argument("b", metavar="B", help="another one")
    diff.add_argument("-o", "--output", choices=["yaml", "json"], help="print it as data")
    diff.set_defaults(command=_handlers.diff, kinds=_handlers.RUN, failed=DIFF_FAILED)

    dataset = commands.add_parser("dataset", help="diff of two versions of a dataset").add_subparsers(required=True, metavar="COMMAND")
    versions = dataset.add_parser(
        "diff", parents=[everywhere], help="what a later version of a project's dataset holds that differs", epilog=DIFF_CODES
    )
    versions.add_argument("name", help="of the AnnotationProject")
    versions.add_argument("before", nargs="?", help="a version, as 3 or v3; default: the one that the later one follows")
    versions.add_argument("after", nargs="?", help="the later version; default: the latest")
    versions.add_argument("-o", "--output", choices=["yaml", "json"], help="print it as data")
    versions.set_defaults(command=_handlers.dataset_diff, kinds=_handlers.PROJECT, failed=DIFF_FAILED)


def _add_order(commands: Commands, everywhere: argparse.ArgumentParser, word: str) -> None:
    order = commands.add_parser(word, parents=[everywhere], help=ORDER_HELP[word])
    order.add_argument("name", help="NAME, or KIND/NAME" if word in ("suspend", "resume") else "NAME")
    if word in ("promote", "pin"):
        order.add_argument(
            "version",
            nargs="?" if word == "promote" else None,
            help="model version" + ("; default: the one that is proving itself" if word == "promote" else ""),
        )
    if word == "restore":
        order.add_argument("snapshot", nargs="?", help="digest of the snapshot; default: the last one before something happened")
    order.add_argument("--dry-run", action="store_true", help="only let the API server check it")
    kinds, handler = ORDERS[word]
    order.set_defaults(command=handler, kinds=kinds)
