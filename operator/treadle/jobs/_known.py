"""Labels that come with the data, as lines of JSON: answers of gold items, and labels that somebody made before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from treadle.contracts.labels import LABEL, ClassLabel, Label, LabelSchema
from treadle.contracts.sync import KnownLabel
from treadle.jobs._store import Refused, Store, below
from treadle.tasks import Task

FILE = "labels.jsonl"
"""The file in a folder that holds its labels."""


@dataclass(frozen=True)
class Opinion:
    """What somebody says of an item, by its key; nobody in particular where the data do not tell."""

    key: str
    label: Label
    annotator: str = ""


@dataclass(frozen=True)
class Unreadable:
    """An object, or a line of one, that is not what the task type needs, and why.

    Attributes:
        source: of an object at a source, its name.
    """

    uri: str
    why: str
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Withheld(Unreadable):
    """An object that the store does not give; `refusal`: its words."""

    refusal: Refused


def why(error: ValueError, whole: str = "it") -> str:
    """What is wrong with something that was read, in a line; `whole` is what it is called where no part of it is at fault."""
    if isinstance(error, ValidationError):
        wrong = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, wrong['loc'])) or whole}: {wrong['msg']}"
    return str(error)


def label_file(uri: str) -> str:
    """The file of labels that a URI means: itself, or the one in this folder."""
    return uri if uri.endswith(".jsonl") else below(uri, FILE)


def known_labels(store: Store, uri: str, task: Task, schema: LabelSchema) -> tuple[Mapping[str, Label], Sequence[Unreadable]]:
    """Labels by the URIs of their items, and the lines that hold none; of two lines about one item the last counts.

    Raises:
        JobFailure: there is no such file, or the store does not answer.
    """
    found, bad = opinions(store, uri, task, schema)
    return {each.key: each.label for each in found}, bad


def opinions(store: Store, uri: str, task: Task, schema: LabelSchema) -> tuple[Sequence[Opinion], Sequence[Unreadable]]:
    """What the lines say, in their order, and the lines that say nothing.

    Raises:
        JobFailure: there is no such file, or the store does not answer.
    """
    file = label_file(uri)
    folder = file.rpartition("/")[0]
    found: list[Opinion] = []
    bad: list[Unreadable] = []
    for number, line in enumerate(store.read(file).splitlines(), start=1):
        if not line.strip():
            continue
        said = opinion_of(line, folder, task, schema)
        if isinstance(said, str):
            bad.append(Unreadable(f"{file} line {number}", said))
        else:
            found.append(said)
    return found, bad


def opinion_of(line: bytes | Mapping[str, str], folder: str, task: Task, schema: LabelSchema) -> Opinion | str:
    """What a line says of an item; or why it says nothing."""
    try:
        known = KnownLabel.model_validate_json(line) if isinstance(line, bytes) else KnownLabel.model_validate(line)
        label: Label = ClassLabel(label=known.label) if isinstance(known.label, str) else LABEL.validate_python(known.label)
    except ValidationError as error:
        return why(error, "the line")
    if label.shape != task.shape:
        return f"a label of the shape {label.shape}, {task.type} has {task.shape}"
    if unknown := sorted(set(label.names) - set(schema.all_names)):
        return f'"{unknown[0]}" is not a label of this project'
    return Opinion(known.uri if "://" in known.uri else below(folder, known.uri), label, known.annotator)
