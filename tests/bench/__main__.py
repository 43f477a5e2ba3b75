"""Measure the control plane, part by part, and write the page: `python -m tests.bench --parts throughput --runs 500 --rounds 5`."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence

from tests.bench import page
from tests.bench.nodes import RUNS, nodes
from tests.bench.presence import presence
from tests.bench.throughput import LEAN, SYSTEMS, throughput
from tests.bench.tracking import tracking

SIZES = (500, 2000)


def tell(line: str) -> None:
    """Say how far it is."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


async def throughput_part(options: argparse.Namespace) -> None:
    """Without `--runs`: 500 and 2,000."""
    for runs in options.runs or SIZES:
        await throughput(runs, options.rounds, SYSTEMS, resume=options.resume, tell=tell)


async def lean_part(options: argparse.Namespace) -> None:
    """JobSet as it could be at best, beside what is there already."""
    await throughput((options.runs or SIZES)[0], options.rounds, (LEAN,), resume=True, tell=tell)


async def tracking_part(options: argparse.Namespace) -> None:
    """With a real MLflow."""
    await tracking(options.rounds, resume=options.resume, tell=tell)


async def presence_part(options: argparse.Namespace) -> None:
    """With up to 10,000 finished runs; `--rounds` has no meaning here."""
    await presence(tell=tell)


async def nodes_part(options: argparse.Namespace) -> None:
    """Whole lives, 2,000 without `--runs`; `--rounds` has no meaning here."""
    await nodes((options.runs or [RUNS])[0], tell=tell)


async def page_part(options: argparse.Namespace) -> None:
    """The page is written after every other part, too."""


PARTS: Mapping[str, Callable[[argparse.Namespace], Coroutine[None, None, None]]] = {
    "throughput": throughput_part,
    "lean": lean_part,
    "tracking": tracking_part,
    "presence": presence_part,
    "nodes": nodes_part,
    "page": page_part,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS), help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--runs", type=int, action="append", help="runs per round of throughput, lean and nodes (default: 500 and 2,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each system, taken in turns")
    parser.add_argument("--resume", action="store_true", help="keep the rounds that were measured already")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for part in options.parts:
        asyncio.run(PARTS[part](options))
    tell(f"written: {page.write()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
