"""Let a model answer the items of a directory. Runs in the runtime image, the only one that can load models; needs no network and no keys."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.api.reasons import Reason
from treadle.contracts.prelabel import ITEMS_FILE, PREDICTIONS_FILE, ItemToLabel, PredictResult, PredictSpec, ProposedItem
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import inside, write_whole
from treadle.jobs._lines import from_lines, to_lines

if TYPE_CHECKING:
    from treadle.predictors import Model

BATCH = 64

log = logging.getLogger("treadle.jobs")


def predict(spec: PredictSpec) -> PredictResult:
    """Ask the model about every item, and write its answers by the contract.

    Raises:
        JobFailure: it cannot be loaded, or takes none of the items.
    """
    from treadle.predictors import BadInput, NotLoadable, load_model  # the jobs image has neither pandas nor scikit-learn

    root = Path(spec.items)
    items = list(from_lines(ItemToLabel, (root / ITEMS_FILE).read_bytes()))
    try:
        model = load_model(Path(spec.model)) if items else None
        lines = list(_answers(model, root, items)) if model else []
    except NotLoadable as error:
        raise JobFailure(error.reason, str(error)) from error
    except BadInput as error:
        raise JobFailure(Reason.ItemsNotAccepted, f"the model cannot answer the items: {error}") from error
    write_whole(Path(spec.output) / PREDICTIONS_FILE, [to_lines(lines)])
    return PredictResult(items=len(lines))


def _answers(model: "Model", root: Path, items: Sequence[ItemToLabel]) -> Iterator[ProposedItem]:
    """In batches; where a batch is refused, item by item, so that one bad item costs its own answer only."""
    from treadle.predictors import BadInput

    refused = 0
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        try:
            yield from _batch(model, root, batch)
            continue
        except BadInput as error:
            trouble = error
        for item in batch:
            try:
                yield from _batch(model, root, [item])
            except BadInput as error:
                log.warning("no answer for %s: %s", item.key, error)
                refused, trouble = refused + 1, error
        if refused == len(items):
            raise trouble


def _batch(model: "Model", root: Path, items: Sequence[ItemToLabel]) -> list[ProposedItem]:
    contents = [inside(root, item.path).read_bytes() for item in items]
    answers = model.propose(contents, [item.image for item in items])
    return [ProposedItem(key=item.key, prediction=answer) for item, answer in zip(items, answers, strict=True)]
