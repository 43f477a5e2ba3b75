"""Completion: kubectl runs `kubectl_complete-treadle WORDS... PARTIAL` and offers what it prints, then how (cobra's directive, 4: no file names)."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from treadle.cli._objects import dig, read_all
from treadle.cli._parser import build_parser
from treadle.cli._place import CommandError, find_place
from treadle.engine import Access, AccessError, KubernetesCluster, Wire
from treadle.plan import Trouble

NO_FILES = ":4"
PATIENCE = 3.0
"""Seconds to ask the cluster; somebody waits for a key to do something."""


def complete(arguments: Sequence[str] | None = None) -> int:
    """Print what may come next: commands, options, or names of objects. Silent when the cluster cannot be asked."""
    words = list(sys.argv[1:] if arguments is None else arguments) or [""]
    parser, partial = _reached(build_parser(), words[:-1]), words[-1]
    if commands := _commands(parser):
        offered: Iterable[str] = commands
    elif partial.startswith("-"):
        offered = (option for action in parser._actions for option in action.option_strings)
    elif kinds := parser.get_default("kinds"):
        offered = _names(kinds)
    else:
        offered = ()
    print(*sorted({word for word in offered if word.startswith(partial)}), NO_FILES, sep="\n")
    return 0


def _reached(parser: argparse.ArgumentParser, words: Iterable[str]) -> argparse.ArgumentParser:
    for word in words:
        parser = _commands(parser).get(word, parser)
    return parser


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    return next((action.choices for action in parser._actions if isinstance(action.choices, dict)), {})


def _names(kinds: Sequence[str]) -> list[str]:
    try:
        place = find_place(None, None, os.environ.get("KUBECONFIG"), Path.home())
        return asyncio.run(_listed(place.kubeconfig, place.context, place.namespace, kinds))
    except (CommandError, AccessError, Trouble, TimeoutError):
        return []


async def _listed(kubeconfig: str | None, context: str | None, namespace: str, kinds: Sequence[str]) -> list[str]:
    wire = Wire(Access(kubeconfig, context))
    try:
        async with asyncio.timeout(PATIENCE):
            objects = await read_all(KubernetesCluster(wire), namespace)
    finally:
        await wire.close()
    return [str(dig(this, "metadata", "name")) for this in objects if this["kind"] in kinds]
