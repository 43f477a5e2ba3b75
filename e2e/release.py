"""What a release adds to the sources; `.github/workflows/release.yaml` calls it.

python -m e2e.release pin REGISTRY operator=sha256:... jobs=sha256:... runtime=sha256:...   the chart names the images that were just pushed
python -m e2e.release notes 1.2.3                                                            prints what the changelog says of that version
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "treadle"
IMAGES = ("operator", "jobs", "runtime")


class ReleaseError(Exception):
    """The release cannot be made; the text says what to correct."""


def notes(changelog: str, version: str) -> str:
    """The section of a version, without its heading.

    Raises:
        ReleaseError: if there is none, or it says nothing.
    """
    sections = re.split(r"^## +", changelog, flags=re.MULTILINE)[1:]
    for section in sections:
        heading, _, text = section.partition("\n")
        if re.match(rf"\[?v?{re.escape(version)}(?![\w.-])", heading) and text.strip():
            return text.strip() + "\n"
    there = ", ".join(section.partition("\n")[0].strip() for section in sections) or "none"
    raise ReleaseError(f"CHANGELOG.md says nothing of {version}: give it a section `## {version}` (there are: {there})")


def pinned(values: str, chart: str, registry: str, digests: Mapping[str, str]) -> tuple[str, str]:
    """values.yaml and Chart.yaml with the images by the digests under which they were pushed.

    Raises:
        ReleaseError: if a digest is missing or none, or the files do not hold what is to be replaced.
    """
    for name in IMAGES:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digests.get(name, "")):
            raise ReleaseError(f"{name}={digests.get(name, '')} is no digest: give one like {name}=sha256:<64 hexadecimal digits>")
    images = {name: f"{registry.rstrip('/')}/treadle-{name}@{digests[name]}" for name in IMAGES}
    values = _replaced(values, r"^(  repository: )treadle-operator$", images["operator"].partition("@")[0])
    values = _replaced(values, r'^(  digest: )""$', digests["operator"])
    for name in ("jobs", "runtime"):
        values = _replaced(values, rf"^(  {name}: )treadle-{name}:\S+$", images[name])
    for name in IMAGES:
        chart = _replaced(chart, rf'(name: {name}, image: )"[^"]+"', f'"{images[name]}"')
    return values, chart


def _replaced(text: str, pattern: str, value: str) -> str:
    """The text with what follows the pattern's group replaced, which must be there once."""
    replaced, times = re.subn(pattern, lambda found: found[1] + value, text, flags=re.MULTILINE)
    if times != 1:
        raise ReleaseError(f"the chart holds `{pattern}` {times} times instead of once: correct e2e/release.py")
    return replaced


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; returns the exit code."""
    try:
        match arguments:
            case ["notes", version]:
                print(notes((ROOT / "CHANGELOG.md").read_text(), version.removeprefix("v")), end="")
            case ["pin", registry, *digests]:
                named = dict(each.partition("=")[::2] for each in digests)
                files = (CHART / "values.yaml", CHART / "Chart.yaml")
                values, chart = (path.read_text() for path in files)
                for path, text in zip(files, pinned(values, chart, registry, named), strict=True):
                    path.write_text(text)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
