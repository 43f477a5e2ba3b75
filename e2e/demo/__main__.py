"""`python -m e2e.demo up|down|environment`. The exit code tells success."""

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

from e2e.cluster import Problem, find, tool
from e2e.demo.loop import Loop
from e2e.demo.stations import FIRST_TURN, PROMOTED_AGAIN, RELEASED_AGAIN, serves_second
from e2e.demo.summary import first_turn, second_turn, try_next
from e2e.demo.view import View
from e2e.environment import Embedded, choose, install_operator, install_services, prepare
from e2e.images import ImageError

NAME = "treadle-demo"


def up() -> None:
    """Everything from nothing to a served model, and to the next one that learnt from what it met; told as it happens."""
    started = time.monotonic()
    target = choose(NAME)
    with View(started) as view:
        first = "the first time binaries and images are built: about 15 min"
        with view.stage("cluster", first, f"a real Kubernetes runs as {target.name}, with all images", "services"):
            images = prepare(target, view.say)
        with view.stage("services", "S3, MLflow and Label Studio in pods", "S3, MLflow and Label Studio answer", "operator"):
            install_services(target, images, view.say)
        with view.stage("operator", "helm install treadle", "Treadle is installed from its chart", "data"):
            install_operator(target, images, view.say)
        loop = Loop(target, images, view)
        with view.stage("data", "PNGs into the object store", "images of handwritten digits are in the object store", "apply"):
            loop.bring_data()
        with view.stage("apply", "three YAML files", "three YAML files are applied, two annotators begin", FIRST_TURN[0].name):
            loop.apply()
            loop.start_annotators()
        loop.follow()
        with view.stage("answer", "held-out images over HTTP", "the model answered over HTTP", "summary"):
            answers = loop.ask_held_out()
    first_turn(loop, answers, time.monotonic() - started)
    if serves_second(loop.status("ModelDeployment", "digits")):
        print("It has turned a second time before.")
    else:
        with view:
            _again(loop, view, started)
    try_next(loop, answers)


def _again(loop: Loop, view: View, started: float) -> None:
    """The second turn: what the served model meets changes, it is found out, and the loop turns by itself."""
    with view.stage(
        "visitors", "people send digits from another scanner", "people use the model, with digits from another scanner", RELEASED_AGAIN[0].name
    ):
        loop.start_visitors()
    loop.follow(RELEASED_AGAIN, then="before")
    with view.stage("before", "further images from that scanner", "the champion was asked about further images", PROMOTED_AGAIN[0].name):
        before = loop.ask_scanned()
    loop.follow(PROMOTED_AGAIN, then="after")
    with view.stage("after", "the same images again", "the new champion was asked about the same images", "summary"):
        after = loop.ask_scanned()
        visits = loop.visits()
        loop.stop_visitors()
    second_turn(loop, before, after, visits, time.monotonic() - started)


def environment(name: str) -> str:
    """Lines for a shell: the demo's cluster, and a path on which `kubectl`, `kubectl treadle` and this Python are found.

    Raises:
        Problem: the cluster does not run.
    """
    target = choose(name)
    kubeconfig = find(name).kubeconfig if isinstance(target, Embedded) else target.kubeconfig
    folders = (Path(sys.executable).parent, Path(tool("kubectl")).parent)
    path = os.pathsep.join(map(str, folders))
    return f"export KUBECONFIG={shlex.quote(str(kubeconfig))}\nexport PATH={shlex.quote(path)}:$PATH"


def main() -> int:
    """Parse the command line and run it; problems are one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "environment"])
    parser.add_argument("--name", default=NAME, help="of the cluster")
    options = parser.parse_args()
    try:
        if options.command == "up":
            up()
        elif options.command == "environment":
            print(environment(options.name))
        else:
            choose(options.name).down(lambda line: print(line, flush=True))
    except (Problem, ImageError) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; `make demo` goes on from here, `make demo-down` removes everything", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
