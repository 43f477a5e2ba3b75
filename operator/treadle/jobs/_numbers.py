"""What is told of people and labels: from judged items to the numbers of a quality run and of a manifest."""

from collections import Counter
from collections.abc import Sequence

from treadle.contracts.labels import Label
from treadle.contracts.quality import AnnotatorNumbers, LabelNumbers, PairNumbers
from treadle.jobs._consensus import Judged, Judgement, Verdict
from treadle.jobs._light import people_of
from treadle.statistics.pairs import pairs_of
from treadle.statistics.shapes import Agreement, Shape, agreement_with_others

DIGITS = 6  # of a number that is told
MOST_PAIRED = 5_000
"""Items that answers of two people are compared over."""


def by_annotator(shape: Shape[Label], judgement: Judgement) -> tuple[AnnotatorNumbers, ...]:
    """Everybody who answered, those first who miss the bound of gold items, then those who agree least with the others."""
    counted = [item for item in judgement.items if item.verdict not in (Verdict.REMOVED, Verdict.GOLD)]
    given = Counter(who for item in counted for who in people_of(item.answers))
    alike = agreement_with_others(shape, [item.answers for item in counted])
    numbers = [
        AnnotatorNumbers(
            annotator=who,
            annotations=given[who] if not standing.excluded else standing.answers,
            agreement=rounded(alike.get(who)),
            reliability=rounded(standing.reliability),
            gold=standing.gold,
            gold_accuracy=rounded(standing.gold_accuracy),
            excluded=standing.excluded,
        )
        for who, standing in judgement.people.items()
        if given[who] or standing.gold or standing.excluded
    ]
    below = {who for who, standing in judgement.people.items() if standing.below}
    return tuple(sorted(numbers, key=lambda each: (each.annotator not in below, _or_one(each.agreement), each.annotator)))


def by_pair(shape: Shape[Label], judgement: Judgement, names: Sequence[str]) -> tuple[PairNumbers, ...]:
    """Each two people who answered the same items. Of very many items every so many-th counts, which tells as much."""
    several = [item.answers for item in judgement.items if len(item.answers) > 1 and item.verdict not in (Verdict.REMOVED, Verdict.GOLD)]
    counted = several[:: 1 + len(several) // MOST_PAIRED]
    return tuple(
        PairNumbers(one=pair.one, other=pair.other, items=pair.items, alike=round(pair.alike, DIGITS), kappa=rounded(pair.kappa))
        for pair in pairs_of(shape, counted, names)
    )


def by_label(agreement: Agreement, judged: list[Judged]) -> tuple[LabelNumbers, ...]:
    """Every label that somebody used, those first that people agree least on."""
    agreed = Counter(name for each in judged if each.consensus for name in each.consensus.label.names)
    said = {name for each in judged for _, label in each.answers for name in label.names}
    numbers = [LabelNumbers(label=name, items=agreed[name], agreement=rounded(share)) for name, share in agreement.by_label.items() if name in said]
    return tuple(sorted(numbers, key=lambda each: (_or_one(each.agreement), each.label)))


def rounded(number: float | None) -> float | None:
    """To the digits that are told."""
    return None if number is None else round(number, DIGITS)


def _or_one(share: float | None) -> float:
    return 1.0 if share is None else share
