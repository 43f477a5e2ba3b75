"""What was measured, kept as JSON below `build/bench` so that parts can be taken one after the other and the page is made from all of them."""

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from e2e.cluster.commands import run
from e2e.cluster.tools import kubernetes_version
from tests.bench.load import Timeline

FOLDER = Path(__file__).parents[2] / "build" / "bench"


class Figures(BaseModel):
    """Times in seconds, memory in MiB."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Wait(Figures):
    """How long single objects waited."""

    median: float
    p95: float


class Round(Figures):
    """One round of one system.

    Attributes:
        created: When each Job was seen, in order, from the beginning of `apply`.
        finished: When each object said that it is finished.
        until_created: From the answer to `apply` until the object's Job is seen.
        until_finished: From the end of the Job until the object's own end is seen.
        requests: The controller's, as `verb resource`.
        outside: What MLflow answered, as `METHOD path`.
        cpu: Of the controller.
        server_cpu: Of the API server and etcd.
        memory: The most that the controller had.
        others: The share of the machine that processes used which have nothing to do with it.
        tries: How often it was taken until they used little; the quietest counts.
    """

    system: str
    number: int
    created: tuple[float, ...]
    finished: tuple[float, ...]
    until_created: Wait
    until_finished: Wait
    requests: dict[str, int] = {}
    outside: dict[str, int] = {}
    cpu: float = 0.0
    server_cpu: float = 0.0
    memory: float = 0.0
    others: float = 0.0
    tries: int = 1

    @property
    def created_per_second(self) -> float:
        """Until the last Job was there."""
        return len(self.created) / self.created[-1]

    @property
    def finished_per_second(self) -> float:
        """Until the last object was finished."""
        return len(self.finished) / self.finished[-1]


class Machine(Figures):
    """Where and when it was measured. `load`: the load average before; `commit`: of the operator."""

    processor: str
    cores: int
    memory: int
    kernel: str
    python: str
    kubernetes: str
    load: float
    commit: str = ""


class Throughput(Figures):
    """Rounds of several systems, taken in turns."""

    machine: Machine
    runs: int
    rounds: tuple[Round, ...] = ()

    def of(self, system: str) -> Sequence[Round]:
        """One system's rounds in order."""
        return [it for it in self.rounds if it.system == system]


class Present(Figures):
    """What so many finished runs cost.

    Attributes:
        rest: From the start of the process until it has looked at everything and rests.
        calls: The changing calls of this start, its own Lease apart.
        peak: The most memory of this start.
        memory: When it rested.
        cpu: Of this start.
        single: Of new runs, one after the other: from the answer to `apply` until the Job is seen, and from its end to the run's own.
        afterwards: Memory after these.
        others: The share of the machine that strangers used while these were applied.
    """

    present: int
    rest: float
    calls: int
    peak: float
    memory: float
    cpu: float
    single: tuple[float, ...]
    afterwards: float
    others: float = 0.0

    @property
    def latency(self) -> float:
        """Of one new run, the median."""
        return median(self.single)


class Presence(Figures):
    """The same operator with more and more finished runs."""

    machine: Machine
    steps: tuple[Present, ...] = ()


class Nodes(Figures):
    """Whole lives on nodes that kwok plays.

    Attributes:
        whole: Of one run, from the answer to `apply` to its end.
        pods: How many pods succeeded.
        written: Changing requests in the namespace, by user.
    """

    machine: Machine
    runs: int
    nodes: int
    round: Round
    whole: Wait
    pods: int
    written: dict[str, int]


Model = TypeVar("Model", bound=Figures)


def read(name: str, model: type[Model]) -> Model | None:
    """The part of that name, as it was measured last."""
    place = FOLDER / f"{name}.json"
    return model.model_validate_json(place.read_text()) if place.exists() else None


def keep(name: str, figures: Figures) -> None:
    """Replace a part."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(figures.model_dump_json(indent=1))


def machine() -> Machine:
    """This one, now."""
    processors = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return Machine(
        processor=processors[0] if processors else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        kernel=platform.release(),
        python=sys.version.split()[0],
        kubernetes=kubernetes_version(),
        load=round(os.getloadavg()[0], 1),
        commit=run("git", "rev-parse", "--short=10", "HEAD", cwd=FOLDER.parents[1]).strip(),
    )


def round_of(line: Timeline, *, system: str, number: int, **more: object) -> Round:
    """A round as it is kept."""
    figures = {
        "system": system,
        "number": number,
        "created": _since(line.began, line.created.values()),
        "finished": _since(line.began, line.finished.values()),
        "until_created": wait([line.created[name] - line.applied[name] for name in line.finished]),
        "until_finished": wait([line.finished[name] - line.completed[name] for name in line.finished]),
    }
    return Round.model_validate({**figures, **more})


def wait(seconds: Sequence[float]) -> Wait:
    """What was seen before it was told counts as no wait."""
    never_negative = [max(0.0, it) for it in seconds]
    return Wait(median=round(median(never_negative), 4), p95=round(quantiles(never_negative, n=20)[-1], 4))


def _since(began: float, moments: Iterable[float]) -> list[float]:
    return sorted(round(moment - began, 3) for moment in moments)
