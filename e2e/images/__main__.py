"""`python -m e2e.images build [NAME ...]`, `reproduce [NAME ...]`, `list` and `clean`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from e2e.images import RECIPES, ImageError, build, clean, reproduce

RELEASED = ("treadle-operator", "treadle-jobs", "treadle-runtime")


def main() -> int:
    """Run the command line; 0 is success, 1 a failure said in one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m e2e.images", description="Build the container images of Treadle and of its demo.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build images, all of them without a name; prints name, tag, digest and archive")
    building.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(RECIPES)}")
    again = commands.add_parser("reproduce", help="build images twice from nothing and compare them")
    again.add_argument("names", nargs="*", metavar="NAME", help="default: what a release consists of")
    commands.add_parser("list", help="say which images there are")
    commands.add_parser("clean", help="remove everything kept between builds")
    arguments = parser.parse_args()
    if arguments.command == "list":
        for recipe in RECIPES.values():
            print(f"{recipe.name:20} {recipe.tag('<digest of its sources>')}")
        return 0
    if arguments.command == "clean":
        clean()
        return 0
    try:
        if arguments.command == "reproduce":
            return _compared(reproduce(arguments.names or RELEASED, progress=_told))
        images = build(arguments.names or None, progress=_told)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    for image in images.values():
        print(f"{image.name}\t{image.tag}\t{image.digest}\t{image.archive_path}")
    return 0


def _told(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _compared(digests: Mapping[str, tuple[str, str]]) -> int:
    for name, (first, second) in digests.items():
        print(f"{name}: {first if first == second else f'DIFFERENT: {first}, then {second}'}")
    return 0 if all(first == second for first, second in digests.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
