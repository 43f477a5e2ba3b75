"""docs/performance-serving.md, from what was measured: targets, all figures, and how they were taken."""

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.bench_serving.measure import CONNECTIONS, Measured
from tests.bench_serving.servers import PEERS

REPOSITORY = Path(__file__).parents[2]
TITLES = {
    "floor": "bare ASGI application",
    "treadle": "**Treadle**",
    "treadle-onnx": "**Treadle**, `onnx: true`",
    "mlflow": "MLflow's scoring server",
    "mlserver": "MLServer, MLflow runtime",
    "mlserver-sklearn": "MLServer, scikit-learn runtime",
    "bentoml": "BentoML",
}
LOCKS = {
    "mlflow": REPOSITORY / "operator" / "images" / "mlflow" / "requirements.txt",
    "mlserver": PEERS / "mlserver" / "requirements.txt",
    "bentoml": PEERS / "bentoml" / "requirements.txt",
}
DISTURBED = """**Other programs were at work meanwhile**: servers that were asked without pause got {got:.0f} % of their core, where an idle machine
gives nearly all of it. Requests per second and all times are worse than they would be, for every server; ratios of CPU per request suffer least."""
CALM = 0.8
"""Of a core: a server that got less was disturbed."""
INTRODUCTION = """# What a request costs in the serving runtime

`make bench-serving` writes this page. Every server serves the same bytes: a logistic regression of four numbers that MLflow saved in the skops format
(MLServer's scikit-learn runtime reads no skops and gets the same estimator as joblib). Each runs as one process with one thread per library, as it is
configured out of the box otherwise, on a core of its own as far as the machine lets it; a client on another core asks about one row of four numbers
at a time. Ratios are of servers that were measured in the same round, one after the other; told is the median of the rounds.
"""
METHOD = f"""CPU per request is what the kernel counted for the server and its children over some seconds in which {CONNECTIONS}
connections asked again as soon as they were answered; it depends little on what else the machine does. For p99 the same server then gets half as many
requests per second as it could answer, at random moments, and a request's time counts from when it was due; what else the machine does shows here.
Memory is taken after that, shared pages by their share. The start is from the process's start to the first answer about a row.

Treadle answers requests that come at the same moment with one call of the model (some of the others can be told to, and wait for companions then).
What it counts, measures and watches is on, as in a pod.

ONNX takes over the model's own work, and nothing of what HTTP costs. Of a linear model that work is a small part of the request, so that no graph
could make the whole three times as fast; of a forest it is nearly all."""


def write(linear: Sequence[Measured], forest: Sequence[Measured]) -> Path:
    """Replace the page; returns where it is."""
    figures = _table(
        ("server", "CPU per request, ms", "requests per second", "median, ms", "p99, ms", "start, s", "memory, MiB", "failed"),
        [_row(linear, name) for name in TITLES],
    )
    parts = [INTRODUCTION, "## Targets", _targets(linear, forest), "## All figures", figures]
    if forest:
        names = ("treadle", "treadle-onnx")
        trees = [(TITLES[name], _told(forest, name, "cost", 3), _told(forest, name, "p99", 1)) for name in names]
        parts += ["A forest of a hundred trees:", _table(("100 trees", "CPU per request, ms", "p99, ms"), trees)]
    parts.append("## How it was measured")
    parts += [METHOD, *_disturbed(linear), _versions()]
    path = REPOSITORY / "docs" / "performance-serving.md"
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return path


def _targets(linear: Sequence[Measured], forest: Sequence[Measured]) -> str:
    def row(words: str, wanted: float, found: float) -> tuple[str, ...]:
        return words, f"at least {wanted:g}", f"{found:.2f}", "yes" if found >= wanted else "**no**"

    rows = [
        row("bare application / Treadle, CPU per request", 0.8, _ratio(linear, "floor")),
        row("MLflow / Treadle", 8, _ratio(linear, "mlflow")),
        row("MLServer, MLflow runtime / Treadle", 3, _ratio(linear, "mlserver")),
        row("MLServer, scikit-learn runtime / Treadle", 3, _ratio(linear, "mlserver-sklearn")),
        row("BentoML / Treadle", 6, _ratio(linear, "bentoml")),
        row("Treadle / Treadle with ONNX, logistic regression", 3, 1 / _ratio(linear, "treadle-onnx")),
    ]
    if forest:
        rows.append(row("Treadle / Treadle with ONNX, 100 trees", 3, 1 / _ratio(forest, "treadle-onnx")))
    ours = _median(linear, "treadle", "p99")
    for name in ("mlflow", "mlserver", "mlserver-sklearn", "bentoml"):
        theirs = _median(linear, name, "p99")
        rows.append(
            (f"p99 at half load, {TITLES[name]}", f"at most theirs ({theirs:.1f} ms)", f"{ours:.1f} ms", "yes" if ours <= theirs else "**no**")
        )
    return _table(("measure", "target", "measured", "met"), rows)


def _of(figures: Sequence[Measured], name: str) -> list[Measured]:
    return [it for it in figures if it.server == name]


def _ratio(figures: Sequence[Measured], other: str) -> float:
    """Of CPU per request, of the other one to ours: the median over the rounds that both were in."""
    return median(theirs.cost / ours.cost for theirs, ours in zip(_of(figures, other), _of(figures, "treadle"), strict=False))


def _median(figures: Sequence[Measured], name: str, field: str) -> float:
    return median(getattr(it, field) for it in _of(figures, name))


def _told(figures: Sequence[Measured], name: str, field: str, digits: int) -> str:
    """The median, with the least and the most."""
    found = [getattr(it, field) for it in _of(figures, name)]
    return f"{median(found):.{digits}f} ({min(found):.{digits}f} to {max(found):.{digits}f})"


def _row(figures: Sequence[Measured], name: str) -> tuple[str, ...]:
    told: Callable[[str, int], str] = lambda field, digits: _told(figures, name, field, digits)  # noqa: E731
    failed = str(sum(it.failed for it in _of(figures, name)))
    return TITLES[name], told("cost", 3), told("rate", 0), told("median", 1), told("p99", 1), told("start", 1), told("memory", 0), failed


def _disturbed(figures: Sequence[Measured]) -> Iterator[str]:
    """That others were at work: a server that is asked without pause uses its whole core, if it gets it."""
    got = median(it.rate * it.cost / 1000 for it in figures)
    if got < CALM:
        yield DISTURBED.format(got=100 * got)


def _versions() -> str:
    ours = _locked(REPOSITORY / "operator" / "requirements" / "runtime.txt", ("scikit-learn", "numpy", "uvicorn", "uvloop", "onnxruntime"))
    told = [f"Treadle and the bare application: {ours}"]
    told += [f"{name}: {_locked(lock, (name, 'mlflow', 'scikit-learn', 'numpy'))}" for name, lock in LOCKS.items()]
    machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Versions: {'; '.join(told)}. Machine: {machine}."


def _locked(lock: Path, names: Sequence[str]) -> str:
    versions = dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", lock.read_text(), re.MULTILINE))
    return ", ".join(f"{name} {versions[name]}" for name in dict.fromkeys(names) if name in versions)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
