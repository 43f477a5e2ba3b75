"""The command line of `kubectl treadle`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from treadle.cli._handlers import Told
from treadle.cli._parser import build_parser
from treadle.cli._place import CommandError, Place, find_place
from treadle.engine import Access, AccessError, KubernetesCluster, Refused, Wire
from treadle.plan import Trouble

LOOK_AGAIN = 2.0
"""Seconds between looks with `--watch`."""
FAILURES = (CommandError, AccessError, Trouble, Refused)
"""What keeps a command from being carried out."""
CLEAR = "\x1b[H\x1b[2J"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; returns the exit code: 0, or more when it could not be carried out. Some commands tell more by it, see their help."""
    options = build_parser().parse_args(arguments)
    try:
        place = find_place(options.kubeconfig, options.namespace, os.environ.get("KUBECONFIG"), Path.home(), context=options.context)
        told = asyncio.run(_carried_out(place, options))
    except FAILURES as failure:
        print(_worded(failure), file=sys.stderr)
        return int(options.failed)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # as with `| head`: who reads has read enough, also of what is flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if told.then:
        os.execvp(told.then[0], told.then)  # noqa: S606 - kubectl, whose plugin this is
    return told.code


async def _carried_out(place: Place, options: argparse.Namespace) -> Told:
    wire = Wire(Access(place.kubeconfig, place.context))
    try:
        cluster = KubernetesCluster(wire)
        told: Told = await options.command(cluster, place, options)
        _print(told)
        if options.watch:
            await _watch(told, lambda: options.command(cluster, place, options))
        return told
    finally:
        await wire.close()


async def _watch(shown: Told, look: Callable[[], Awaitable[Told]]) -> None:
    """Look again and again, and print what is new. An error is told and does not end it: the API server may be back at the next look."""
    failed = ""
    while True:
        await asyncio.sleep(LOOK_AGAIN)
        try:
            told = await look()
        except FAILURES as failure:
            if (words := _worded(failure)) != failed:
                print(words, file=sys.stderr, flush=True)
            failed = words
            continue
        if told != shown or failed:
            _print(told, clear=sys.stdout.isatty())
        shown, failed = told, ""


def _print(told: Told, *, clear: bool = False) -> None:
    print(*([CLEAR] if clear else []), *told, sep="\n", flush=True)


def _worded(failure: Exception) -> str:
    return f"error: {failure.trouble if isinstance(failure, Refused) else failure}"
