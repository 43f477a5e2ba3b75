"""What destroys its own evidence must be remembered before: shown from the calls that were carried out, in their order."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.crash.calls import STATUS_OF, Call, status_in, told

Remembers = Mapping[str, Callable[[Mapping[str, Any]], bool]]


def unremembered(calls: Iterable[Call], remembers: Remembers) -> list[str]:
    """The calls that were carried out before a status said what they follow from."""
    known: set[str] = set()
    found = []
    for call in calls:
        said = told(call)
        if said is None:
            continue
        if said.name.startswith(STATUS_OF):
            known |= {name for name, holds in remembers.items() if holds(status_in(call))}
        elif said.name in remembers and said.name not in known:
            found.append(said.name)
    return found
