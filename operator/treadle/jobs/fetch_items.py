"""Bring the items of one shard into a directory of the pod, without those that have an answer. `items.jsonl` comes last: then all is there."""

import logging
import os
from pathlib import Path, PurePosixPath

from treadle.api.reasons import Reason
from treadle.contracts.prelabel import ITEMS_FILE, SHARD_VARIABLE, TASK_FILE, FetchItemsResult, FetchItemsSpec, ItemToLabel, TaskToLabel
from treadle.contracts.sync import Item
from treadle.jobs._answered import answered, listed, of_shard
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import WrongContent, has_content, write_whole
from treadle.jobs._lines import to_lines
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import NotThere, Store

LONGEST_SUFFIX = 10

log = logging.getLogger("treadle.jobs")


def fetch_items(spec: FetchItemsSpec) -> FetchItemsResult:
    """Fetch the items that this pod's programs are to answer.

    Raises:
        JobFailure: the listing is gone, or the store does not answer.
    """
    store, root = Store(spec.store), Path(spec.directory)
    known = answered(store, spec.destination, spec.who)
    mine = list(of_shard(listed(store, spec.items), shard(), spec.shards))
    wanted = [item for item in mine if (item.key, item.sha256) not in known]
    brought = side_by_side(lambda item: _bring(store, root, item), wanted)
    lines = [line for line in brought if line is not None]
    task = TaskToLabel(type=spec.labels.task, labels=spec.labels.names, relations=spec.labels.relation_names)
    write_whole(root / TASK_FILE, [task.to_json().encode()])
    write_whole(root / ITEMS_FILE, [to_lines(lines)])
    return FetchItemsResult(items=len(lines), answered=len(mine) - len(wanted), missing=len(wanted) - len(lines))


def shard() -> int:
    """Which of the Job's pods this is.

    Raises:
        JobFailure: nobody said.
    """
    said = os.environ.get(SHARD_VARIABLE, "")
    if not said.isdigit():
        raise JobFailure(Reason.JobContractMismatch, f"the environment has no number in {SHARD_VARIABLE}: the Job is not an Indexed Job")
    return int(said)


def _bring(store: Store, root: Path, item: Item) -> ItemToLabel | None:
    """An item's file; None for one that is gone or has changed since it was listed, which the next sync tells."""
    path = f"files/{item.sha256}{_suffix(item.uri)}"
    try:
        if not has_content(root / path, item.sha256):
            write_whole(root / path, store.stream(item.uri), item.sha256)
    except (NotThere, WrongContent) as error:
        log.warning("%s is left out: %s", item.uri, error)
        return None
    return ItemToLabel(key=item.key, uri=item.uri, sha256=item.sha256, path=path, image=item.image)


def _suffix(uri: str) -> str:
    """What programs tell formats by, as far as it is harmless."""
    suffix = PurePosixPath(uri.rpartition("#")[0] or uri).suffix
    return suffix if len(suffix) <= LONGEST_SUFFIX and suffix[1:].isalnum() else ""
