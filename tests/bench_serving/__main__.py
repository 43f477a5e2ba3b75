"""Compare serving runtimes and write the page: `python -m tests.bench_serving --rounds 3`. What was measured is kept below `build/bench-serving`."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from tests.bench_serving import page, servers
from tests.bench_serving.measure import Measured, run
from tests.integration.environments import environment

KEPT = page.REPOSITORY / "build" / "bench-serving"
FIGURES = TypeAdapter(list[Measured])
FOREST = ("treadle", "treadle-onnx")
"""Those that are asked about a forest, too."""


def kept(kind: str) -> list[Measured]:
    """What was measured so far."""
    file = KEPT / f"{kind}.json"
    return FIGURES.validate_json(file.read_bytes()) if file.exists() else []


def measure(kind: str, number: int, seconds: float, only: Sequence[str] = ()) -> list[Measured]:
    """All servers of one model, one after the other, and that so many times; what is kept already is not measured again."""
    found = kept(kind)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / kind
        folder.mkdir()
        maker = [str(environment("mlflow") / "bin" / "python"), str(servers.HERE / "model.py"), str(folder), kind]
        subprocess.run(maker, check=True, capture_output=True, timeout=120)
        for server, work in _turns(folder, Path(made), number, only, {(it.server, place) for place, it in _numbered(found)}):
            found.append(run(server, seconds, work / f"{server.name}.log"))
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{kind}.json").write_bytes(FIGURES.dump_json(found))
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {kind} {asdict(found[-1])}\n")
            sys.stdout.flush()
    return found


def _turns(folder: Path, made: Path, number: int, only: Sequence[str], done: set[tuple[str, int]]) -> Iterator[tuple[servers.Server, Path]]:
    for place in range(number):
        work = made / f"round-{place}"
        work.mkdir()
        for server in servers.servers(folder, work):
            if (not only or server.name in only) and (server.name, place) not in done:
                yield server, work


def _numbered(found: Sequence[Measured]) -> Iterator[tuple[int, Measured]]:
    """Each with the number of its round."""
    seen: dict[str, int] = {}
    for it in found:
        yield seen.get(it.server, 0), it
        seen[it.server] = seen.get(it.server, 0) + 1


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--resume", action="store_true", help="go on where it was interrupted")
    parser.add_argument("--page", action="store_true", help="only write the page, from what was measured")
    options = parser.parse_args()
    if options.page:
        sys.stdout.write(f"{page.write(kept('linear'), kept('forest'))}\n")
        return
    if not options.resume:
        for file in KEPT.glob("*.json"):
            file.unlink()
    linear = measure("linear", options.rounds, options.seconds)
    forest = measure("forest", options.rounds, options.seconds, FOREST)
    sys.stdout.write(f"{page.write(linear, forest)}\n")


if __name__ == "__main__":
    main()
