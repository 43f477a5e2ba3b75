"""`kubectl treadle rollout status NAME`: which versions serve, how far the one that comes is, and what became of others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treadle.cli._objects import conditions, dig
from treadle.cli._status import bar, tell_condition
from treadle.plan import Object

BAR = 20
SHOWN = ("ModelResolved", "Available", "RolloutProgressing", "Promoted", "CommandsFit")
STAGES = {"Preparing": "preparing", "Judging": "judging", "TakingOver": "taking over", "Leaving": "leaving"}


def tell_rollout(deployment: Object) -> list[str]:
    """A few lines: the stable version, the one that comes, the conditions that speak of a rollout, and the history, newest first."""
    status: Mapping[str, Any] = dig(deployment, "status") or {}
    name = deployment["metadata"]["name"]
    lines = [f"ModelDeployment {name}  {status.get('phase') or 'not looked at yet'}"]
    lines += _version("stable", status.get("stable"), weight=100 - int(dig(status, "canary", "weight") or 0))
    if canary := status.get("canary"):
        lines += _version(STAGES.get(str(canary.get("stage")), "coming"), canary, weight=int(canary.get("weight") or 0))
        lines += [f"  step {int(canary.get('step') or 0) + 1}" + (f", shadow {canary['shadow']} %" if canary.get("shadow") else "")]
        lines += [f"  {canary['verdict']}"] if canary.get("verdict") else []
    lines += [f"  {tell_condition(condition)}" for condition in conditions(deployment) if condition["type"] in SHOWN]
    return lines + list(_history(status.get("history") or ()))


def _version(role: str, revision: Mapping[str, Any] | None, *, weight: int) -> list[str]:
    if not revision:
        return [f"  {role:<13}none"]
    label = revision.get("version") or revision.get("revision")
    return [f"  {role:<13}{label!s:<10}{bar(weight, BAR)} {weight} %"]


def _history(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in reversed(entries):
        yield f"  {entry.get('when') or '':<22}{entry.get('version')!s:<10}{entry.get('outcome')}  {entry.get('why') or ''}".rstrip()
