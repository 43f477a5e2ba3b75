"""Lines that a program of the user's wrote, each checked against its model and numbered as an editor numbers them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from treadle.jobs._files import WrongContent, own_content

Line = TypeVar("Line", bound=BaseModel)


class NotWritten(Exception):  # noqa: N818
    """There is no such file among what the program left."""


class Miswritten(Exception):  # noqa: N818
    """A line that is not what it should be.

    Attributes:
        number: of the line, from 1; empty ones count.
        why: what is wrong with it; quotes nothing of it.
    """

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")
        self.number = number
        self.why = why


def written(directory: Path, name: str, line: type[Line]) -> Iterator[tuple[int, Line]]:
    """Every line of the file that is not empty, with its number.

    Raises:
        NotWritten: there is no such file.
        Miswritten: a line does not fit the model.
    """
    try:
        content = own_content(directory, name)
    except (WrongContent, OSError) as error:
        raise NotWritten(name) from error
    for number, text in enumerate(content.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            yield number, line.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise Miswritten(number, f"{where}: {first['msg']}") from error
