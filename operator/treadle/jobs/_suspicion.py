"""Labels that are probably wrong: every item is looked at by a plain model that has not seen its label; and what a person should look at."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from treadle.contracts.labels import ClassLabel
from treadle.contracts.quality import Finding
from treadle.jobs._consensus import Judged, Verdict
from treadle.jobs._features import features_of
from treadle.jobs._side_by_side import in_turn
from treadle.jobs._store import NotThere, Store
from treadle.statistics.confident_learning import Suspect, suspects
from treadle.statistics.held_out import FOLDS, held_out_probabilities

FEWEST = 50
"""Labelled items from which on a model may be asked."""
SIDE_BY_SIDE = 8  # contents of items that are held at a time
TO_LOOK_AT: Mapping[Verdict, Literal["Disputed", "InReview", "BreaksRule"]] = {
    Verdict.DISPUTED: "Disputed",
    Verdict.IN_REVIEW: "InReview",
    Verdict.BREAKS_RULE: "BreaksRule",
}
"""Verdicts that a person can do something about."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suspicion:
    """What the model says.

    Attributes:
        items: those that it was asked about.
        suspects: indices into `items`, the surest first.
        names: of the labels, by category.
        accuracy: how often it gives the label that people gave, over items that it had not seen.
    """

    items: Sequence[Judged]
    suspects: Sequence[Suspect]
    names: Sequence[str]
    accuracy: float


def suspicion_of(store: Store, judged: Sequence[Judged], names: Sequence[str], media: str) -> Suspicion | None:
    """Ask a model about every item with a label; None when there are too few of them to train one.

    Labels that fewer items have than there are folds are passed over: some model would never have seen them.
    """
    labelled = [each for each in judged if each.consensus and isinstance(each.consensus.label, ClassLabel)]
    seen, data = features_of(media, in_turn(partial(_read, store), (each.uri for each in labelled), at_once=SIDE_BY_SIDE))
    items = [labelled[index] for index in seen]
    column = {name: index for index, name in enumerate(names)}
    labels = np.array([column[each.consensus.label.names[0]] for each in items if each.consensus], dtype=np.int64)
    many = Counter(labels.tolist())
    enough = np.array([many[label] >= FOLDS for label in labels.tolist()], dtype=bool)
    if enough.sum() < FEWEST or len(set(labels[enough].tolist())) < 2:
        return None
    asked = [item for item, counts in zip(items, enough, strict=True) if counts]
    probabilities = held_out_probabilities(data[enough], labels[enough], len(names))
    accuracy = float((probabilities.argmax(axis=1) == labels[enough]).mean())
    return Suspicion(asked, suspects(probabilities, labels[enough]), names, accuracy)


def findings_of(judged: Sequence[Judged], suspicion: Suspicion | None) -> Iterator[Finding]:
    """What a person should look at: what is disputed, waits for review or breaks a rule, by key; then what is probably wrong, the surest first."""
    for each in judged:
        if each.verdict in TO_LOOK_AT:
            yield Finding(key=each.key, uri=each.uri, tasks=each.tasks, what=TO_LOOK_AT[each.verdict], rule=each.rule)
    if suspicion is not None:
        yield from (_suspected(suspicion, suspect) for suspect in suspicion.suspects)


def _suspected(suspicion: Suspicion, suspect: Suspect) -> Finding:
    item = suspicion.items[suspect.item]
    return Finding(
        key=item.key,
        uri=item.uri,
        tasks=item.tasks,
        what="LabelError",
        label=item.consensus.label if item.consensus else None,
        suggested=suspicion.names[suspect.suggested],
        margin=round(suspect.margin, 6),
    )


def _read(store: Store, uri: str) -> bytes:
    """An item's content; nothing for one that is gone meanwhile, which the next sync tells."""
    try:
        return store.read(uri)
    except NotThere:
        log.warning("%s is gone", uri)
        return b""
