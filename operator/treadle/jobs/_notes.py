"""What deployments said of the items that they sent back: why each came, for people to read, and the model's own answer as a proposal.

Notes lie beside the items (see `treadle.contracts.feedback`), and belong to them by the digest of the content. One is there before its item. So only
the days of items that are new need to be looked at, and what has its task already is never read again.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from pydantic import ValidationError

from treadle.contracts import one_line
from treadle.contracts.feedback import ITEMS, TOLD, FeedbackNote
from treadle.contracts.labels import LabelSchema
from treadle.contracts.model import ClassPrediction
from treadle.contracts.sync import Item, Source
from treadle.jobs._proposals import UNKNOWN, Proposal, proposal_of
from treadle.jobs._store import Entry, NotThere, Refused, Store, below
from treadle.tasks import Task

LARGEST = 16 * 1024
"""Bytes of one note; what is larger is none."""
LONGEST = 300
"""Bytes of what people read."""
SIDE_BY_SIDE = 8
BATCH = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What was found.

    Attributes:
        notes: by the digest of the item's content; of several the latest.
        broken: how many are no notes, or cannot be read.
    """

    notes: Mapping[str, FeedbackNote]
    broken: int


def told_of(store: Store, sources: Sequence[Source], items: Sequence[Item]) -> Told:
    """What deployments said of these items.

    Raises:
        JobFailure: the store does not answer.
    """
    feedback = {source.name for source in sources if source.kind == "Feedback"}
    folders = sorted({folder for item in items if item.source in feedback and (folder := _beside(item))})
    wanted = {item.sha256 for item in items}
    notes: dict[str, FeedbackNote] = {}
    broken = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for folder in folders:
            entries = store.list(folder)
            while batch := list(islice(entries, BATCH)):
                read = list(pool.map(partial(_read, store), batch))
                broken += read.count(None)
                for note in read:
                    if note is not None and note.digest in wanted and (note.digest not in notes or notes[note.digest].at < note.at):
                        notes[note.digest] = note
    return Told(notes, broken)


def why(note: FeedbackNote) -> str:
    """Why an item came, and what the model said of it, on one line."""
    said = "" if note.label is None else f" said {note.label}"
    sure = "" if (score := _score(note)) is None else f", {round(score * 100)} % sure"
    return one_line(f"{note.when}: version {note.model_version} of {note.deployment}{said}{sure}", LONGEST)


def proposal(note: FeedbackNote, item: Item, task: Task, schema: LabelSchema) -> Proposal | None:
    """The model's answer, where people could give it too."""
    if note.label is None:
        return None
    try:
        answer = ClassPrediction(label=note.label, score=UNKNOWN if (score := _score(note)) is None else score)
    except ValidationError:  # a name that no label has
        return None
    return proposal_of(answer, task, schema, item.image)


def _score(note: FeedbackNote) -> float | None:
    """How sure the model was; None for what is no share."""
    return note.score if note.score is not None and 0 <= note.score <= 1 else None


def _beside(item: Item) -> str | None:
    """Where the notes of the item's day lie; None where deployments put no items."""
    parts = item.uri.rsplit("/", 3)
    return below(parts[0], TOLD, parts[2]) if len(parts) == 4 and parts[1] == ITEMS else None


def _read(store: Store, entry: Entry) -> FeedbackNote | None:
    try:
        if entry.size <= LARGEST:
            return FeedbackNote.model_validate_json(store.read(entry.uri))
        why_not = f"it has {entry.size} bytes, more than {LARGEST} are not read"
    except (NotThere, Refused) as failure:
        why_not = failure.message
    except ValidationError as error:
        why_not = error.errors(include_input=False, include_url=False)[0]["msg"]
    log.warning("%s is no note: %s", entry.uri, why_not)
    return None


__all__ = ["Told", "proposal", "told_of", "why"]
