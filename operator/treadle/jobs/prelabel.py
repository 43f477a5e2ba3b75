"""Keep what programs answered in this pod: read by the contract, put into the order of the items, kept once."""

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from treadle.api.reasons import Reason
from treadle.contracts.model import Prediction
from treadle.contracts.prelabel import ITEMS_FILE, PREDICTIONS_FILE, Answered, ItemToLabel, PrelabelResult, PrelabelSpec, ProposedItem
from treadle.jobs._answered import folder, part_name
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import from_lines, to_lines
from treadle.jobs._store import Store, below
from treadle.jobs.fetch_items import shard

FILE_LIMIT = 512 * 1024 * 1024  # bytes of what a program left behind

log = logging.getLogger("treadle.jobs")


def prelabel(spec: PrelabelSpec) -> PrelabelResult:
    """Keep the answers about the items of this pod.

    Raises:
        JobFailure: a program left nothing that can be read, or the store does not answer.
    """
    number = shard()
    items = list(from_lines(ItemToLabel, (Path(spec.directory) / ITEMS_FILE).read_bytes()))
    said = {program: _said(Path(spec.predictions) / program / PREDICTIONS_FILE, program) for program in spec.programs} if items else {}
    lines = [
        Answered(key=item.key, sha256=item.sha256, answers={program: of[item.key] for program, of in said.items() if item.key in of})
        for item in items
    ]
    if lines:
        Store(spec.store).create(below(folder(spec.destination, spec.who), part_name(spec.items, number, spec.shards)), to_lines(lines))
    return PrelabelResult(shard=number, items=len(lines), answered=sum(bool(line.answers) for line in lines))


def _said(path: Path, program: str) -> Mapping[str, Prediction]:
    """What a program answered, by key. An item that it names twice has its last answer."""
    if not path.is_file():
        raise JobFailure(Reason.NothingPredicted, f"{program} left no {PREDICTIONS_FILE}")
    if (size := path.stat().st_size) > FILE_LIMIT:
        raise JobFailure(Reason.NothingPredicted, f"{PREDICTIONS_FILE} of {program} has {size} bytes, more than {FILE_LIMIT} are not read")
    try:
        return {line.key: line.prediction for line in from_lines(ProposedItem, path.read_bytes()) if line.prediction is not None}
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "a line"
        raise JobFailure(Reason.NothingPredicted, f"{PREDICTIONS_FILE} of {program} is not by the contract: {where}: {wrong['msg']}") from error
