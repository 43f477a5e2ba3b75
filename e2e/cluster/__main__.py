"""`python -m e2e.cluster`: a real Kubernetes on this machine.

Examples:
  python -m e2e.cluster up                            a full cluster called `local`
  python -m e2e.cluster up --name api --mode control-plane
  export KUBECONFIG=$(python -m e2e.cluster kubeconfig)
  python -m e2e.cluster load-image my-image.tar
  python -m e2e.cluster logs kubelet
  python -m e2e.cluster down --all
"""

import argparse
import sys
from pathlib import Path

from e2e.cluster import layout, lifecycle, tools
from e2e.cluster.control import Control
from e2e.cluster.layout import Mode
from e2e.cluster.problem import Problem
from e2e.cluster.progress import printed


def main(words: list[str]) -> int:
    """Does what the command line says; the exit code tells success."""
    arguments = parser().parse_args(words)
    try:
        return COMMANDS[arguments.command](arguments)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m e2e.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default=lifecycle.DEFAULT, help="the cluster's name (default: %(default)s)")
    up = commands.add_parser("up", parents=[named], help="bring a cluster up; nothing is done when it runs")
    up.add_argument("--mode", choices=[str(mode) for mode in Mode], default=str(Mode.FULL), help="default: %(default)s")
    up.add_argument("--gpus", type=int, default=2, help="how many GPUs the node pretends to have (default: %(default)s)")
    down = commands.add_parser("down", parents=[named], help="take a cluster down with everything that belongs to it")
    down.add_argument("--all", action="store_true", help="every cluster of this user")
    commands.add_parser("status", parents=[named], help="which of its programs run, under which process ids")
    commands.add_parser("list", help="all clusters")
    commands.add_parser("kubeconfig", parents=[named], help="print the path of the administrator's kubeconfig")
    load = commands.add_parser("load-image", parents=[named], help="make the images of docker or OCI archives known to the node")
    load.add_argument("archive", nargs="+", type=Path)
    logs = commands.add_parser("logs", parents=[named], help="print a program's log; without a program, which there are")
    logs.add_argument("program", nargs="?")
    build = commands.add_parser("build", help="build a tool now and print its path")
    build.add_argument("tool", choices=tools.names())
    return top


def up(arguments: argparse.Namespace) -> int:
    """Brings a cluster up and says how to use it."""
    cluster = lifecycle.up(arguments.name, arguments.mode, gpus=arguments.gpus)
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Takes one or all down."""
    for name in [known.name for known in layout.every()] if arguments.all else [arguments.name]:
        if not lifecycle.down(name):
            printed(f"there is no cluster {name}")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Success only when everything runs."""
    cluster = lifecycle.find(arguments.name)
    programs = cluster.programs()
    print(f"{cluster.name}: {cluster.mode}, {cluster.server}, {cluster.directory}")
    for name, program in programs.items():
        print(f"  {name:24} {f'runs as {program.pid}' if program.pid else f'ended with exit code {program.exit}'}")
    return 0 if all(program.pid for program in programs.values()) else 1


def listing(_: argparse.Namespace) -> int:
    """One line per cluster."""
    for known in layout.every():
        print(f"{known.name:20} {known.mode:14} {known.server:28} {'runs' if Control(known.directory).pid() else 'ended'}")
    return 0


def kubeconfig(arguments: argparse.Namespace) -> int:
    """Prints its path."""
    print(lifecycle.find(arguments.name).kubeconfig)
    return 0


def load_image(arguments: argparse.Namespace) -> int:
    """Loads archives and prints the images' names."""
    cluster = lifecycle.find(arguments.name)
    for archive in arguments.archive:
        print("\n".join(cluster.load_image(archive, printed)))
    return 0


def logs(arguments: argparse.Namespace) -> int:
    """Prints a log."""
    cluster = lifecycle.find(arguments.name)
    found = {file.stem: file for file in sorted(cluster.layout.logs.glob("*.log"))}
    if arguments.program and arguments.program not in found:
        raise Problem(f"No program is called `{arguments.program}`; there are {', '.join(found)}.")
    print(found[arguments.program].read_text(errors="replace") if arguments.program else "\n".join(found))
    return 0


def build(arguments: argparse.Namespace) -> int:
    """Builds a tool."""
    print(tools.tool(arguments.tool))
    return 0


COMMANDS = {
    "up": up,
    "down": down,
    "status": status,
    "list": listing,
    "kubeconfig": kubeconfig,
    "load-image": load_image,
    "logs": logs,
    "build": build,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
