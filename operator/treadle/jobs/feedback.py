"""Bring what a serving pod spooled to the object store: the container with keys, beside the one that runs the model. Lives as long as the pod.

It never ends by itself: a store that refuses is told in the spool, and the pod serves on.
"""

import logging
import os
import time
from pathlib import Path
from typing import NoReturn

from treadle.api.reasons import Reason
from treadle.contracts import Failure
from treadle.contracts.feedback import ITEM, ITEMS, TOLD, TROUBLE_FILE, FeedbackNote, FeedbackSpec
from treadle.jobs._failure import JobFailure
from treadle.jobs._redaction import hand_over, redacted
from treadle.jobs._spool import spooled
from treadle.jobs._store import Store, below

ROUND_SECONDS = 10.0
TRIES = 20
"""Numbers of a day that are tried for one item, when other pods are quicker."""

log = logging.getLogger("treadle.jobs")


def feedback(spec: FeedbackSpec) -> NoReturn:
    """Deliver, round after round, until the process is ended."""
    store = Store(spec.store)
    while True:
        try:
            deliver(spec, store)
            _tell(spec, None)
        except JobFailure as failure:
            log.warning("%s: %s", failure.reason, failure.message)
            _tell(spec, Failure.of(failure.reason, failure.message))
        except Exception as error:  # a pod must not go down because its feedback does
            log.exception("unexpected")
            _tell(spec, Failure.of(Reason.JobDefect, type(error).__name__))
        time.sleep(ROUND_SECONDS)


def deliver(spec: FeedbackSpec, store: Store) -> int:
    """Bring all that is whole in the spool to the store, within the bound of each day; how many items it brought. What it brought, and what is above
    the bound, leaves the spool.

    Raises:
        JobFailure: the store refuses or does not answer; the rest stays in the spool.
    """
    brought, free = 0, {}
    spool = Path(spec.directory)
    for path, note in redacted(spool) if spec.redacted else spooled(spool):
        if note.day not in free:
            free[note.day] = sum(1 for _ in store.list(below(spec.destination, f"{TOLD}/{note.day}")))
        number = _given(spec, store, note, free[note.day])
        if number is not None:
            store.create(below(spec.destination, f"{ITEMS}/{note.day}/{note.digest[:32]}.{note.extension}"), path.with_suffix(ITEM).read_bytes())
            brought += 1
        free[note.day] = spec.per_day if number is None else number + 1
        path.unlink()
        path.with_suffix(ITEM).unlink(missing_ok=True)
    if spec.redacted:
        hand_over(spool)
    return brought


def _given(spec: FeedbackSpec, store: Store, note: FeedbackNote, first: int) -> int | None:
    """The number of the day that this item got; None when the day's are given away."""
    content = note.to_json().encode()
    for number in range(first, min(first + TRIES, spec.per_day)):
        if store.create(below(spec.destination, f"{TOLD}/{note.day}/{number:08d}.json"), content):
            return number
    return None


def _tell(spec: FeedbackSpec, failure: Failure | None) -> None:
    """Leave word for the operator, by way of the serving container."""
    path = Path(spec.directory) / TROUBLE_FILE
    if failure is None:
        path.unlink(missing_ok=True)
        return
    partial = path.with_suffix(".partial")
    partial.write_text(failure.to_message())
    os.replace(partial, path)
