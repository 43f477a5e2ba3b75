"""Against the numbers that Dawid and Skene print, against their equations written as loops, and by what must hold of any answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.statistics.dawid_skene import PRIOR, Estimate, dawid_skene

# Table 1 of the paper: 45 patients, what observer 1 said three times, and observers 2 to 5 once each; categories 1 to 4.
TABLE = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""
PATIENTS = TABLE.split()
OBSERVER = [0, 0, 0, 1, 2, 3, 4]


def paper(prior: float = 0.0) -> Estimate:
    said = [(item, who, int(answer) - 1) for item, patient in enumerate(PATIENTS) for who, answer in zip(OBSERVER, patient, strict=True)]
    return estimate(said, 4, prior)


def estimate(said: list[tuple[int, int, int]], categories: int, prior: float = PRIOR) -> Estimate:
    items, people, answers = np.array(said, dtype=np.int64).T
    return dawid_skene(items, people, answers, categories=categories, prior=prior)


def simulated(seed: int, items: int, categories: int, skills: tuple[float, ...]) -> tuple[list[int], list[tuple[int, int, int]]]:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, categories, items)
    wrong = (truth + chance.integers(1, categories, (len(skills), items))) % categories
    said = [np.where(chance.random(items) < skill, truth, wrong[who]) for who, skill in enumerate(skills)]
    return truth.tolist(), [(item, who, int(said[who][item])) for item in range(items) for who in range(len(skills))]


def by_loops(said: list[tuple[int, int, int]], categories: int, rounds: int) -> list[list[float]]:
    """Equations 2.3 to 2.5 and 3.1 of the paper, one after the other."""
    items, people = 1 + max(item for item, _, _ in said), 1 + max(who for _, who, _ in said)
    truth = [[0.0] * categories for _ in range(items)]
    for item, _, answer in said:
        truth[item][answer] += 1 / sum(each == item for each, _, _ in said)
    for _ in range(rounds):
        shares = [sum(row[j] for row in truth) / items for j in range(categories)]
        errors = [[[0.0] * categories for _ in range(categories)] for _ in range(people)]
        for who in range(people):
            for j in range(categories):
                for item, whose, answer in said:
                    errors[who][j][answer] += truth[item][j] if whose == who else 0.0
                whole = sum(errors[who][j])
                errors[who][j] = [each / whole if whole else 1 / categories for each in errors[who][j]]
        for item in range(items):
            likely = list(shares)
            for each, who, answer in said:
                if each == item:
                    likely = [likely[j] * errors[who][j][answer] for j in range(categories)]
            truth[item] = [each / sum(likely) for each in likely]
    return truth


def test_the_paper_s_own_data_give_the_paper_s_own_numbers() -> None:
    found = paper()
    assert found.shares.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert found.confusion[0, 0].round(2).tolist() == [0.89, 0.11, 0.0, 0.0]
    assert found.truth.argmax(axis=1)[[0, 1, 2, 10, 35]].tolist() == [0, 3, 1, 3, 3]


def test_it_is_what_the_equations_say() -> None:
    said = [(item, who, int(answer) - 1) for item, patient in enumerate(PATIENTS) for who, answer in zip(OBSERVER, patient, strict=True)]
    found = estimate(said, 4, prior=0.0)
    assert found.truth == pytest.approx(np.array(by_loops(said, 4, found.rounds)), abs=1e-9)


def test_it_beats_the_majority_and_the_best_single_person() -> None:
    """Skills 0.9, 0.8 and 0.6 on 10 classes, 1000 items, medians of 20 seeds. A vote without a winner is settled by a coin."""
    scores = []
    for seed in range(20):
        truth, said = simulated(seed, 1000, 10, (0.9, 0.8, 0.6))
        votes, coin = np.array([answer for _, _, answer in said]).reshape(1000, 3), np.random.default_rng(seed)
        majority = [coin.choice(row) if len(set(row)) == 3 else np.bincount(row).argmax() for row in votes]
        guesses = [estimate(said, 10).truth.argmax(axis=1), majority, votes[:, 0]]
        scores.append([float(np.mean(np.array(guess) == truth)) for guess in guesses])
    estimated, by_majority, best = np.median(scores, axis=0)
    assert estimated > by_majority > best
    assert estimated - by_majority > 0.01


def test_skills_are_told_apart() -> None:
    _, said = simulated(3, 2000, 4, (0.95, 0.8, 0.5))
    assert estimate(said, 4).accuracy == pytest.approx([0.95, 0.8, 0.5], abs=0.04)


def test_a_single_answer_by_a_stranger_is_not_taken_for_perfect_skill() -> None:
    found = estimate([(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1), (2, 2, 0)], 2)
    assert found.accuracy[2] < 0.95


ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


def dense(said: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Without gaps in the numbers of items and people."""
    items, people = sorted({item for item, _, _ in said}), sorted({who for _, who, _ in said})
    return [(items.index(item), people.index(who), answer) for item, who, answer in said]


@settings(deadline=None, max_examples=50)
@given(ANSWERS.map(dense))
def test_every_row_is_a_distribution(said: list[tuple[int, int, int]]) -> None:
    found = estimate(said, 3)
    for table in (found.truth, found.shares, found.confusion):
        assert np.isfinite(table).all()
        assert table.sum(axis=-1) == pytest.approx(np.ones(table.shape[:-1]))


@settings(deadline=None, max_examples=50)
@given(ANSWERS.map(dense), st.permutations(range(3)), st.randoms(use_true_random=False))
def test_other_names_and_another_order_tell_nothing_else(said: list[tuple[int, int, int]], names: list[int], chance: object) -> None:
    renamed = [(item, who, names[answer]) for item, who, answer in said]
    chance.shuffle(renamed)  # type: ignore[attr-defined]
    assert estimate(renamed, 3).truth[:, names] == pytest.approx(estimate(said, 3).truth, abs=1e-4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_what_all_say_is_true(truth: list[int]) -> None:
    said = [(item, who, answer) for item, answer in enumerate(truth) for who in range(3)]
    assert estimate(said, 3).truth.argmax(axis=1).tolist() == truth


def test_functions_that_only_ever_vote_for_one_label_are_told_by_their_silence() -> None:
    chance = np.random.default_rng(3)
    truth = chance.integers(0, 2, 600)
    silent = 2
    votes = []
    for label, speaks, errs in [(0, 0.7, 0.05), (0, 0.5, 0.1), (1, 0.8, 0.05), (1, 0.4, 0.2)]:
        speaking = np.where(truth == label, chance.random(600) < speaks, chance.random(600) < errs)
        votes.append(np.where(speaking, label, silent))
    chosen = np.stack(votes, axis=1)
    items, people = (index.ravel() for index in np.indices(chosen.shape))
    estimate = dawid_skene(items, people, chosen.ravel(), categories=2, silent=1)
    assert (estimate.truth.argmax(axis=1) == truth).mean() > 0.87
    spoken = [(truth[of != silent] == of[of != silent]).mean() for of in votes]
    assert estimate.accuracy == pytest.approx(spoken, abs=0.05)


def test_silence_alone_tells_nothing_and_columns_of_silence_change_no_other_result() -> None:
    items, people, answers = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 2, 2])
    estimate = dawid_skene(items, people, answers, categories=2, silent=1)
    assert estimate.truth[0, 0] > 0.9
    assert estimate.truth[1, 1] > 0.9
    assert estimate.truth[2] == pytest.approx([0.5, 0.5], abs=0.05)
    assert estimate.confusion.shape == (2, 2, 3)
    assert estimate.confusion.sum(axis=2) == pytest.approx(np.ones((2, 2)))


@pytest.mark.parametrize("size", [30, 60, 300])
def test_categories_on_which_only_one_program_votes_stay_apart(size: int) -> None:
    """One knows all, the other one the first half of them: nobody contradicts anybody."""
    truth = np.random.default_rng(size).integers(0, 10, size)
    truth[:10] = np.arange(10)
    chosen = np.stack([truth, np.where(truth < 5, truth, 10)], axis=1)
    items, people = (index.ravel() for index in np.indices(chosen.shape))
    found = dawid_skene(items, people, chosen.ravel(), categories=10, silent=1)
    assert found.truth.argmax(axis=1).tolist() == truth.tolist()
    assert found.accuracy == pytest.approx([1, 1], abs=0.1)


def test_rare_categories_do_not_flow_into_a_frequent_one() -> None:
    """Two people, right 9 and 8 of 10 times; 7 of 10 items are of the first of 5. Medians of 20 seeds: better than either."""
    scores = []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        truth = chance.choice(5, 200, p=[0.7, 0.075, 0.075, 0.075, 0.075])
        said = [np.where(chance.random(200) < skill, truth, (truth + chance.integers(1, 5, 200)) % 5) for skill in (0.9, 0.8)]
        found = estimate([(item, who, int(said[who][item])) for item in range(200) for who in (0, 1)], 5)
        scores.append([(found.truth.argmax(axis=1) == truth).mean(), (said[0] == truth).mean()])
    estimated, best = np.median(scores, axis=0)
    assert estimated > best
