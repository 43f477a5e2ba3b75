"""Keep a snapshot of all answers, and lay out what people agree on for programs of the user's that check it."""

from pathlib import Path

from treadle.api.reasons import Reason
from treadle.contracts.check import CollectResult, CollectSpec
from treadle.contracts.quality import RawAnnotation
from treadle.contracts.rank import AcceptedLabel
from treadle.contracts.sync import Item
from treadle.jobs._accepted import with_accepted
from treadle.jobs._collected import agreed_of, laid_out, taken
from treadle.jobs._consensus import judge_all, wanted_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._label_studio import LabelStudio
from treadle.jobs._lines import Lines, from_lines, pinned
from treadle.jobs._rules import Rules
from treadle.jobs._store import Store
from treadle.tasks import NotSupportedYet, for_type


def collect(spec: CollectSpec) -> CollectResult:
    """Take a snapshot, judge it as the measurement will, and write down both.

    Raises:
        JobFailure: a system refuses or does not answer, or the listing is gone.
    """
    quality, store = spec.quality, Store(spec.quality.store)
    task = for_type(quality.labels.task)
    if isinstance(task, NotSupportedYet):
        raise JobFailure(Reason.TaskTypeNotSupported, task.message)
    assert quality.checking is not None
    listing = Lines(Item, pinned(store, quality.items)) if quality.items else None
    moment = taken(store, quality, LabelStudio(quality.label_studio) if quality.label_studio else None, listing or ())
    wanted = wanted_of(listing, quality.removed)
    judgement = judge_all(from_lines(RawAnnotation, moment.lines), wanted, quality.labels, task, quality.consensus)
    accepted = from_lines(AcceptedLabel, pinned(store, quality.accepted)) if quality.accepted else ()
    judgement = with_accepted(judgement, accepted, wanted, Rules(quality.consensus.rules, task.shape))
    agreed = agreed_of(judgement)
    laid_out(Path(quality.checking.labels), moment, quality, agreed, listing or ())
    return CollectResult(items=len(agreed))
