"""What a run has used, for the bill: GPUs times the time for which they were held, by attempts and by evaluations, failed or not."""

from datetime import datetime

from treadle.api import TrainingRunMemory
from treadle.plan import Object, Usage
from treadle.training.run import EvaluationJob, Run
from treadle.workloads.gpu import DEFAULT_RESOURCE


def gpu_seconds(gpus: int, since: datetime | None, until: datetime | None) -> int | None:
    """What `gpus` devices cost that were held in this time; None without devices, or when nothing was held."""
    if not gpus or since is None or until is None:
        return None
    return round(max((until - since).total_seconds(), 0) * gpus)


def with_evaluation(run: Run, job: EvaluationJob, until: datetime) -> int | None:
    """The run's GPU-seconds with those of an evaluation that held its devices until then."""
    gpus = (run.spec.evaluate.resources.gpu or 0) if run.spec.evaluate else 0
    held = gpu_seconds(gpus, job.state.held_since, until)
    return run.memory.gpu_seconds if held is None else (run.memory.gpu_seconds or 0) + held


def settled(run: Run, now: datetime) -> TrainingRunMemory:
    """The memory with what an evaluation has held that ends now because nobody wants it any more."""
    remembered = run.memory.evaluation.attempt if run.memory.evaluation else 0
    job = next((job for job in run.evaluations if job.number > remembered), None)
    return run.memory.model_copy(update={"gpu_seconds": with_evaluation(run, job, now)}) if job else run.memory


def usage(this: Object) -> Usage | None:
    """GPU-seconds of its finished attempts and evaluations; None for a run without GPUs. The project is the one it trains for, empty without.

    What an evaluation alone has held counts as the product that the evaluation asks for, else all counts as the training's.
    """
    spec = this.get("spec") or {}
    wishes = (spec.get("resources") or {}, (spec.get("evaluate") or {}).get("resources") or {})
    wish = next((wish for wish in wishes if wish.get("gpu")), None)
    if wish is None:
        return None
    told = (this.get("status") or {}).get("gpuSeconds")
    seconds = told if isinstance(told, int) and not isinstance(told, bool) else 0
    product = wish.get("gpuProduct") or wish.get("gpuResource") or DEFAULT_RESOURCE
    return Usage(str((spec.get("dataset") or {}).get("project") or ""), str(product), seconds)
