"""Which container images a spec names, wherever they stand in it: what the platform's image policy is about."""

from collections.abc import Iterator

from pydantic import BaseModel


def named_images(spec: BaseModel) -> Iterator[str]:
    """Every value of a field called `image`, in the order of the fields; those of a run's template too."""
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if name == "image" and value:
            yield str(value)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, BaseModel):
                yield from named_images(part)
