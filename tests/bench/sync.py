"""`make bench-sync`: the first sync of many small texts from a real S3 server, and the next one, with nothing new; writes docs/evidence/sync.md."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
from obstore.store import S3Store

from tests.integration.servers import S3Server, s3_server
from treadle.contracts import JOB_VARIABLE, StoreConnection
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.stores import STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.contracts.sync import Source, SyncSpec
from treadle.jobs.sync import sync

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "sync.md"
SIZES = (10_000, 100_000)
BUCKET = "bench-sync"
TURNS = ("first", "nothing new")
HEAD = """# How large: from objects to items

Written by `make bench-sync`: the sync Job as a process of its own, over texts of some twenty bytes in an S3 server on the same machine
(`backend: Files`, so that no labelling backend takes its time). Each object is read once, to know that people can be shown it and which others
are the same; what did not change since the last listing is not read again.
*Busy* is what the Job computed, *seconds* what it took on {cores} cores that were shared with the S3 server and with other work (load {load:.1f} at
the start).

| items | sync | seconds | busy s | memory MiB |
|---|---|---|---|---|
"""


def fill(s3: S3Server, objects: int) -> None:
    """Put so many texts, all of them different."""
    keys = {"access_key_id": s3.access_key, "secret_access_key": s3.secret_key, "region": s3.region}
    store = S3Store(s3.make_bucket(BUCKET), endpoint=s3.endpoint, client_options={"allow_http": True}, **keys)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: obstore.put(store, f"raw/{n // 1000:04}/{n:07}.txt", f"The sea on day {n}.".encode()), range(objects)))


def measured(objects: int) -> Sequence[str]:
    """The rows of one size."""
    with tempfile.TemporaryDirectory() as folder, s3_server(Path(folder)) as s3:
        fill(s3, objects)
        spec = SyncSpec(
            labels=LabelSchema(task="TextClassification", labels=(LabelClass(name="calm"),)),
            sources=(Source(name="sea", uri=f"s3://{BUCKET}/raw/"),),
            destination=f"s3://{BUCKET}/sets/",
            store=StoreConnection(endpoint=s3.endpoint),
        )
        environment = {**os.environ, JOB_VARIABLE: spec.to_json(), STORE_KEY_VARIABLE: s3.access_key, STORE_SECRET_VARIABLE: s3.secret_key}
        rows = []
        for turn in TURNS:
            done = subprocess.run([sys.executable, "-m", "tests.bench.sync", "once"], env=environment, capture_output=True, text=True, check=True)
            told = json.loads(done.stdout)
            assert told["items"] == objects, told
            rows.append(f"| {objects:,} | {turn} | {told['seconds']:.0f} | {told['busy']:.1f} | {told['memory']:.0f} |")
            sys.stdout.write(rows[-1] + "\n")
            sys.stdout.flush()
        return rows


def once() -> None:
    """One sync in this process; what it took."""
    spec = SyncSpec.model_validate_json(os.environ[JOB_VARIABLE])
    began = time.monotonic()
    items = sync(spec).items
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"items": items, "seconds": time.monotonic() - began, "busy": time.process_time(), "memory": memory}))


def main(largest: int = SIZES[-1]) -> None:
    """All sizes up to the largest."""
    head = HEAD.format(cores=os.cpu_count(), load=os.getloadavg()[0])
    PAGE.write_text(head + "\n".join([row for size in SIZES if size <= largest for row in measured(size)]) + "\n")


if __name__ == "__main__":
    once() if sys.argv[1:] == ["once"] else main(*map(int, sys.argv[1:]))
