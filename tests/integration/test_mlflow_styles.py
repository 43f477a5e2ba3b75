"""Programs that know MLflow and nothing of Treadle: in whatever style they log, they log to the run that Treadle made, and it ends as they end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.control_plane import Place
from tests.integration.engine_toy import condition, eventually
from tests.integration.programs import program
from tests.integration.test_training_runs import Operator, running

STYLES = Path(__file__).with_name("mlflow_styles")
REFUSED = STYLES / "another_experiment.py"
"""MLflow's client raises for this one."""
REGISTERS = STYLES / "registers_itself.py"
LAST_LINES = 2048
"""So many bytes of a container's log are its termination message, when it leaves no other."""


@pytest.fixture
async def operator(place: Place, mlflow: str) -> AsyncIterator[Operator]:
    operator = Operator(place, mlflow)
    yield operator
    await operator.close()


async def trained(operator: Operator, name: str, script: Path) -> None:
    """A run's program runs and ends well."""
    pod = await operator.pod(f"{name}-1")
    await operator.runs(pod)
    await program(pod, script)
    await operator.ends(pod)


async def closed(operator: Operator, name: str) -> dict[str, Any]:
    """The tracked run, once Treadle has told MLflow how the run ended."""

    async def look() -> str | None:
        tracking = ((await operator.get("TrainingRun", name)) or {})["status"]["tracking"]
        return str(tracking["id"]) if tracking.get("closed") else None

    run: dict[str, Any] = (await operator.asks("runs/get", run_id=await eventually(f"the tracked run of {name} is closed", look)))["run"]
    return run


def logged(run: dict[str, Any]) -> set[str]:
    """Names of the run's metrics."""
    return {metric["key"] for metric in run["data"].get("metrics", ())}


async def test_every_style_logs_to_the_run_that_treadle_made(operator: Operator) -> None:
    names = {script.stem.replace("_", "-"): script for script in sorted(STYLES.glob("*.py")) if script not in (REFUSED, REGISTERS)}
    wanted = {
        "autolog": "training_accuracy_score",
        "nested-runs": "best_accuracy",
        "context-manager": "r2",
        "raw-client": "loss",
        "second-start-run": None,
    }
    async with running(operator):
        for name in names:
            register: dict[str, Any] = {"register": {"model": "iris"}} if name == "model-with-signature" else {}
            await operator.apply(name, tracking={"type": "MLflow", "experiment": "styles"}, **register)
        await asyncio.gather(*(trained(operator, name, script) for name, script in names.items()))
        for name in names:
            await operator.phase(name, "Succeeded")
            run = await closed(operator, name)
            status = ((await operator.get("TrainingRun", name)) or {})["status"]
            assert run["info"]["status"] == "FINISHED", name
            assert logged(run) >= {found for found in (wanted.get(name, "accuracy"),) if found}, name
            tracked = next((c for c in status["conditions"] if c["type"] == "Tracked"), None)
            assert (tracked and tracked["reason"]) == ("FurtherRuns" if name == "second-start-run" else None), name
            if name == "autolog":
                assert {"key": "mlflow.autologging", "value": "sklearn"} in run["data"]["tags"], "who counted the steps"
            if name == "model-with-signature":
                assert status["modelVersion"].endswith("iris/1")


async def test_a_version_that_the_program_registered_itself_is_taken_and_no_other_is_made(operator: Operator) -> None:
    """What MLflow's own client writes as the source of a version tells which of its models was judged: the one logged last."""
    model = f"{operator.place.namespace}.iris-of-its-own"
    told = {"env": [{"name": "REGISTERED_MODEL", "value": model}], "tracking": {"type": "MLflow", "experiment": "styles"}}
    async with running(operator):
        await operator.apply("itself", **told, register={"model": "iris-of-its-own"})
        await trained(operator, "itself", REGISTERS)
        this = await operator.phase("itself", "Succeeded")
        assert this["status"]["modelVersion"] == f"{model}/2"
        found = await operator.asks("model-versions/search", filter=f"name = '{model}'")
        tagged = {version["version"]: "treadle.claim" in {tag["key"] for tag in version.get("tags", ())} for version in found["model_versions"]}
        assert tagged == {"1": False, "2": True}


async def test_a_program_that_chooses_its_experiment_itself_is_told_what_to_remove(operator: Operator) -> None:
    """The reason hangs on the words of MLflow's own client: they change with its version."""
    async with running(operator):
        await operator.apply("clash", retries={"application": 3})
        pod = await operator.pod("clash-1")
        await operator.runs(pod)
        said = (await program(pod, REFUSED, ends=1)).encode()[-LAST_LINES:].decode(errors="replace")
        await operator.ends(pod, 1, message=said, reason="Error")
        told = condition(await operator.phase("clash", "Failed"), "Succeeded")
        assert told["reason"] == "ExperimentClash"
        assert told["message"].endswith("or name the same experiment in `spec.tracking.experiment`.")
        assert await operator.get("Job", "clash-2") is None, "another attempt would meet it again"


async def test_a_program_that_raises_leaves_a_failed_run_behind(operator: Operator, tmp_path: Path) -> None:
    script = tmp_path / "raises.py"
    script.write_text("import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('loss', 3.0)\n    raise ValueError('no items')\n")
    async with running(operator):
        await operator.apply("raises")
        pod = await operator.pod("raises-1")
        await operator.runs(pod)
        await program(pod, script, ends=1)
        await operator.ends(pod, 1, message="ValueError: no items", reason="Error")
        await operator.phase("raises", "Failed")
        run = await closed(operator, "raises")
        assert run["info"]["status"] == "FAILED"
        assert logged(run) == {"loss"}
