"""What many answers come to, against crowd-kit; and what it is worth: people of known skill."""

from __future__ import annotations

from collections import Counter
from statistics import median

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene, MajorityVote
from numpy.typing import NDArray

from treadle.contracts.labels import ClassLabel
from treadle.statistics.dawid_skene import dawid_skene
from treadle.statistics.shapes import SHAPES

CATEGORIES, ITEMS = 10, 500
NOTHING = 1e-6
"""crowd-kit puts 1e-10 where a chance is zero, and that moves others."""
SKILLS = (0.9, 0.8, 0.6)
NAMES = tuple(f"{category}" for category in range(CATEGORIES))


def answers(chance: np.random.Generator, skills: tuple[float, ...], items: int = ITEMS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The truth, and one row per item with what each person says: right by their skill, else any other category."""
    truth = chance.integers(CATEGORIES, size=items)
    others = (truth[:, None] + chance.integers(1, CATEGORIES, size=(items, len(skills)))) % CATEGORIES
    return truth, np.where(chance.random((items, len(skills))) < np.array(skills), truth[:, None], others)


def as_frame(said: NDArray[np.int64]) -> pd.DataFrame:
    rows = [(item, person, label) for item, row in enumerate(said.tolist()) for person, label in enumerate(row)]
    return pd.DataFrame(rows, columns=["task", "worker", "label"])


def as_items(said: NDArray[np.int64]) -> list[list[tuple[str, ClassLabel]]]:
    return [[(f"u{person}", ClassLabel(label=NAMES[label])) for person, label in enumerate(row)] for row in said.tolist()]


def test_the_majority_is_the_same_where_there_is_one(chance: np.random.Generator) -> None:
    _, said = answers(chance, SKILLS)
    theirs = MajorityVote().fit_predict(as_frame(said))
    for item, found in enumerate(as_items(said)):
        ours = SHAPES["Class"].consensus([label for _, label in found])
        most = Counter(label.label for _, label in found).most_common(1)[0][1]
        assert (ours.label.label if ours else None) == (NAMES[theirs[item]] if most > len(SKILLS) / 2 else None)


def test_plain_dawid_skene_estimates_the_same_chances(chance: np.random.Generator) -> None:
    _, said = answers(chance, (0.85, 0.75, 0.7, 0.65, 0.6))
    items, people = np.indices(said.shape).reshape(2, -1)
    ours = dawid_skene(items, people, said.ravel(), categories=CATEGORIES, prior=0.0)
    theirs = DawidSkene(n_iter=ours.rounds, tol=-np.inf).fit(as_frame(said))  # as many rounds: each stops by a rule of its own
    assert np.abs(ours.truth - theirs.probas_[list(range(CATEGORIES))].to_numpy()).max() < NOTHING
    assert list(ours.truth.argmax(axis=1)) == theirs.labels_.to_list()


def test_dawid_skene_beats_the_majority_and_the_best_single_person() -> None:
    """Three people of skill 0.9, 0.8 and 0.6 on ten classes, 500 items; medians of 20 seeds, disputed items counting as wrong."""
    shares: dict[str, list[float]] = {"DawidSkene": [], "majority": [], "best single": []}
    for seed in range(20):
        truth, said = answers(np.random.default_rng(seed), SKILLS)
        items = as_items(said)
        weighed = SHAPES["Class"].weighed
        assert weighed is not None
        voted = [SHAPES["Class"].consensus([label for _, label in item]) for item in items]
        for name, found in (("DawidSkene", weighed(items, NAMES).consensus), ("majority", voted)):
            shares[name].append(np.mean([one is not None and one.label.label == NAMES[right] for one, right in zip(found, truth, strict=True)]))
        shares["best single"].append(float((said == truth[:, None]).mean(axis=0).max()))
    told = {name: median(values) for name, values in shares.items()}
    assert told["DawidSkene"] > max(told["majority"], told["best single"]), told
    print(told)  # noqa: T201
    assert told == pytest.approx({"DawidSkene": 0.92, "majority": 0.876, "best single": 0.90}, abs=0.01)
