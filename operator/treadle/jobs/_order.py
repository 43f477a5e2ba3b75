"""The place of every item in the order in which people see them: a number from 0 to 1, smaller comes first.

What a model or a comparison of votes says of an item decides. Where nobody says anything chance does: by a stable hash, so that the order is the same
whenever it is made. Items whose proposal is taken as their label come last of all, but for those that people audit, which lie anywhere.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from treadle.contracts.labels import Label
from treadle.contracts.rank import RankSpec
from treadle.jobs._given import Identity
from treadle.jobs._proposals import Proposal
from treadle.statistics.active_learning import CERTAINTY, core_set
from treadle.statistics.shapes import Shape
from treadle.statistics.splits import BUCKETS, bucket

DIGITS = 6
LAST = 0.9
"""Where those begin that come last."""
CHANCE = 0.05
"""How far chance moves items on which voters agree as much as on each other."""

Rows = Callable[[Sequence[Identity]], tuple[list[int], "np.ndarray[tuple[int, int], np.dtype[np.float32]]"]]
"""Reads items as rows of numbers; which of them can be read, and their rows."""


@dataclass(frozen=True)
class Scene:
    """All that the order depends on.

    Attributes:
        items: all that people see, gold ones among them, by key.
        proposals: what is proposed for each.
        votes: whose labels are compared for each by the strategy Disagreement.
        done: items that need no more answers of people.
        answered: items that somebody answered.
        taken: items whose proposal is taken as the label, and that nobody audits.
        anywhere: items that lie anywhere: gold ones, and those that people audit.
        rows: for the strategy CoreSet.
    """

    items: Sequence[Identity]
    proposals: Mapping[Identity, Proposal]
    votes: Mapping[Identity, Sequence[Label]]
    done: Set[Identity]
    answered: Set[Identity]
    taken: Set[Identity]
    anywhere: Set[Identity]
    rows: Rows
    shape: Shape[Label]
    chance: Mapping[Identity, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chance", {item: bucket(item[0], f"order {item[1]}") / BUCKETS for item in self.items})

    @property
    def open(self) -> list[Identity]:
        """Items that people are to answer in the order of their use."""
        return [item for item in self.items if item not in self.done and item not in self.taken and item not in self.anywhere]


def order_of(scene: Scene, spec: RankSpec) -> Mapping[Identity, float]:
    """The place of every item."""
    places = {item: LAST * chance for item, chance in scene.chance.items()}
    places |= {item: LAST + (1 - LAST) * scene.chance[item] for item in scene.taken | scene.done}
    value = _certainties(scene, spec)
    if spec.strategy == "CoreSet" or spec.batch:
        front = _far_apart(scene, spec) if spec.strategy == "CoreSet" else sorted(value, key=lambda item: (value[item], item))[: spec.batch or None]
        places |= {item: LAST * (0.5 + scene.chance[item] / 2) for item in scene.open}
        places |= {item: LAST * index / len(front) / 2 for index, item in enumerate(front)}
    else:
        places |= {item: LAST * certainty for item, certainty in value.items()}
    return {item: round(place, DIGITS) for item, place in places.items()}


def _certainties(scene: Scene, spec: RankSpec) -> Mapping[Identity, float]:
    """How little is learnt from an item, 0 to 1, of the open ones."""
    if spec.strategy == "Disagreement":
        return {item: (1 - CHANCE) * (1 - _apart(scene.votes.get(item, ()), scene.shape)) + CHANCE * scene.chance[item] for item in scene.open}
    if spec.strategy not in CERTAINTY:
        return {item: scene.chance[item] for item in scene.open}
    measure = CERTAINTY[spec.strategy]
    told = [item for item in scene.open if item in scene.proposals]
    found = {item: scene.chance[item] for item in scene.open}
    for item in told:
        found[item] = min(float(np.clip(measure(np.asarray([row], dtype=np.float64))[0], 0, 1)) for row in scene.proposals[item].decisions)
    return found


def _apart(labels: Sequence[Label], shape: Shape[Label]) -> float:
    """How unlike each other labels are on average, 0 to 1; of fewer than two, not at all."""
    pairs = list(combinations(labels, 2))
    return sum(1 - shape.similarity(one, other) for one, other in pairs) / len(pairs) if pairs else 0.0


def _far_apart(scene: Scene, spec: RankSpec) -> list[Identity]:
    """Items that lie farthest from all that people answered."""
    open_ = scene.open
    asked = [*open_, *(item for item in scene.items if item in scene.answered)]
    seen, rows = scene.rows(asked)
    known = np.array([index >= len(open_) for index in seen], dtype=bool)
    return [asked[seen[index]] for index in core_set(rows, known, spec.batch or len(open_))]
