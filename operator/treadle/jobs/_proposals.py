"""What is proposed for each item: a label that the schema allows, how sure that is, and which decisions it rests on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from treadle.contracts.labels import Boxes, ClassLabel, ImageSize, Intervals, Label, LabelSchema, Points, Rating, Regions, Spans
from treadle.contracts.model import ClassPrediction, Prediction
from treadle.contracts.prelabel import Answered
from treadle.jobs._given import Identity
from treadle.tasks import Invalid, Task

UNKNOWN = 0.5
"""Of what nobody says how sure it is, and of finding nothing: neither sure nor unsure."""


@dataclass(frozen=True)
class Proposal:
    """One item's.

    Attributes:
        confidence: of the least certain part.
        decisions: one row of probabilities for a class; for parts one row each, of being there and of not being there.
    """

    label: Label
    confidence: float
    decisions: Sequence[Sequence[float]]


Sized = Callable[[Identity], ImageSize | None]


def proposals_of(answered: Mapping[Identity, Answered], task: Task, schema: LabelSchema, sized: Sized) -> tuple[Mapping[Identity, Proposal], int]:
    """The proposals of the one program that answered, and how many of its answers the schema does not allow."""
    found: dict[Identity, Proposal] = {}
    invalid = 0
    for identity, line in answered.items():
        for answer in line.answers.values():
            proposal = proposal_of(answer, task, schema, sized(identity))
            invalid += proposal is None
            if proposal is not None:
                found[identity] = proposal
    return found, invalid


def proposal_of(answer: Prediction, task: Task, schema: LabelSchema, image: ImageSize | None) -> Proposal | None:
    """An answer as a proposal; None for one that people could not give on the labelling screen."""
    label = _label(answer, task, schema)
    if label is None or (task.media == "Image" and image is None and task.shape != "Class"):
        return None
    if not set(label.names) <= set(schema.all_names):
        return None
    if isinstance(task.parse(task.show(label, image), schema), Invalid):
        return None
    if isinstance(answer, ClassPrediction):
        chances = list(answer.scores.values()) if answer.scores and len(answer.scores) > 1 else [answer.score, 1 - answer.score]
        return Proposal(label, answer.score, [chances])
    scores = [UNKNOWN if score is None else score for score in _scores(answer)] or [UNKNOWN]
    return Proposal(label, min(scores), [[score, 1 - score] for score in scores])


def _label(answer: Prediction, task: Task, schema: LabelSchema) -> Label | None:
    """The answer as a label of the task's shape, None for one of another shape."""
    if isinstance(answer, ClassPrediction):
        if answer.label not in schema.names:
            return None
        if task.shape == "Rating":
            return Rating(step=schema.names.index(answer.label) + 1, label=answer.label)
        return ClassLabel(label=answer.label) if task.shape == "Class" else None
    return answer if answer.shape == task.shape else None


def _scores(answer: Boxes | Spans | Intervals | Regions | Points | Rating) -> Sequence[float | None]:
    match answer:
        case Boxes(boxes=parts):
            return [part.score for part in parts]
        case Spans(spans=spans, relations=relations):
            return [*(span.score for span in spans), *(relation.score for relation in relations)]
        case Intervals(intervals=intervals):
            return [interval.score for interval in intervals]
        case Regions(regions=regions):
            return [region.score for region in regions]
        case Points(points=points):
            return [point.score for point in points]
    return []
