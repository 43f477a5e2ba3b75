"""`kubectl treadle diff A B`: what went into two runs that differs, and how what came out of them moved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.cli._objects import dig
from treadle.cli._table import table
from treadle.plan import Object

NOT_COMPARED = ("suspend", "ttlAfterFinished", "rerunOf", "image", "dataset", "parameters", "gates", "sensitive")
"""Fields of spec that say nothing about the training, or that are compared in another way."""
NOTHING = "-"
WIDEST = 60


@dataclass(frozen=True)
class Difference:
    """A field that differs; None where a run has no such thing."""

    field: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Move:
    """A metric of both runs, or of one."""

    metric: str
    a: float | None
    b: float | None

    @property
    def change(self) -> float | None:
        """From A to B."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side. `inputs` are what went in, `outcomes` and `metrics` what came out."""

    a: str
    b: str
    inputs: tuple[Difference, ...]
    outcomes: tuple[Difference, ...]
    metrics: tuple[Move, ...]

    @property
    def same(self) -> bool:
        """Whether neither what went in nor what came out differs."""
        return not self.inputs and not self.outcomes and all(move.change == 0 for move in self.metrics)

    def to_object(self) -> dict[str, Any]:
        """As data, for scripts."""
        differences = {field: [vars(one) for one in getattr(self, field)] for field in ("inputs", "outcomes")}
        moves = [{**vars(move), "change": move.change} for move in self.metrics]
        return {"a": self.a, "b": self.b, "same": self.same, **differences, "metrics": moves}


def compare(a: Object, b: Object) -> Comparison:
    """Compare two TrainingRuns. An image is compared by the digest that ran and a dataset by its own digest, whatever they were called."""
    one, other = dict(_inputs(a)), dict(_inputs(b))
    shadowed = "image" if {"image digest"} <= one.keys() & other.keys() else "image digest"
    for inputs in (one, other):
        inputs.pop(shadowed, None)
    ended, ended_other = dict(_outcomes(a)), dict(_outcomes(b))
    measured, measured_other = _metrics(a), _metrics(b)
    return Comparison(
        a=a["metadata"]["name"],
        b=b["metadata"]["name"],
        inputs=_differences(one, other),
        outcomes=_differences(ended, ended_other),
        metrics=tuple(Move(name, measured.get(name), measured_other.get(name)) for name in sorted({*measured, *measured_other})),
    )


def tell_comparison(found: Comparison) -> list[str]:
    """The comparison as two tables."""
    lines: list[str] = []
    if found.inputs:
        rows = [(one.field, one.a or NOTHING, one.b or NOTHING) for one in found.inputs]
        lines += table([("WHAT WENT IN", found.a, found.b), *rows], WIDEST)
    else:
        lines.append(f"Nothing that went into {found.a} and {found.b} differs.")
    out = [(one.field, one.a or NOTHING, one.b or NOTHING, "") for one in found.outcomes]
    moves = [(move.metric, _number(move.a), _number(move.b), _change(move)) for move in found.metrics]
    if out or moves:
        lines += ["", *table([("WHAT CAME OUT", found.a, found.b, "CHANGE"), *out, *moves], WIDEST)]
    return lines


def _inputs(run: Object) -> Iterator[tuple[str, str]]:
    spec: Mapping[str, Any] = run["spec"]
    yield "image", str(spec["image"])
    _, found, digest = str(dig(run, "status", "imageDigest") or spec["image"]).partition("@")
    if found:
        yield "image digest", digest
    data = {**(spec.get("dataset") or {}), **(dig(run, "status", "dataset") or {})}
    if digest := str(data.get("digest") or "").removeprefix("sha256:"):
        yield "dataset digest", digest
    elif data:
        yield "dataset", f"{data.get('project')}, {data.get('version', 'latest')}"
    for field in ("format", "splits"):
        if value := (spec.get("dataset") or {}).get(field):
            yield f"dataset.{field}", str(value)
    for parameter in spec.get("parameters") or ():
        yield f"parameters.{parameter['name']}", str(parameter["value"])
    for gate in spec.get("gates") or ():
        bounds = {name: value for name, value in gate.items() if name != "name"}
        yield f"gates.{gate['name']}", ", ".join(f"{name} {_flat(value)}" for name, value in bounds.items())
    for field, value in spec.items():
        if field not in NOT_COMPARED:
            yield from _flattened(field, _named(field, value))


def _outcomes(run: Object) -> Iterator[tuple[str, str]]:
    if result := dig(run, "status", "result"):
        yield "outcome", f"{result.get('outcome')}: {result.get('reason')}"
    for gate in dig(run, "status", "gates") or ():
        yield f"gate {gate.get('name')}", str(gate.get("verdict"))
    if attempts := dig(run, "status", "attempts"):
        yield "attempts", str(max(attempt["number"] for attempt in attempts))  # the list keeps the last ones only


def _metrics(run: Object) -> dict[str, float]:
    """The latest of what the program reported, what gates judged, and what the evaluation measured; the last counts."""
    judged = {gate["name"]: gate["metric"] for gate in dig(run, "spec", "gates") or ()}
    told: dict[str, float] = {}
    for metric in dig(run, "status", "progress", "metrics") or ():
        told[metric["name"]] = float(metric["value"])
    for gate in dig(run, "status", "gates") or ():
        if gate.get("value") is not None and gate.get("name") in judged:
            told[judged[gate["name"]]] = float(gate["value"])
    for metric in dig(run, "status", "evaluation", "metrics") or ():
        told[metric["name"]] = float(metric["value"])
    return told


def _named(field: str, value: Any) -> Any:
    """Tracking that only says what is silently so (where a rerun is tracked) is none of its own."""
    return {name: said for name, said in value.items() if name != "experiment" and said != "MLflow"} if field == "tracking" else value


def _flattened(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flattened(f"{path}.{name}", inner)
    elif isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        for entry in value:
            yield f"{path}.{entry['name']}", _flat({name: said for name, said in entry.items() if name != "name"})
    elif value not in (None, "", []):
        yield path, _flat(value)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_flat(said)}" for name, said in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _differences(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[Difference, ...]:
    fields = dict.fromkeys((*a, *b))
    return tuple(Difference(field, a.get(field), b.get(field)) for field in fields if a.get(field) != b.get(field))


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.6g}"


def _change(move: Move) -> str:
    if move.change is None:
        return NOTHING
    share = f" ({100 * move.change / abs(move.a):+.2g} %)" if move.a and move.change else ""
    return f"{move.change:+.6g}{share}" if move.change else "same"
