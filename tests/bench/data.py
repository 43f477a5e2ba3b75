"""`make bench-data`: quality and release from 10,000 to 1,000,000 items with two answers each; writes docs/evidence/labels.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "labels.md"
SIZES = (10_000, 100_000, 1_000_000)
KINDS = (("ImageClassification", "MajorityVote"), ("ImageClassification", "DawidSkene"), ("ObjectDetection", "MajorityVote"))
PARTS = ("quality", "release")
LIMIT, SECONDS = 1024, 180
"""MiB of one Job, and seconds of both, that 100,000 items may take."""
HEAD = """# How large: from answers to versions

Written by `make bench-data`, which takes everything that the Jobs do from the bytes of a snapshot and a listing on; what stores and
networks take comes on top. Two people answer each item, nine times of ten right, out of ten labels; images have three boxes. Every line is a
process of its own, as every Job is.
*Busy* is what it computed, *seconds* what it took on {cores} cores that were shared with other work (load {load:.1f} at the start).

| items | task | consensus | Job | seconds | busy s | memory MiB |
|---|---|---|---|---|---|---|
"""


def measured(items: int, task: str, method: str, part: str) -> dict[str, object]:
    """One Job's work, once."""
    words = [sys.executable, "-m", "tests.bench.labels", str(items), task, method, part]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return found


def page(figures: Sequence[dict[str, object]], load: float) -> str:
    """The page, with whether the bound for 100,000 items holds."""
    rows = [
        f"| {each['items']:,} | {each['task']} | {each['method']} | {each['part']} | {each['seconds']} | {each['busy']} | {each['memory']} |"
        for each in figures
    ]
    told = []
    for task, method in KINDS:
        mine = [each for each in figures if (each["items"], each["task"], each["method"]) == (100_000, task, method)]
        seconds, most = sum(float(str(each["busy"])) for each in mine), max((int(str(each["memory"])) for each in mine), default=0)
        verdict = "held" if seconds <= SECONDS and most <= LIMIT else "MISSED"
        told.append(f"- {task}, {method}: {seconds:.0f} s busy, {most} MiB: {verdict}")
    bound = f"\nThe bound for 100,000 items with 200,000 answers: both Jobs within {SECONDS} s, each within {LIMIT} MiB.\n"
    return HEAD.format(cores=os.cpu_count(), load=load) + "\n".join([*rows, bound, *told, ""])


def main(largest: int = SIZES[-1]) -> None:
    """All sizes up to the largest, Dawid and Skene's and boxes up to 100,000."""
    load = os.getloadavg()[0]
    figures = [
        measured(items, task, method, part)
        for items in SIZES
        for task, method in KINDS
        for part in PARTS
        if items <= largest and (items <= SIZES[1] or (task, method) == KINDS[0])
    ]
    PAGE.write_text(page(figures, load))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
