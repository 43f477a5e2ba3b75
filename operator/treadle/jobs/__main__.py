"""`python -m treadle.jobs`: what runs in our Jobs and init containers. The environment says what to do (`treadle.contracts`)."""

import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from treadle.contracts import JOB_VARIABLE
from treadle.jobs._run import run, work_of

TERMINATION_LOG_VARIABLE = "TREADLE_TERMINATION_LOG"
TERMINATION_LOG = "/dev/termination-log"
KILLED = 128 + signal.SIGTERM


def main() -> int:
    """Do the one Job that the environment describes; returns its exit code."""
    log = Path(os.environ.get(TERMINATION_LOG_VARIABLE, TERMINATION_LOG))
    return run(os.environ.get(JOB_VARIABLE, ""), log, partial(work_of, now=datetime.now(UTC)))


def _end_when_told() -> None:
    """End at once on SIGTERM, also as process 1 (for which the kernel has no default) and inside a long call (where handlers wait): every Job
    may be cut at any point.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGTERM, lambda *_: None)

    def wait() -> None:
        os.read(told, 1)
        os._exit(KILLED)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_when_told()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sys.exit(main())
