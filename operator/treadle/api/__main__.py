"""`python -m treadle.api [DIRECTORY]` writes the CRDs, to `crds` when nothing is said."""

import sys
from pathlib import Path

from treadle.api.generate import crd_files


def main(directory: Path) -> None:
    """Write one file per kind into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in crd_files().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "crds"))
