"""Which cluster and namespace a command is about: what kubectl would choose."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class CommandError(Exception):
    """The command cannot be carried out; the text tells the user why, and what to do."""


@dataclass(frozen=True)
class Place:
    """A cluster and a namespace in it. `kubeconfig` may be several files, of which `context` is one's."""

    kubeconfig: str
    namespace: str
    context: str | None = None


def find_place(kubeconfig: str | None, namespace: str | None, environment: str | None, home: Path) -> Place:
    """The place that options, the variable KUBECONFIG and `home` name, in this order.

    KUBECONFIG may list several files: those that exist are one kubeconfig, and what is said twice counts where it is said first.

    Raises:
        CommandError: if there is no kubeconfig, or it cannot be read.
    """
    listed = [kubeconfig] if kubeconfig else [path for path in (environment or "").split(os.pathsep) if path] or [str(home / ".kube" / "config")]
    paths = [path for path in listed if Path(path).exists()] or listed[:1]
    configs = [_read(Path(path)) for path in paths]
    current = next((config["current-context"] for config in configs if config.get("current-context")), None)
    contexts = {context.get("name"): context.get("context") or {} for config in reversed(configs) for context in config.get("contexts") or ()}
    return Place(os.pathsep.join(paths), namespace or contexts.get(current, {}).get("namespace") or "default", current)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise CommandError(f"cannot read the kubeconfig {path}: {error.strerror}; set KUBECONFIG or --kubeconfig") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"the kubeconfig {path} is not YAML") from error
    if not isinstance(config, dict):
        raise CommandError(f"the kubeconfig {path} is not one")
    return config
