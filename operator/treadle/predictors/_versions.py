"""With which versions of a library a model was saved, and which are installed: a model of another one may answer otherwise without any error."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

SAVED: Mapping[str, tuple[str, ...]] = {
    "sklearn_version": ("scikit-learn",),
    "xgb_version": ("xgboost-cpu", "xgboost"),
    "lgb_version": ("lightgbm",),
}
"""What a flavour's settings say, and the names under which that library is installed."""


class OtherVersion(NamedTuple):
    """A library that is installed in another version than a model was saved with."""

    package: str
    saved: str
    installed: str

    def __str__(self) -> str:
        return f"saved with {self.package} {self.saved}, read with {self.installed}"


def other_versions(settings: Mapping[str, Any]) -> tuple[OtherVersion, ...]:
    """Libraries whose installed version differs in more than its last part from what the flavour's settings say."""
    found = []
    for key, packages in SAVED.items():
        saved = str(settings.get(key) or "")
        installed = next(filter(None, map(_installed, packages)), "")
        if saved and installed and _release(saved) != _release(installed):
            found.append(OtherVersion(packages[0], saved[:32], installed))
    return tuple(found)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _release(said: str) -> tuple[str, ...]:
    """The parts that matter: `1.9` of `1.9.1`."""
    return tuple(said.split(".")[:2])
