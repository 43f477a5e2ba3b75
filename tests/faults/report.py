"""The fault matrix, as people read it: docs/evidence/faults.md, written by `make faults`."""

import os
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tests.faults.drill import Row

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "faults.md"
MESSAGE_LIMIT = 240
MISTAKE_LIMIT = 300
PORT = re.compile(r"(127\.0\.0\.1):\d+")
"""Another one in each run."""
TEXT = """# What happens when something fails

Made by `make faults`; do not edit. A sample of the rows is part of `make integration`.

The operator runs as one process, in front of a real Kubernetes API server {kubernetes} with its real controllers, a real MLflow, a real Label Studio
and a real S3. A proxy stands before each of them and fails as it is told to; where the fault is another one, the row says so. The operator is as
shipped, but for less patience: it polls every 2 s (10 s when shipped), gives a call to MLflow and Label Studio 5 s (15 s), and pauses 3 s (10 s)
after a Job of a project has failed; such Jobs give their store 2 s (60 s). Backoff, Lease, re-LISTs and calls to the API server are as shipped.

In each row, objects are in the middle of their life when the fault begins, and others are applied while it lasts: TrainingRuns (with MLflow: one
whose program ends meanwhile, and a new one), AnnotationProjects (one that people annotate in, and a new one), ModelDeployments. Rows without
**failed** hold all of this:

- a *bystander*, a TrainingRun that needs nothing of what is broken and is applied while it is, is done during the fault;
- who waits says for what: the condition shown, with its reason and message;
- all of them come to their end by themselves once the fault is over;
- nothing is lost and nothing is there twice: each Job was made once (by the API server's audit log), each run has one live MLflow run, each project
  one labelling project with each item in it once;
- no credential is in a status, an Event, or in a request to where a redirect leads;
- the operator's log holds no stack trace, and it counted no unexpected error.

{rows} rows, {whole} of them hold all. Machine: {cores} cores, load average {load:.1f} at the end (other work ran on it too).
"""
HEADER = """
## {system}

| fault | what the object says | said after | bystander done after | fault lasted | recovered after | unhandled |
|---|---|---|---|---|---|---|
"""


def page(rows: Sequence[Row], kubernetes: str) -> str:
    """The whole page; rows of one system stand together."""
    whole = sum(not row.mistakes for row in rows)
    text = TEXT.format(kubernetes=kubernetes, rows=len(rows), whole=whole, cores=os.cpu_count(), load=os.getloadavg()[0])
    for system, found in groupby(rows, key=lambda row: row.case.system):
        text += HEADER.format(system=system) + "".join(f"| {' | '.join(_cells(row))} |\n" for row in found)
    return text


def _cells(row: Row) -> Sequence[str]:
    failed = f" **failed**: {_plain('; '.join(row.mistakes))[:MISTAKE_LIMIT]}" if row.mistakes else ""
    said = "; ".join(f"`{kind}`: `{reason}`: {_plain(message)[:MESSAGE_LIMIT]}" for kind, reason, message in row.told[:2])
    return (
        row.case.words + failed,
        said or row.case.silence,
        _seconds(row.noticed),
        "-" if row.case.shared else _seconds(row.served),
        _seconds(row.lasted),
        _seconds(row.recovered),
        str(row.unhandled),
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _plain(text: str) -> str:
    return PORT.sub(r"\1", text).replace("|", "/").replace("\n", " ").replace("<", "&lt;")
