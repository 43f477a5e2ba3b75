"""The page of `kubectl treadle ui` in a real browser: what people see, with a thousand objects, by keyboard, in the dark."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.browser import Tab, browser
from tests.unit.cli.test_status_tree import condition, make
from treadle.cli.ui import History, Page, history_from, serve
from treadle.plan import Object

TROUBLE = condition("Stalled", "True", "GateFailed", "<b>gate</b> floor: 0.80 is below 0.85")
PROJECTS = 250
DETAIL = "document.getElementById('detail')"


def world(finished: int = 1) -> list[Object]:
    found: list[Object] = []
    for number in range(PROJECTS):
        name = f"shelf-{number}"
        found.append(make("AnnotationProject", name, status={"phase": "Annotating", "progress": {"finished": finished, "items": 9}}))
        stalled: dict[str, Any] = {"phase": "Failed", "conditions": [TROUBLE], "gates": [{"name": "floor", "verdict": "Failed", "value": "0.80"}]}
        runs = {f"{name}-v1": {"phase": "Succeeded"}, f"{name}-v2": stalled if number == 7 else {"phase": "Running"}}
        found += [
            make("TrainingRun", run, labels={"treadle.dev/project": name}, spec={"register": {"model": name}}, status=status)
            for run, status in runs.items()
        ]
        status = {"phase": "RollingOut", "stable": {"version": "1"}, "canary": {"version": "2", "weight": 25}}
        found.append(make("ModelDeployment", name, spec={"model": {"name": name}}, status=status))
    return found


def full() -> list[Object]:
    """One loop whose statuses hold all that the page has a place for."""
    releases = [
        {
            "version": number,
            "releasedAt": f"2026-05-1{number}T12:00:00Z",
            "items": 90 * number,
            "excluded": number,
            "agreement": f"0.{70 + 6 * number}",
        }
        for number in (1, 2, 3)
    ]
    people = [{"annotator": "u7", "annotations": 120, "agreement": "0.95"}, {"annotator": "u9", "annotations": 80, "agreement": "0.61"}]
    metrics = [{"name": "accuracy", "value": "0.942"}, {"name": "f1", "value": "0.91"}]
    return [
        make(
            "AnnotationProject",
            "digits",
            status={
                "phase": "Annotating",
                "progress": {"finished": 270, "items": 400},
                "quality": {"agreement": "0.88", "byAnnotator": people},
                "dataset": {"version": 3},
                "releases": releases,
                "labellingProject": {"url": "https://labels.corp/projects/12"},
                "conditions": [
                    condition("Ready", "True", "AcceptingAnnotations"),
                    condition("LabelingComplete", "False", "Annotating", "270 of 400"),
                ],
            },
        ),
        make(
            "TrainingRun",
            "digits-v3",
            labels={"treadle.dev/project": "digits"},
            spec={"register": {"model": "digits"}},
            status={
                "phase": "Succeeded",
                "metric": "accuracy=0.942",
                "modelVersion": "digits/3",
                "dataset": {"version": 3},
                "registered": {"model": "digits", "version": "3"},
                "evaluation": {"metrics": metrics, "baselines": [{"alias": "champion", "metrics": [{"name": "f1", "value": "0.90"}]}]},
                "attempts": [
                    {"number": 1, "outcome": "Infrastructure", "reason": "NodeLost", "node": "gpu-1", "gpuSeconds": 40},
                    {"number": 2, "outcome": "Succeeded", "reason": "JobSucceeded", "node": "gpu-2", "gpuSeconds": 312},
                ],
                "gates": [{"name": "no-worse", "verdict": "Passed", "value": "0.91", "message": "0.91 is not worse than 0.90"}],
                "conditions": [condition("Succeeded", "True", "RunSucceeded", "Job digits-v3-2 succeeded")],
            },
        ),
        make(
            "ModelDeployment",
            "digits",
            spec={"model": {"name": "digits"}},
            status={
                "phase": "RollingOut",
                "ready": "3/3",
                "model": "digits/2",
                "candidate": "digits/3",
                "stable": {"version": "2"},
                "canary": {"version": "3", "weight": 25, "verdict": "errors: not worse (0 of 120, stable 0 of 360)"},
                "drift": {
                    "detected": True,
                    "judgedAt": "2026-05-18T13:00:00Z",
                    "last": "1204 requests are unlike the reference: brightness (PSI 1.6)",
                },
                "history": [{"version": "2", "outcome": "Promoted", "when": "2026-05-16T12:00:00Z"}],
                "conditions": [condition("Ready", "True", "Serving"), condition("DriftDetected", "True", "DriftFound", "brightness (PSI 1.6)")],
            },
        ),
    ]


@contextlib.asynccontextmanager
async def shown(folder: Path, rounds: Sequence[int] = (1,)) -> AsyncIterator[Tab]:
    """The page of that world in a browser; each look at the cluster finds the next number of finished items."""
    left = list(rounds)

    async def read() -> list[Object]:
        return world(left.pop(0) if len(left) > 1 else left[0])

    async with opened(folder, read, PROJECTS * 4) as tab:
        yield tab


@contextlib.asynccontextmanager
async def opened(folder: Path, read: Callable[[], Awaitable[Sequence[Object]]], rows: int, history: History | None = None) -> AsyncIterator[Tab]:
    """The page in a browser, once it shows so many objects."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(Page(read, history), 0, address.set_result))
    try:
        async with browser(folder) as tab:
            await tab.call("Page.navigate", url=await address)
            await tab.until(f"document.querySelectorAll('.row').length === {rows}")
            yield tab
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        if history is not None:
            await history.close()


async def test_what_needs_a_human_is_found_among_a_thousand_by_keyboard(tmp_path: Path) -> None:
    async with shown(tmp_path) as tab:
        assert "1 need you" in await tab.value("document.getElementById('tones').textContent")
        await tab.press("/")
        for key in "v2 failed":
            await tab.press(key)
        assert await tab.until("document.querySelectorAll('.row').length === 1")
        await tab.press("Enter")
        assert await tab.until("document.querySelector('#detail h2')?.textContent") == "shelf-7-v2"
        told = await tab.value("document.getElementById('detail').textContent")
        assert "floor" in told
        assert "<b>gate</b> floor: 0.80 is below 0.85" in told  # as text, not as markup
        assert await tab.value("document.querySelectorAll('.box').length") == 4
        assert await tab.until("document.querySelectorAll('.wires path').length") == 3
        await tab.press("k")
        (tmp_path / "light.png").write_bytes(light := await tab.picture())
        await tab.press("d")
        assert await tab.value("document.documentElement.classList.contains('dark')")
        (tmp_path / "dark.png").write_bytes(dark := await tab.picture())
        assert light != dark


async def test_what_changes_is_drawn_anew_with_its_curve_and_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    async with shown(tmp_path, rounds=(1, 2, 3)) as tab:
        await tab.press("j")
        assert await tab.until("document.querySelector('.curve figcaption')?.textContent.startsWith('items finished')")
        own = await tab.value("performance.getEntriesByType('resource').every((one) => one.name.startsWith(location.origin))")
        assert own


async def test_all_that_a_status_remembers_has_its_place(tmp_path: Path) -> None:
    async def read() -> list[Object]:
        return full()

    wanted = {
        "AnnotationProject": (
            "67 %",
            "agreement of versions: 0.88",
            "items of versions: 270",
            "v3",
            "digits-v3 (Succeeded)",
            "u9",
            "labelling project",
        ),
        "TrainingRun": ("Figures", "champion", "0.90", "NodeLost", "no-worse"),
        "ModelDeployment": ("coming 3: 25 %", "errors: not worse", "brightness (PSI 1.6)", "Promoted"),
    }
    async with opened(tmp_path, read, len(wanted)) as tab:
        for kind, words in wanted.items():
            await tab.press("j")
            told = await tab.until(f"document.querySelector('#detail div.faint')?.textContent.startsWith('{kind}') && {DETAIL}.textContent")
            assert [word for word in words if word not in told] == []
            (tmp_path / f"{kind}.png").write_bytes(await tab.picture())
            assert await tab.value(f"{DETAIL}.scrollWidth <= {DETAIL}.clientWidth"), "nothing is cut off at the side"


async def test_a_run_has_the_whole_course_of_its_metrics_when_the_user_names_mlflow(mlflow: str, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=30) as http:
        made = (await http.post("/experiments/create", json={"name": f"page-{uuid.uuid4().hex}"})).raise_for_status().json()
        run = (await http.post("/runs/create", json={"experiment_id": made["experiment_id"]})).raise_for_status().json()["run"]["info"]["run_id"]
        for step, loss in enumerate((0.9, 0.5, 0.25)):
            body = {"run_id": run, "key": "loss", "value": loss, "timestamp": 1_700_000_000_000 + 1000 * step, "step": step}
            (await http.post("/runs/log-metric", json=body)).raise_for_status()

    async def read() -> list[Object]:
        return [make("TrainingRun", "digits-v3", status={"phase": "Succeeded", "tracking": {"id": run}})]

    history = history_from({"MLFLOW_TRACKING_URI": mlflow})
    async with opened(tmp_path, read, 1, history) as tab:
        await tab.press("j")
        assert await tab.until("document.querySelector('.curve figcaption')?.textContent") == "loss: 0.25"
        assert "As MLflow knows it" in await tab.value(f"{DETAIL}.textContent")
        assert await tab.value("document.querySelector('.curve polyline').points.length") == 3


async def test_a_thousand_objects_are_drawn_at_once(tmp_path: Path) -> None:
    """By what the browser itself measures: a whole redraw of the list and the detail."""
    async with shown(tmp_path) as tab:
        took = await tab.value("(() => { const began = performance.now(); draw(); document.body.offsetHeight; return performance.now() - began; })()")
        assert took < 1000, f"{took} ms"


async def test_the_page_says_when_it_is_not_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.cli.ui._server.FRESH", 0.0)
    rounds = [1]
    async with shown(tmp_path, rounds) as tab:
        await tab.value("fetch = () => Promise.reject(new Error('the API server is away'))")
        assert await tab.until("document.getElementById('state').className === 'bad' && document.getElementById('state').textContent")
