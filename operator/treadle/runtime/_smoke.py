"""Before a pod is ready, its model is asked about the example that it answered right when it was evaluated. Other libraries may answer otherwise."""

import logging
from pathlib import Path

import numpy as np

from treadle.api.reasons import Reason
from treadle.contracts.model import ITEM, LABEL
from treadle.contracts.smoke import ITEM_LIMIT, KnownAnswer
from treadle.predictors import BadInput, Model, NotLoadable

logger = logging.getLogger("treadle.runtime")


def ask(model: Model, known: KnownAnswer | None, *, sensitive: bool = False) -> None:
    """Ask it. What cannot be asked (the item is not there, or the model takes none) is done without, and said in the log.

    Args:
        model: as it is to serve.
        known: the item and its label; None where none was kept.
        sensitive: the words of an error, which may quote the item, are left out.

    Raises:
        NotLoadable: when it answers otherwise, or not at all.
    """
    if known is None:
        return
    if (content := _content(Path(known.file))) is None:
        return
    if not model.estimator.classifies or not any(tensor.name == ITEM for tensor in model.inputs):
        logger.warning("the smoke example is not asked: the model takes no items, or gives no label")
        return
    item = np.empty(1, dtype=object)
    item[0] = content
    try:
        answer = str(model.infer({ITEM: item}).outputs[LABEL][0])
    except BadInput as error:
        told = f"the model cannot answer the example that it answered {known.label!r} when it was evaluated"
        raise NotLoadable(Reason.SmokeFailed, told if sensitive else f"{told}: {error}") from error
    if answer != known.label:
        others = "; ".join(map(str, model.others))
        told = f"the model answers {answer!r} to the example that it answered {known.label!r} when it was evaluated"
        raise NotLoadable(Reason.SmokeFailed, f"{told}: {others}" if others else told)
    logger.info("the smoke example is answered as when the model was evaluated: %r", answer)


def _content(file: Path) -> bytes | None:
    try:
        if file.stat().st_size <= ITEM_LIMIT:
            return file.read_bytes()
        logger.warning("the smoke example is not asked: it is larger than %d bytes", ITEM_LIMIT)
    except OSError as error:
        logger.warning("the smoke example is not asked: %s", error)
    return None


__all__ = ["ask"]
