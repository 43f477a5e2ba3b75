"""`python -m treadle.jobs`: what runs in our Jobs and init containers. The environment says what to do (`treadle.contracts`)."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from treadle.contracts import JOB_VARIABLE
from treadle.contracts.check import CollectSpec
from treadle.contracts.compare import CompareSpec
from treadle.contracts.dataset import FetchDatasetSpec
from treadle.contracts.evaluate import EvaluateSpec, PublishSpec
from treadle.contracts.feedback import FeedbackSpec
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.contracts.prelabel import FetchItemsSpec, PredictSpec, PrelabelSpec
from treadle.contracts.prepare import DraftSpec
from treadle.contracts.quality import QualitySpec
from treadle.contracts.rank import RankSpec
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.report import ReportSpec
from treadle.contracts.sync import SyncSpec
from treadle.jobs._run import Work, run
from treadle.jobs.collect import collect
from treadle.jobs.compare import compare
from treadle.jobs.draft import draft
from treadle.jobs.evaluate import evaluate
from treadle.jobs.feedback import feedback
from treadle.jobs.fetch_dataset import fetch_dataset
from treadle.jobs.fetch_items import fetch_items
from treadle.jobs.fetch_model import fetch_model
from treadle.jobs.predict import predict
from treadle.jobs.prelabel import prelabel
from treadle.jobs.publish import publish
from treadle.jobs.quality import quality
from treadle.jobs.rank import rank
from treadle.jobs.release import release
from treadle.jobs.report import report
from treadle.jobs.sync import sync

TERMINATION_LOG_VARIABLE = "TREADLE_TERMINATION_LOG"
TERMINATION_LOG = "/dev/termination-log"
KILLED = 128 + signal.SIGTERM


def main() -> int:
    """Do the one Job that the environment describes; returns its exit code."""
    works: Mapping[str, Work] = {
        "sync": (SyncSpec, sync),
        "quality": (QualitySpec, quality),
        "release": (ReleaseSpec, partial(release, now=datetime.now(UTC))),
        "collect": (CollectSpec, collect),
        "compare": (CompareSpec, compare),
        "draft": (DraftSpec, draft),
        "fetch-dataset": (FetchDatasetSpec, fetch_dataset),
        "fetch-model": (FetchModelSpec, fetch_model),
        "evaluate": (EvaluateSpec, evaluate),
        "fetch-items": (FetchItemsSpec, fetch_items),
        "predict": (PredictSpec, predict),
        "prelabel": (PrelabelSpec, prelabel),
        "rank": (RankSpec, rank),
        "feedback": (FeedbackSpec, feedback),
        "publish": (PublishSpec, publish),
        "report": (ReportSpec, report),
    }
    return run(os.environ.get(JOB_VARIABLE, ""), works, Path(os.environ.get(TERMINATION_LOG_VARIABLE, TERMINATION_LOG)))


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
