"""Rules of `spec.quality.validation`: CEL over the label that people agree on. A rule that names a part of a label is asked of every part.

What a rule knows: `label`, in the words of `items.jsonl`; `names`, the labels that the item shows; and by the shape of the label `box`, `span` or
`relation`, `interval`, `region` or `point`, the part that is looked at. A region has its `area` in pixels too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treadle.api.reasons import Reason
from treadle.contracts.labels import Label, Region
from treadle.contracts.quality import Rule
from treadle.jobs._failure import JobFailure
from treadle.statistics.shapes.regions import mask_of

PARTS: Mapping[str, Mapping[str, str]] = {
    "Boxes": {"box": "boxes"},
    "Spans": {"span": "spans", "relation": "relations"},
    "Intervals": {"interval": "intervals"},
    "Regions": {"region": "regions"},
    "Points": {"point": "points"},
}
"""By the shape of a label: what a rule calls one of its parts, and where these are."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class _Check:
    """A rule; `part` is what it calls the parts of which it is asked, empty where it is asked of the label."""

    name: str
    part: str
    holds: Callable[[Facts], object]


class Rules:
    """The rules of a project, ready to be asked."""

    def __init__(self, rules: Sequence[Rule], shape: str) -> None:
        self._parts = PARTS.get(shape, {})
        self._checks = [self._check(rule) for rule in rules]

    def broken(self, label: Label) -> str:
        """The name of the first rule that the label breaks; empty for none.

        Raises:
            JobFailure: a rule asks for what the label does not have, or says something else than true or false.
        """
        if not self._checks:
            return ""
        told = label.model_dump(mode="json")
        whole = {"label": told, "names": list(label.names)}
        places = {part: [{**whole, part: each} for each in _parts_in(told, field, label)] for part, field in self._parts.items()}
        for check in self._checks:
            if not all(self._answer(check, facts) for facts in places.get(check.part, [whole])):
                return check.name
        return ""

    def _check(self, rule: Rule) -> _Check:
        import cel  # the package brings a command line along, whose libraries take their time: only whoever has rules waits for it

        try:
            program = cel.compile(rule.rule)
        except ValueError as error:
            raise JobFailure(Reason.RuleInvalid, f"rule {rule.name}: {error}") from error
        parts = [part for part in self._parts if part in program.variables()]
        if len(parts) > 1:
            raise JobFailure(Reason.RuleInvalid, f"rule {rule.name} is about {' and '.join(parts)}: make it a rule for each")
        return _Check(rule.name, "".join(parts), lambda facts: program.execute(dict(facts)))

    def _answer(self, check: _Check, facts: Facts) -> bool:
        try:
            answer = check.holds(facts)
        except KeyError as error:
            raise JobFailure(Reason.RuleInvalid, f"rule {check.name} asks for {error}, which there is not") from error
        except (RuntimeError, TypeError, ValueError) as error:
            raise JobFailure(Reason.RuleInvalid, f"rule {check.name}: {error}") from error
        if not isinstance(answer, bool):
            raise JobFailure(Reason.RuleInvalid, f"rule {check.name} says neither true nor false, but {type(answer).__name__}")
        return answer


def _parts_in(told: dict[str, Any], field: str, label: Label) -> list[dict[str, Any]]:
    """The parts in this field of a label that is told in the words of `items.jsonl`. These leave a field out that is empty; rules may ask for it."""
    parts: list[dict[str, Any]] = told.setdefault(field, [])
    for part, region in zip(parts, getattr(label, "regions", ()), strict=False):
        part["area"] = mask_of(region).area if isinstance(region, Region) else 0
    return parts
