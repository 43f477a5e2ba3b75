"""What a plan may ask for. Each action is safe to carry out twice."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from treadle.plan._refs import Ref, ref_of
from treadle.plan._world import Question

Object = Mapping[str, Any]
"""A Kubernetes object as it travels: plain JSON data."""


@dataclass(frozen=True)
class Create:
    """Make a record (Job, JobSet, TrainingRun) once under its telling name; it is never changed afterwards."""

    object: Object

    def __str__(self) -> str:
        return f"create {ref_of(self.object)}"


@dataclass(frozen=True)
class Apply:
    """Make an object (Deployment, Service ...) converge to this content; fields of others are left alone."""

    object: Object

    def __str__(self) -> str:
        return f"apply {ref_of(self.object)}"


@dataclass(frozen=True)
class Delete:
    """Delete exactly the object with this uid; another one under the same name is not touched."""

    ref: Ref
    uid: str

    def __str__(self) -> str:
        return f"delete {self.ref}"


@dataclass(frozen=True)
class HoldFinalizer:
    """Put our finalizer on an object, so that it is told before it goes. With ReleaseFinalizer the only patch of a main resource there is."""

    ref: Ref
    uid: str

    def __str__(self) -> str:
        return f"hold {self.ref}"


@dataclass(frozen=True)
class ReleaseFinalizer:
    """Let a deleted object go: drop our finalizer from it."""

    ref: Ref
    uid: str

    def __str__(self) -> str:
        return f"release {self.ref}"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A wish about an outside system; its connection makes it true, twice is once.

    Subclasses are frozen dataclasses in `connections/<role>.py` with one more field per detail of the wish. The connection finds by owner tag
    before it creates, and returns the answers that hold now. `owner` (identity tags) is left out of the printed form.
    """

    connection: str

    def assumed(self) -> Mapping[Question[Any], object]:
        """What would be answered once the wish is true. The dry executor lives on it; ids in it are placeholders."""
        raise NotImplementedError(type(self).__name__)

    def deed(self) -> tuple[str, str]:
        """What people are told once it was carried out: one word (the reason of an Event) and a sentence."""
        raise NotImplementedError(type(self).__name__)

    def __str__(self) -> str:
        quiet = {"connection", "owner", "uid"}
        said = ", ".join(
            f"{f.name}={getattr(self, f.name)}" for f in fields(self) if f.name not in quiet and getattr(self, f.name) not in (None, (), {})
        )
        return f"{type(self).__name__}({said})"


Action = Create | Apply | Delete | HoldFinalizer | ReleaseFinalizer | Effect
