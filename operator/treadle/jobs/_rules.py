"""Rules of `spec.quality.validation`: CEL over the label that people agree on. A rule that names a part of a label is asked of every part.

What a rule knows: `label`, in the words of `items.jsonl`; `names`, the labels that the item shows; and by the shape of the label `box`, `span`,
`interval`, `region` or `point`, the part that is looked at. A region has its `area` in pixels too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treadle.api.reasons import Reason
from treadle.contracts.labels import Label, Region
from treadle.contracts.quality import Rule
from treadle.jobs._failure import JobFailure
from treadle.statistics.shapes.regions import mask_of

PARTS: Mapping[str, tuple[str, str]] = {
    "Boxes": ("boxes", "box"),
    "Spans": ("spans", "span"),
    "Intervals": ("intervals", "interval"),
    "Regions": ("regions", "region"),
    "Points": ("points", "point"),
}
"""By the shape of a label: where its parts are, and what a rule calls one of them."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class _Check:
    name: str
    asks_of_parts: bool
    holds: Callable[[Facts], object]


class Rules:
    """The rules of a project, ready to be asked."""

    def __init__(self, rules: Sequence[Rule], shape: str) -> None:
        self._part = PARTS.get(shape, ("", ""))
        self._checks = [self._check(rule) for rule in rules]

    def broken(self, label: Label) -> str:
        """The name of the first rule that the label breaks; empty for none.

        Raises:
            JobFailure: a rule asks for what the label does not have, or says something else than true or false.
        """
        if not self._checks:
            return ""
        whole = {"label": label.model_dump(mode="json"), "names": list(label.names)}
        places = [{**whole, self._part[1]: part} for part in self._parts(label, whole["label"])] if self._part[0] else []
        for check in self._checks:
            if not all(self._answer(check, facts) for facts in (places if check.asks_of_parts else [whole])):
                return check.name
        return ""

    def _check(self, rule: Rule) -> _Check:
        import cel  # the package brings a command line along, whose libraries take their time: only whoever has rules waits for it

        try:
            program = cel.compile(rule.rule)
        except ValueError as error:
            raise JobFailure(Reason.RuleInvalid, f"rule {rule.name}: {error}") from error
        return _Check(rule.name, self._part[1] in program.variables(), lambda facts: program.execute(dict(facts)))

    def _parts(self, label: Label, told: Any) -> list[Facts]:
        parts: list[dict[str, Any]] = told[self._part[0]]
        for part, region in zip(parts, getattr(label, "regions", ()), strict=False):
            part["area"] = mask_of(region).area if isinstance(region, Region) else 0
        return list(parts)

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
