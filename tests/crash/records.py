"""What became of the deaths of one part of `make crash`, kept in a file as it comes: a run that was interrupted goes on from there.

Records are those of one state of the operator's code: once it changes, all begins anew; so it does without the folder `build/crash`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from tests.crash.all_places import Death, Place, Undisturbed

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "build" / "crash"
CODE = REPOSITORY / "operator" / "treadle"


class Records:
    """The records of one part.

    Args:
        name: of the part; two parts of one name are the same.
    """

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self._file = folder / code_digest() / f"{name.replace(' ', '-').replace('`', '')}.jsonl"

    @property
    def undisturbed(self) -> Undisturbed | None:
        """The life that the places are taken from; None before it was lived."""
        first = next(self._lines(), None)
        return Undisturbed(**first) if first else None

    @property
    def deaths(self) -> list[Death]:
        """What is known."""
        lines = list(self._lines())[1:]
        return [Death(Place(**line["place"]), line["outcome"]) for line in lines]

    def begin(self, undisturbed: Undisturbed) -> None:
        """Forget everything, and keep this life."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(asdict(undisturbed)) + "\n")

    def keep(self, death: Death) -> None:
        """Keep one more."""
        with self._file.open("a") as file:
            file.write(json.dumps({"place": asdict(death.place), "outcome": death.outcome}) + "\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                yield json.loads(line)


@cache
def code_digest() -> str:
    """Equal for equal code."""
    found = hashlib.sha256()
    for path in sorted(CODE.rglob("*.py")):
        found.update(str(path.relative_to(REPOSITORY)).encode() + path.read_bytes())
    return found.hexdigest()[:12]
