"""Which container images a spec names, wherever they stand in it: what the platform's image policy is about."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel


def named_images(spec: BaseModel) -> Iterator[str]:
    """Every value of a field called `image`, in the order of the fields; those of a run's template too."""
    for name in _places(type(spec)):
        value = getattr(spec, name)
        if name == "image" and value:
            yield str(value)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, BaseModel):
                yield from named_images(part)


@cache
def _places(kind: type[BaseModel]) -> tuple[str, ...]:
    """The fields in which images may stand: every plan asks, and a project may have hundreds of labels, which have none."""
    return tuple(name for name, field in kind.model_fields.items() if name == "image" or any(_places(part) for part in _models(field.annotation)))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
