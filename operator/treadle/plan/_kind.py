"""A kind, as a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from treadle.plan._plan import Plan
from treadle.plan._world import World

Observed = TypeVar("Observed")


class Usage(NamedTuple):
    """What an object has used up to now, for the bill: a total that only grows."""

    project: str
    product: str
    gpu_seconds: int


def unmetered(this: Mapping[str, Any]) -> Usage | None:
    """For kinds that use nothing themselves."""
    return None


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[Observed]):
    """Everything an engine must know of a kind to carry out its plans; a value, not a base class.

    Attributes:
        name: of the kind, e.g. `TrainingRun`.
        observe: reads memory only; dictionaries end here.
        plan: pure; the same observation at the same time gives the same plan.
        ready: Ready is True when all of these conditions are, else it repeats the first that is not.
        phases: (condition, status, phase): the first that holds names the phase people see.
        initial_phase: the phase while none holds.
        usage: what an object has used, by its status.
    """

    name: str
    observe: Callable[[Mapping[str, Any], World], Observed]
    plan: Callable[[Observed, datetime], Plan]
    ready: tuple[str, ...]
    phases: tuple[tuple[str, bool, str], ...]
    initial_phase: str = "Pending"
    usage: Callable[[Mapping[str, Any]], Usage | None] = unmetered
