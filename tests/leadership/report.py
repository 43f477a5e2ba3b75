"""The figures of leadership, as people read them: docs/evidence/leadership.md."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.leadership.faults import Fault, Outcome
from tests.leadership.rolling import Rolling

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "leadership.md"

TEXT = """# When the leader falters, and when it is updated

Made by `make leadership`; do not edit. A smaller sample is part of `make integration`.

Two replicas of the shipped process, `python -m treadle.main`, run in front of a real Kubernetes API server {kubernetes} with the real
controllers, and of a real MLflow. Each has a user of its own, so that the API server's audit log tells who sent what; all times below are the
audit log's. The Lease lasts 10 s. Machine: {cores} cores, load average {load} at the end (other work ran on it too); Python {python}.

## The leader falters

In the middle of a wave: half of {runs} TrainingRuns (with tracking) are ending, the other half is being launched. Each fault was suffered
{times} times.

| the leader is | Lease held by the other | its first write | Jobs made for runs | made twice | runs with one live tracked run | status went back |
|---|---|---|---|---|---|---|
{faults}

Seconds from the fault, the median and the longest. *One live tracked run*: in MLflow exactly one is FINISHED and all others of the same TrainingRun
(made by a call that came late) are KILLED.

### What the old leader still sent once the other held the Lease

Writing requests, by status code, over all times. *Refused* by precondition (409: the name is taken, or the object is not at the resourceVersion any
more), or given up by the API server because the network held the body back for too long (504). *Carried out*: nobody had done it before, so
that the precondition held; a Job is made only once under its name, and a status is written only to the very state that it was decided from.
Events tell people something and change nothing.

| the leader is | connections held back | refused | carried out |
|---|---|---|---|
{late}

## A rolling update

The new replica has read everything and waits; the old one gets SIGTERM and gives the Lease back. {finished} finished TrainingRuns
{jobs} are present, and a new TrainingRun is applied every {steady:.1f} s. *Pause*: from the last write of the old replica about a run to the first
of the new one.

| | pause | Lease free for | longest wait of a run for its Job | median wait | writes about finished runs | Jobs made for runs |
|---|---|---|---|---|---|---|
{updates}

## What stands in the way of more

MLflow knows no preconditions: a call that the network delivers late can make a second tracking run (it is closed when the run ends, or by the
sweeper), or move an alias back that somebody moved on meanwhile.
"""


def write(kubernetes: str, outcomes: Sequence[Outcome], updates: Sequence[Rolling], steady: float, *, with_jobs: bool) -> str:
    """Replace the page; returns it."""
    by_fault = {fault: [outcome for outcome in outcomes if outcome.fault is fault] for fault in Fault}
    page = TEXT.format(
        kubernetes=kubernetes,
        cores=os.cpu_count(),
        load=f"{os.getloadavg()[0]:.1f}",
        python=platform.python_version(),
        runs=outcomes[0].runs,
        times=len(by_fault[Fault.KILLED]),
        faults="\n".join(_fault(fault, suffered) for fault, suffered in by_fault.items()),
        late="\n".join(_late(fault, suffered) for fault, suffered in by_fault.items()),
        finished=f"{updates[0].present:,}",
        jobs="and their Jobs" if with_jobs else "(their Jobs are gone, as a week later)",
        steady=steady,
        updates="\n".join(_update(number, each) for number, each in enumerate(updates, start=1)),
    )
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    EVIDENCE.write_text(page)
    return page


def _fault(fault: Fault, suffered: Sequence[Outcome]) -> str:
    runs, jobs = sum(o.runs for o in suffered), sum(sum(o.jobs.values()) for o in suffered)
    twice = sum(count > 1 for o in suffered for count in o.jobs.values())
    live = sum([state for state in states if state != "KILLED"] == ["FINISHED"] for o in suffered for states in o.tracked.values())
    back = sum(len(o.backwards) for o in suffered)
    times = (_seconds([o.taken for o in suffered]), _seconds([o.acted for o in suffered]))
    return f"| {fault.value} | {' | '.join(times)} | {jobs} for {runs} | {twice} | {live} of {runs} | {back} |"


def _late(fault: Fault, suffered: Sequence[Outcome]) -> str:
    refused, carried_out = (sum(parts, Counter[str]()) for parts in ([o.refused for o in suffered], [o.carried_out for o in suffered]))
    return f"| {fault.value} | {sum(o.kept for o in suffered)} | {_counted(refused)} | {_counted(carried_out)} |"


def _update(number: int, each: Rolling) -> str:
    waits = f"{each.waits[-1]:.2f} s | {median(each.waits):.2f} s"
    return f"| {number} | {each.pause:.2f} s | {each.idle:.2f} s | {waits} | {each.touched} | {each.jobs[0]} for {each.jobs[1]} |"


def _counted(requests: Counter[str]) -> str:
    return ", ".join(f"{count} × {request}" for request, count in sorted(requests.items())) or "nothing"


def _seconds(figures: Sequence[float]) -> str:
    return f"{median(figures):.1f} s, {max(figures):.1f} s"
