"""Which cluster and namespace a command is about: what kubectl would choose."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the service account that it may use."""


class CommandError(Exception):
    """The command cannot be carried out; the text tells the user why, and what to do."""


@dataclass(frozen=True)
class Place:
    """A cluster and a namespace in it. `kubeconfig` may be several files, of which `context` is one's; None for the cluster of the pod we run in."""

    kubeconfig: str | None
    namespace: str
    context: str | None = None


def find_place(
    kubeconfig: str | None, namespace: str | None, environment: str | None, home: Path, *, context: str | None = None, pod: Path = POD
) -> Place:
    """The place that options, the variable KUBECONFIG, `home` and the service account of a `pod` name, in this order.

    KUBECONFIG may list several files: those that exist are one kubeconfig, and what is said twice counts where it is said first.

    Raises:
        CommandError: if there is neither a kubeconfig nor a service account, it cannot be read, or it has no such context.
    """
    default = home / ".kube" / "config"
    if not (kubeconfig or environment or context or default.exists()) and (pod / "token").exists():
        return Place(None, namespace or _text(pod / "namespace"))
    listed = [kubeconfig] if kubeconfig else [path for path in (environment or "").split(os.pathsep) if path] or [str(default)]
    paths = [path for path in listed if Path(path).exists()] or listed[:1]
    configs = [_read(Path(path)) for path in paths]
    contexts = _contexts(configs)
    if context and context not in contexts:
        there = ", ".join(sorted(contexts)) or "none"
        raise CommandError(f"the kubeconfig {os.pathsep.join(paths)} has no context {context}: use one of those there ({there})")
    current = context or next((config["current-context"] for config in configs if config.get("current-context")), None)
    return Place(os.pathsep.join(paths), namespace or contexts.get(str(current), {}).get("namespace") or "default", current)


def _contexts(configs: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The contexts by name; of those of one name the first. What is none is left out: whoever needs it is told by the client."""
    lists = [listed for config in reversed(configs) if isinstance(listed := config.get("contexts"), list)]
    named = (each for listed in lists for each in listed if isinstance(each, dict))
    return {str(each.get("name")): context if isinstance(context := each.get("context"), dict) else {} for each in named}


def _text(path: Path) -> str:
    """What a small file holds; "default" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


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
