"""What is most likely true when people of unknown skill answer, and how each of them errs.

Dawid, A. P. and Skene, A. M. (1979), Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, Applied Statistics 28(1), 20-28.

The truth of each item is a hidden category. Each person has a confusion matrix: how likely they answer each category when each is true. Expectation
(how likely each category is for each item) and maximisation (the matrices and the shares of the categories) take turns until nothing moves.

Their likelihood alone cannot tell two categories from one that everybody calls by two names: with few people, categories flow together. So each row
of a matrix starts with `PRIOR` answers as this person gives them in all categories (silent as often, right as often, each error alike), after the
hierarchical model in Paun, S. et al. (2018), Comparing Bayesian Models of Annotation, TACL 6, 571-585, section 3.4; and each category with one item.
This too keeps a person who answered little from being called perfect.

Programs that vote for one category only, and keep silent otherwise, tell something by being silent. `silent` answers are columns of a matrix like the
others, that are never true.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 10.0
"""Answers that every row of a confusion matrix starts with."""
STRANGER = 2.0
"""Answers that everybody starts with, over all categories: half of them silent where silence is an answer, 3 of 4 others right."""
MOST_ROUNDS = 200
TOLERANCE = 1e-6
"""Change of the largest probability from one round to the next at which it has converged."""

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """What follows from the answers.

    Attributes:
        truth: one row per item: how likely each category is, adding up to 1.
        shares: how frequent each category is.
        confusion: one matrix per person: true category by row, answered category by column; rows add up to 1. Silent answers are the last columns.
        rounds: until it converged.
    """

    truth: Numbers
    shares: Numbers
    confusion: Numbers
    rounds: int

    @property
    def accuracy(self) -> Numbers:
        """Per person: how likely an answer that is not silent is right, over items as they come."""
        right = np.diagonal(self.confusion, axis1=1, axis2=2) @ self.shares
        if self.confusion.shape[2] == len(self.shares):
            return np.asarray(right, dtype=np.float64)
        spoken = self.confusion[:, :, : len(self.shares)].sum(axis=2) @ self.shares
        return np.asarray(np.divide(right, spoken, out=np.zeros_like(right), where=spoken > 0), dtype=np.float64)


def dawid_skene(items: Indices, people: Indices, answers: Indices, *, categories: int, prior: float = PRIOR, silent: int = 0) -> Estimate:
    """Estimate truth and skill from single answers; the three arrays have one entry per answer, and may name an item and person several times.

    Args:
        items: index of the item, from 0 without gaps.
        people: index of the person, from 0 without gaps.
        answers: index of the category that was answered.
        categories: how many there are.
        prior: answers that every row of a matrix starts with, as the person usually gives them; 0 is plain maximum likelihood.
        silent: kinds of answers that name no category; their indices follow those of the categories.

    Raises:
        ValueError: without any answer.
    """
    if not len(items):
        raise ValueError("there are no answers to estimate from")
    counts = np.zeros((int(items.max()) + 1, categories))
    spoken = answers < categories
    np.add.at(counts, (items[spoken], answers[spoken]), 1.0)
    sums = counts.sum(axis=1, keepdims=True)
    truth = np.divide(counts, sums, out=np.full_like(counts, 1 / categories), where=sums > 0)  # round 0: the share of the answers, as the paper does
    shape = (int(people.max()) + 1, categories, categories + silent)
    for rounds in range(1, MOST_ROUNDS + 1):  # noqa: B007  (told in the end)
        shares = _shares(truth, prior)
        confusion = _confusion(truth, items, people, answers, shape, prior)
        before, truth = truth, _truth(shares, confusion, items, people, answers, counts.shape)
        if np.abs(truth - before).max() < TOLERANCE:
            break
    return Estimate(truth, _shares(truth, prior), _confusion(truth, items, people, answers, shape, prior), rounds)


def _shares(truth: Numbers, prior: float) -> Numbers:
    """How frequent each category is. With any prior worth an answer it starts with one item; more would make frequent ones look rare."""
    items = truth.sum(axis=0) + min(prior, 1.0)
    return np.asarray(items / items.sum(), dtype=np.float64)


def _confusion(truth: Numbers, items: Indices, people: Indices, answers: Indices, shape: tuple[int, int, int], prior: float) -> Numbers:
    """Per person, true category and answer: how often, by what is believed of the items; as shares of each row."""
    persons, categories, columns = shape
    by_answer = np.zeros((persons, columns, categories))  # person, answer, true category: one row of `truth` is added at once
    np.add.at(by_answer, (people, answers), truth[items])
    table = by_answer.transpose(0, 2, 1)
    table = table + prior * _usual(table)
    rows = table.sum(axis=2, keepdims=True)
    shares: Numbers = np.divide(table, rows, out=np.full_like(table, 1 / columns), where=rows > 0)
    return shares


def _usual(table: Numbers) -> Numbers:
    """Per person, the matrix of somebody who is silent as often and right as often, whatever is true; rows add up to 1."""
    _, categories, columns = table.shape
    spoken, right = table[:, :, :categories].sum(axis=(1, 2)), np.trace(table, axis1=1, axis2=2)
    accuracy = (right + STRANGER * 3 / 4) / (spoken + STRANGER)
    silence = table[:, :, categories:].sum(axis=1)
    if columns > categories:
        silence = (silence + STRANGER / 2 / (columns - categories)) / (spoken + silence.sum(axis=1) + STRANGER)[:, None]
    speaks = 1 - silence.sum(axis=1)
    wrong = speaks * (1 - accuracy) / max(categories - 1, 1)
    usual = np.empty_like(table)
    usual[:, :, :categories] = wrong[:, None, None]
    usual[:, :, categories:] = silence[:, None, :]
    usual[:, np.arange(categories), np.arange(categories)] = (speaks * (accuracy if categories > 1 else 1.0))[:, None]
    return usual


def _truth(shares: Numbers, confusion: Numbers, items: Indices, people: Indices, answers: Indices, shape: tuple[int, ...]) -> Numbers:
    """Bayes' rule with logarithms, since products of hundreds of answers vanish."""
    with np.errstate(divide="ignore"):
        likely = np.tile(np.log(shares), (shape[0], 1))
        np.add.at(likely, items, np.log(confusion)[people, :, answers])
    likely -= likely.max(axis=1, keepdims=True)
    chances = np.exp(likely)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True), dtype=np.float64)
