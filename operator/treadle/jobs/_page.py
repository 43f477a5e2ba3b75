"""The report's page: HTML with its style inside, nothing from outside, readable in light and dark and on paper."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from treadle.contracts.evaluate import OWN, EvaluationDetails, MeasuredModel
from treadle.contracts.report import Fact, ReportSpec
from treadle.jobs._charts import Point, curve, matrix
from treadle.jobs._html import document, section, table

MAIN_METRICS = ("accuracy", "map50", "map", "f1", "precision", "recall")
LATEST_LIMIT = 100
"""Metrics in the table of what was logged."""
SIGNS = {"Passed": "✓", "Failed": "✗", "Unknown": "?", "Succeeded": "✓", "Cancelled": "-"}


@dataclass(frozen=True)
class Logged:
    """What the program told MLflow: the history of metrics, the latest of each, or a note that says why there is none."""

    curves: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    latest: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def page(spec: ReportSpec, details: EvaluationDetails | None, logged: Logged, picture: bytes | None = None) -> str:
    """The whole page; without `details` of what was measured, what was logged counts. `picture` is a PNG of the confusion matrix."""
    own = next((model for model in details.models if model.version == OWN), MeasuredModel()) if details else MeasuredModel(metrics={**logged.latest})
    body = "".join(
        (
            _header(spec, details, own),
            _gates(spec),
            _metrics(spec, details) if details else _latest(logged),
            _curves(logged.curves, logged.note),
            _confusion(own, picture),
            section("Where it comes from", _facts(spec.facts)),
            section("Parameters", _facts(spec.parameters)) if spec.parameters else "",
            _attempts(spec),
        )
    )
    return document(f"{spec.name}: {spec.outcome}", body, "Made by Treadle when the run ended. This page needs nothing from outside.")


def _header(spec: ReportSpec, details: EvaluationDetails | None, own: MeasuredModel) -> str:
    figures = [(name, f"{value:.4g}") for name in MAIN_METRICS if (value := own.metrics.get(name)) is not None][:4]
    if details:
        figures.append((f"items of split {details.split}", str(details.items)))
    if seconds := sum(attempt.seconds or 0 for attempt in spec.attempts):
        figures.append(("running time", _duration(seconds)))
    if held := sum(attempt.gpu_seconds or 0 for attempt in spec.attempts):
        figures.append(("GPU hours", f"{held / 3600:.2f}"))
    told = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    return f'<header><h1>{escape(spec.name)} {_badge(spec.outcome)}</h1><p>{escape(spec.message)}</p><div class="figures">{told}</div></header>'


def _latest(logged: Logged) -> str:
    rows = [(escape(name), _value(value)) for name, value in list(logged.latest.items())[:LATEST_LIMIT]]
    return section("Logged by the program", table(("metric", "latest"), rows, numbers=True)) if rows else ""


def _confusion(own: MeasuredModel, picture: bytes | None) -> str:
    if own.confusion:
        return section("Confusion matrix", matrix(own.confusion.labels, own.confusion.counts))
    if picture is None:
        return ""
    return section(
        "Confusion matrix", f'<img alt="confusion matrix, as the program logged it" src="data:image/png;base64,{b64encode(picture).decode()}">'
    )


def _gates(spec: ReportSpec) -> str:
    if not spec.gates:
        return ""
    rows = [(escape(gate.name), escape(gate.bound), _badge(gate.verdict), escape(gate.message)) for gate in spec.gates]
    return section("Gates", table(("gate", "asked for", "verdict", "why"), rows))


def _metrics(spec: ReportSpec, details: EvaluationDetails) -> str:
    """Every metric of the run's model beside those of the versions it was compared with."""
    aliases = {row.version: row.alias for row in spec.baselines}
    measured = {model.version for model in details.models}
    known = [MeasuredModel(version=row.version, metrics=dict(row.metrics)) for row in spec.baselines if row.metrics and row.version not in measured]
    models = [*details.models, *known]
    names = list(dict.fromkeys(name for model in models for name in model.metrics if name != "items"))
    ordered = sorted(names, key=lambda name: ("/" in name, MAIN_METRICS.index(name) if name in MAIN_METRICS else len(MAIN_METRICS), name))
    head = ["metric", *(_title(model, aliases) for model in models)]
    main, further = ([_row(name, models) for name in ordered if ("/" in name) is part] for part in (False, True))
    troubles = "".join(f'<p class="note">version {escape(model.version)}: {escape(model.trouble)}</p>' for model in details.models if model.trouble)
    fold = f"<details><summary>of each label and source ({len(further)})</summary>{table(head, further, numbers=True)}</details>" if further else ""
    return section(f"Measured on {details.items} items of split {details.split}", table(head, main, numbers=True) + fold + troubles)


def _row(name: str, models: Sequence[MeasuredModel]) -> tuple[str, ...]:
    return (escape(name), *(_value(model.metrics.get(name)) for model in models))


def _curves(curves: Mapping[str, Sequence[Point]], note: str) -> str:
    drawn = [svg for name, points in curves.items() if (svg := curve(name, points))]
    if drawn:
        return section("While it trained", f'<div class="curves">{"".join(drawn)}</div>')
    return section("While it trained", f'<p class="note">{escape(note or "The program logged no metric more than once.")}</p>')


def _attempts(spec: ReportSpec) -> str:
    rows = [
        (
            str(attempt.number),
            escape(attempt.outcome),
            escape(attempt.node),
            "" if attempt.seconds is None else _duration(attempt.seconds),
            "" if attempt.gpu_seconds is None else str(attempt.gpu_seconds),
            escape(attempt.message),
        )
        for attempt in spec.attempts
    ]
    return section("Attempts and usage", table(("attempt", "outcome", "node", "ran", "GPU seconds", ""), rows)) if rows else ""


def _facts(facts: Sequence[Fact]) -> str:
    rows = "".join(f"<tr><th scope=row>{escape(fact.name)}</th><td>{_linked(fact)}</td></tr>" for fact in facts)
    return f'<table class="facts">{rows}</table>'


def _linked(fact: Fact) -> str:
    safe = fact.link.startswith(("http://", "https://"))
    return f'<a href="{escape(fact.link)}">{escape(fact.value)}</a>' if safe else escape(fact.value)


def _title(model: MeasuredModel, aliases: Mapping[str, str]) -> str:
    return "this run" if model.version == OWN else f"version {model.version} ({aliases.get(model.version, 'compared with')})"


def _badge(word: str) -> str:
    return f'<span class="badge {word}">{SIGNS.get(word, "")} {word}</span>'


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"
