"""The line on the labelling screen that tells people why a deployment sent an item back."""

from treadle.contracts.sync import WHY_FIELD


def with_reason(configuration: str) -> str:
    """The screen with that line above all else.

    It is a heading, which has no name: no answer depends on it, so that it can be added to a project with answers and taken away again; and tasks
    that were imported without the field are shown as before, with an empty heading.
    """
    view, _, rest = configuration.partition(">")
    return f'{view}>\n  <Header value="${WHY_FIELD}" size="5" />{rest}'


__all__ = ["with_reason"]
