"""Proposals that are taken as labels: those of which the proposer is very sure, except in the test split, which measures models.

A share of them people answer all the same. Then theirs is the label, and by them it is known how right the others are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from treadle.contracts.labels import Label
from treadle.contracts.rank import AcceptedLabel, AcceptPolicy
from treadle.contracts.sync import Item
from treadle.jobs._consensus import Judged, Judgement, Verdict, held
from treadle.jobs._division import Division
from treadle.jobs._given import Identity, Wanted
from treadle.jobs._proposals import Proposal
from treadle.jobs._rules import Rules
from treadle.statistics.shapes import Consensus, Shape
from treadle.statistics.splits import BUCKETS, bucket

AUDIT = "audit"
EQUAL = 0.9999
"""From which similarity on two labels are the same."""


@dataclass(frozen=True)
class Audit:
    """Accepted proposals that people answered too, and those of them that people agree with."""

    audited: int = 0
    right: int = 0


def accepted_of(
    items: Mapping[Identity, Item], proposals: Mapping[Identity, Proposal], policy: AcceptPolicy, division: Division
) -> Sequence[AcceptedLabel]:
    """The accepted ones by key; which of them people audit is decided by a stable hash. The division knows all of the items."""
    minimum = Decimal(policy.minimum)
    found = []
    for identity, proposal in sorted(proposals.items()):
        item = items[identity]
        sure = Decimal(repr(proposal.confidence)) >= minimum
        if sure and division.split(item.group or item.key) != "test":
            found.append(
                AcceptedLabel(
                    key=item.key,
                    uri=item.uri,
                    sha256=item.sha256,
                    label=proposal.label,
                    confidence=proposal.confidence,
                    audit=bucket(item.key, AUDIT) < policy.audit_percent * BUCKETS // 100,
                )
            )
    return found


def with_accepted(judgement: Judgement, accepted: Iterable[AcceptedLabel], wanted: Wanted, rules: Rules) -> Judgement:
    """The judgement, with accepted proposals as the labels of items that nobody touched. They hold to the same rules."""
    touched = {(each.key, each.sha256) for each in judgement.items}
    taken = (held(_judged(each), rules) for each in accepted if not each.audit and (each.key, each.sha256) not in touched)
    present = [each for each in taken if wanted.present is None or (each.key, each.sha256) in wanted.present]
    return replace(judgement, items=sorted([*judgement.items, *present], key=lambda each: (each.key, each.sha256))) if present else judgement


def audit_of(judgement: Judgement, accepted: Iterable[AcceptedLabel], shape: Shape[Label]) -> Audit:
    """How right accepted proposals are, by the items that people audit."""
    agreed = {(each.key, each.sha256): each.consensus.label for each in judgement.items if each.consensus and not each.accepted}
    pairs = [(each.label, agreed[each.key, each.sha256]) for each in accepted if each.audit and (each.key, each.sha256) in agreed]
    return Audit(len(pairs), sum(shape.similarity(proposed, answered) >= EQUAL for proposed, answered in pairs))


def _judged(each: AcceptedLabel) -> Judged:
    return Judged(
        key=each.key,
        uri=each.uri,
        sha256=each.sha256,
        answers=(),
        skips=0,
        invalid=0,
        complete=True,
        verdict=Verdict.AGREED,
        consensus=Consensus(each.label, 1.0, each.confidence),
        accepted=True,
    )
