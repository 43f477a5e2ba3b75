"""Texts of a project that may stand in a ConfigMap: the guidelines, and the screen of a Custom task."""

from dataclasses import dataclass

from treadle.api import AnnotationProjectSpec
from treadle.api.reasons import Reason
from treadle.plan import Ref, Unavailable, World
from treadle.workloads.config_map import ConfigMapText


@dataclass(frozen=True)
class Missing:
    """A text that is not to be had now, and why."""

    reason: Reason
    message: str


def guidelines(spec: AnnotationProjectSpec, ref: Ref, world: World) -> str | Missing:
    """What annotators read; empty without any."""
    asked = spec.guidelines
    if asked is None or asked.inline is not None:
        return (asked.inline if asked else None) or ""
    return _text(world, ref, asked.config_map or "", asked.key or "")


def own_screen(spec: AnnotationProjectSpec, ref: Ref, world: World) -> str | Missing:
    """The labelling screen that the user wrote; empty for types that have their own."""
    asked = spec.task.configuration
    return _text(world, ref, asked.config_map, asked.key) if asked is not None else ""


def _text(world: World, ref: Ref, name: str, key: str) -> str | Missing:
    found = world.ask(ConfigMapText(namespace=ref.namespace, name=name, key=key))
    if isinstance(found, str):
        return found
    if isinstance(found, Unavailable):
        return Missing(Reason.Unreachable, f"ConfigMap {name} cannot be read since {found.since:%H:%M:%S}: {found.reason}")
    return Missing(Reason.ConfigMapMissing, f'there is no ConfigMap {name} with a key "{key}" in namespace {ref.namespace}')
