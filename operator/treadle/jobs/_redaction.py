"""Items go through a program of the user's before they leave the pod: it finds them as files, and leaves what may be kept under the same names.

Whatever it does, nothing that it has not written leaves the pod: an item that it takes away without an answer, or answers with an empty file, is
dropped. While it does not run, items wait, a bounded number of them.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from treadle.contracts.feedback import GIVEN, ITEM, REDACTED, REDACTION, WAITING, FeedbackNote
from treadle.jobs._files import file_sha256, write_whole
from treadle.jobs._spool import notes, spooled

WAITING_LIMIT = 32
RESULT_LIMIT = 16 << 20

log = logging.getLogger("treadle.jobs")


def hand_over(spool: Path) -> None:
    """Give the program as many items as may wait for it. The item goes first: what lies beside a waiting note has been redacted, always."""
    given, _ = _folders(spool)
    room = WAITING_LIMIT - sum(1 for _ in spool.glob(f"*{WAITING}"))
    for path, note in spooled(spool):
        if room <= 0:
            return
        os.replace(path.with_suffix(ITEM), given / note.digest)
        os.replace(path, path.with_suffix(WAITING))
        room -= 1


def redacted(spool: Path) -> Iterator[tuple[Path, FeedbackNote]]:
    """Notes of items that the program is done with, each with what became of the item beside it, under its new digest."""
    given, done = _folders(spool)
    for path, note in notes(spool, WAITING):
        item, content = path.with_suffix(ITEM), _result(done / note.digest)
        if content:
            write_whole(item, [content])
        if content is not None:
            (done / note.digest).unlink(missing_ok=True)
            (given / note.digest).unlink(missing_ok=True)
        if item.is_file():  # perhaps of an earlier round, which was cut short
            yield path, note.model_copy(update={"digest": file_sha256(item)})
        elif not (given / note.digest).exists():
            log.info("an item is dropped, as the redacting program wants it")
            path.unlink()


def _result(path: Path) -> bytes | None:
    """What the program left; None while there is nothing. A link that it left says nothing."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    with os.fdopen(file, "rb") as opened:
        return opened.read(RESULT_LIMIT)


def _folders(spool: Path) -> tuple[Path, Path]:
    folders = spool / REDACTION / GIVEN, spool / REDACTION / REDACTED
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o770)  # the program may be another user of the pod's group
    return folders


__all__ = ["hand_over", "redacted"]
