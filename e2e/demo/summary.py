"""The screens at the end of each turn: what came out at each station, and what to try next."""

from typing import Any

from rich.console import Console
from rich.table import Table

from e2e.demo.answer import Answers
from e2e.demo.loop import Loop
from manifests.demo.data.digits import ITEMS


def first_turn(loop: Loop, answers: Answers, seconds: float) -> None:
    """Print what came of the first turn."""
    objects = loop.objects()
    project = objects["AnnotationProject", "digits"]["status"]
    run = objects["TrainingRun", "digits-v1"]["status"]
    deployment = objects["ModelDeployment", "digits"]["status"]
    _print(
        f"The loop turned once in {seconds / 60:.1f} min.",
        ("items", f"{project['progress']['items']} images, annotated by two people"),
        ("agreement", _message(project, "QualityPassed")),
        ("dataset", f"v{project['dataset']['version']}: {project['dataset']['items']} items, {project['dataset']['uri']}"),
        ("training", _message(run, "Succeeded")),
        ("gates", _message(run, "GatesPassed")),
        ("report", _message(run, "Reported")),
        ("model", _message(deployment, "Promoted")),
        ("endpoint", str(deployment.get("url", ""))),
        ("held-out accuracy", f"{answers.accuracy:.3f} on {answers.asked} images never labelled"),
        ("one of them", f'a {answers.first_truth}: the model says "{answers.first_label}" with score {answers.first_score:.2f}'),
    )


def second_turn(loop: Loop, before: Answers, after: Answers, visits: dict[str, Any], seconds: float) -> None:
    """Print what came of the second turn."""
    project, run, deployment = (
        loop.status(*which) for which in (("AnnotationProject", "digits"), ("TrainingRun", "digits-v2"), ("ModelDeployment", "digits"))
    )
    fed_back = project["source"]["items"] - ITEMS
    promoted = next((entry for entry in reversed(deployment["history"]) if entry["outcome"] == "Promoted"), {"why": ""})
    why = f" ({visits['first'][0]})" if visits["first"] else ""
    _print(
        f"The loop turned again: {seconds / 60:.1f} min since the start.",
        ("fed back", f"{fed_back} images that the model was unsure of, or had never seen the like of"),
        ("dataset", f"v{project['dataset']['version']}: {project['dataset']['items']} items, {project['dataset']['uri']}"),
        ("training", _message(run, "Succeeded")),
        ("gates", _message(run, "GatesPassed")),
        ("canary", promoted["why"]),
        ("model", _message(deployment, "Promoted")),
        ("accuracy", f"{before.accuracy:.3f} -> {after.accuracy:.3f} on {after.asked} further images from the new scanner"),
        ("meanwhile", f"{visits['requests']} requests of those who use it, {visits['failed']} failed{why}"),
    )


def try_next(loop: Loop, answers: Answers) -> None:
    """Print what to type now."""
    console = Console(highlight=False, soft_wrap=True)
    console.print("\nTry next:")
    for command in (
        'eval "$(make --silent demo-env)"',
        f"kubectl -n {loop.namespace} get treadle",
        f"kubectl treadle rollout status digits -n {loop.namespace}",
        answers.port_forward,
        f"kubectl treadle diff digits-v1 digits-v2 -n {loop.namespace}",
    ):
        console.print(f"  {command}", soft_wrap=True)
    console.print("\n`make demo-down` removes everything.")


def _print(title: str, *rows: tuple[str, str]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in rows:
        table.add_row(f"[bold]{name}[/bold]", value)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold green]{title}[/bold green]\n")
    console.print(table)
    console.print()


def _message(status: dict[str, object], condition: str) -> str:
    conditions = status.get("conditions")
    assert isinstance(conditions, list)
    return next((str(c["message"]) for c in conditions if c["type"] == condition), "")
