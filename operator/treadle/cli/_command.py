"""The command line of `kubectl treadle`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from treadle.cli._handlers import Told
from treadle.cli._parser import build_parser
from treadle.cli._place import CommandError, Place, find_place
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.plan import Trouble

LOOK_AGAIN = 2.0
"""Seconds between looks with `--watch`."""
CLEAR = "\x1b[H\x1b[2J"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; returns the exit code: 0, or more when it could not be carried out. Some commands tell more by it, see their help."""
    options = build_parser().parse_args(arguments)
    try:
        place = find_place(options.kubeconfig, options.namespace, os.environ.get("KUBECONFIG"), Path.home())
        told = asyncio.run(_carried_out(place, options))
    except (CommandError, Trouble) as error:
        print(f"error: {error}", file=sys.stderr)
        return int(options.failed)
    except KeyboardInterrupt:
        return 0
    if told.then:
        os.execvp(told.then[0], told.then)  # noqa: S606 - kubectl, whose plugin this is
    return told.code


async def _carried_out(place: Place, options: argparse.Namespace) -> Told:
    wire = Wire(Access(place.kubeconfig, place.context))
    try:
        cluster, shown = KubernetesCluster(wire), None
        while True:
            told: Told = await options.command(cluster, place, options)
            if told != shown:
                print(*([CLEAR] if shown is not None and sys.stdout.isatty() else []), *told, sep="\n", flush=True)
            if not options.watch:
                return told
            shown = told
            await asyncio.sleep(LOOK_AGAIN)
    finally:
        await wire.close()
