"""Reads the `MLmodel` file with which MLflow describes a model directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from treadle.api.reasons import Reason
from treadle.predictors._errors import NotLoadable
from treadle.predictors._signature import Signature, read_signature

MANIFEST_LIMIT = 1 << 20
"""An `MLmodel` file larger than this, in bytes, is not read."""


@dataclass(frozen=True)
class Manifest:
    """What MLflow says of a model.

    Attributes:
        directory: where the model lies.
        flavours: by name, each with its own settings; `python_function` is MLflow's wrapper of another one.
        signature: inputs and outputs.
        metadata: what the author wrote with `log_model(..., metadata=...)`.
        trusted: whether the user allowed that loading it runs code.
    """

    directory: Path
    flavours: Mapping[str, Mapping[str, Any]]
    signature: Signature
    metadata: Mapping[str, Any]
    trusted: bool = False

    def file(self, name: object) -> Path:
        """The path of a file of the model.

        Raises:
            NotLoadable: when it is missing, or lies outside the model's directory.
        """
        path = (self.directory / str(name)).resolve()
        if not path.is_relative_to(self.directory.resolve()):
            raise NotLoadable(Reason.ModelNotReadable, f"MLmodel names the file {name!r}, which lies outside the model's directory")
        if not path.is_file():
            raise NotLoadable(Reason.ModelNotReadable, f"the model lacks the file {name!r} that its MLmodel names")
        return path


def read_manifest(directory: Path, *, trusted: bool = False) -> Manifest:
    """Read `MLmodel` in `directory`. `trusted`: the user allowed that loading the model runs code.

    Raises:
        NotLoadable: when there is none, or it is not what MLflow writes.
    """
    path = directory / "MLmodel"
    try:
        if path.stat().st_size > MANIFEST_LIMIT:
            raise NotLoadable(Reason.ModelNotReadable, f"MLmodel is larger than {MANIFEST_LIMIT} bytes")
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotLoadable(Reason.ModelNotReadable, "the directory holds no MLmodel file: it is not a model that MLflow saved") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise NotLoadable(Reason.ModelNotReadable, f"MLmodel cannot be read: {error}") from error
    flavours = written.get("flavors") if isinstance(written, dict) else None
    if not isinstance(flavours, dict) or not all(isinstance(flavour, dict) for flavour in flavours.values()):
        raise NotLoadable(Reason.ModelNotReadable, "MLmodel has no `flavors`: it is not what MLflow writes")
    metadata = written.get("metadata")
    return Manifest(directory, flavours, read_signature(written.get("signature")), metadata if isinstance(metadata, dict) else {}, trusted)
