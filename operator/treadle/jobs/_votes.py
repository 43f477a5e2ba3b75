"""Votes of labelling functions, combined to one proposal per item by Dawid and Skene: who votes well is found out from where functions vote alike.

Being silent is an answer too: a function that only ever votes for one label tells something by every item that it passes over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from treadle.contracts.model import ClassPrediction
from treadle.contracts.prelabel import Answered
from treadle.contracts.rank import VoterNumbers
from treadle.jobs._given import Identity
from treadle.statistics.dawid_skene import dawid_skene

DIGITS = 6


@dataclass(frozen=True)
class Combined:
    """What the votes come to.

    Attributes:
        proposals: of the items on which somebody voted.
        votes: the valid votes of each of these items, by function.
        invalid: votes for what is no label of the schema.
        by_voter: how each function votes.
    """

    proposals: Mapping[Identity, ClassPrediction]
    votes: Mapping[Identity, Mapping[str, str]]
    invalid: int
    by_voter: tuple[VoterNumbers, ...]

    @property
    def conflicts(self) -> int:
        """Items on which functions contradict each other."""
        return sum(len(set(of.values())) > 1 for of in self.votes.values())


def combine(answered: Mapping[Identity, Answered], names: Sequence[str]) -> Combined:
    """Combine the votes on all items; `names` are the labels of the schema."""
    said = {identity: _said(line) for identity, line in answered.items()}
    valid = {identity: {voter: label for voter, label in of.items() if label in names} for identity, of in said.items()}
    votes = {identity: of for identity, of in valid.items() if of}
    invalid = sum(map(len, said.values())) - sum(map(len, valid.values()))
    voters = sorted({voter for of in votes.values() for voter in of})
    if not votes:
        return Combined({}, {}, invalid, ())
    column, silent = {name: index for index, name in enumerate(names)}, len(names)
    chosen = np.array([[column[of[voter]] if voter in of else silent for voter in voters] for of in votes.values()], dtype=np.int64)
    items, people = (index.ravel() for index in np.indices(chosen.shape))
    estimate = dawid_skene(items, people, chosen.ravel(), categories=len(names), silent=1)
    proposals = {identity: _proposal(names, row.tolist()) for identity, row in zip(votes, estimate.truth, strict=True)}
    accuracy = dict(zip(voters, estimate.accuracy.tolist(), strict=True))
    return Combined(proposals, votes, invalid, tuple(_numbers(voter, votes, len(answered), accuracy[voter]) for voter in voters))


def _said(line: Answered) -> Mapping[str, str]:
    return {voter: answer.label for voter, answer in line.answers.items() if isinstance(answer, ClassPrediction)}


def _proposal(names: Sequence[str], chances: Sequence[float]) -> ClassPrediction:
    scores = {name: round(min(max(chance, 0.0), 1.0), DIGITS) for name, chance in zip(names, chances, strict=True)}
    best = max(names, key=lambda name: scores[name])
    return ClassPrediction(label=best, score=scores[best], scores=scores)


def _numbers(voter: str, votes: Mapping[Identity, Mapping[str, str]], items: int, accuracy: float) -> VoterNumbers:
    mine = [of for of in votes.values() if voter in of]
    conflicts = sum(any(count for label, count in Counter(of.values()).items() if label != of[voter]) for of in mine)
    return VoterNumbers(name=voter, votes=len(mine), abstained=items - len(mine), conflicts=conflicts, accuracy=round(accuracy, DIGITS))
