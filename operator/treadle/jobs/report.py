"""Make the report of a run that was judged, and store it beside the tracked run's own files."""

import logging
import os
from itertools import islice
from typing import Any

import httpx

from treadle.api.reasons import Reason
from treadle.contracts.evaluate import EvaluationDetails
from treadle.contracts.report import ReportResult, ReportSpec
from treadle.contracts.stores import Blob
from treadle.jobs._charts import Point
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import pinned
from treadle.jobs._page import Logged, page
from treadle.jobs._store import Entry, Store

API = "api/2.0/mlflow"
CURVES_LIMIT = 24
HISTORY_LIMIT = 5000  # points that are asked for per metric
FILES_LIMIT = 2000  # of the run, that are looked through for a picture
PICTURE_LIMIT = 512 * 1024  # bytes
TIMEOUT = 20.0  # seconds, for each request
NOT_DRAWN = "system/"
"""Prefix of what MLflow itself measures of the machine."""

log = logging.getLogger("treadle.jobs")


def report(spec: ReportSpec) -> ReportResult:
    """Make the page. Without an answer of MLflow it has no curves, and says why.

    Raises:
        JobFailure: what was measured is gone, or the store does not answer or refuses.
    """
    store = Store(spec.store)
    details = _details(store, spec.details) if spec.details else None
    logged = _logged(spec)
    measured = details is not None and any(model.confusion for model in details.models)
    picture = _picture(store, spec.artifacts) if spec.artifacts and not measured else None
    content = page(spec, details, logged, picture).encode()
    store.create(spec.uri, content)
    return ReportResult(uri=spec.uri, bytes=len(content), curves=len(logged.curves))


def _details(store: Store, blob: Blob) -> EvaluationDetails:
    try:
        return EvaluationDetails.model_validate_json(pinned(store, blob))
    except ValueError as error:
        raise JobFailure(Reason.ContentChanged, f"{blob.uri} is not what an evaluation stores") from error


def _picture(store: Store, artifacts: str) -> bytes | None:
    """The picture of a confusion matrix that the program logged, as `mlflow.autolog` does; the first by name, if there are several."""
    try:
        found = [entry for entry in islice(store.list(artifacts), FILES_LIMIT) if _is_picture(entry)]
        return store.read(min(entry.uri for entry in found)) if found else None
    except JobFailure as failure:
        log.warning("no picture: %s", failure.message)
        return None


def _is_picture(entry: Entry) -> bool:
    name = entry.uri.rpartition("/")[2].lower()
    return "confusion_matrix" in name and name.endswith(".png") and 0 < entry.size <= PICTURE_LIMIT


def _logged(spec: ReportSpec) -> Logged:
    """The latest of each metric, and the history of those that were logged more than once; or none, and why."""
    if not spec.mlflow:
        return Logged()
    try:
        with httpx.Client(base_url=f"{spec.mlflow.rstrip('/')}/{API}", timeout=TIMEOUT, **_credentials()) as client:
            run = _asked(client, "runs/get", run_id=spec.tracked_run)["run"]
            told = {str(metric["key"]): float(metric["value"]) for metric in run["data"].get("metrics", ())}
            latest = {name: value for name, value in sorted(told.items()) if not name.startswith(NOT_DRAWN)}
            found = {name: _history(client, spec.tracked_run, name) for name in latest}
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("no curves: %s", error)
        return Logged(note=f"MLflow did not tell the curves ({type(error).__name__}).")
    return Logged(dict([(name, points) for name, points in found.items() if len(dict(points)) > 1][:CURVES_LIMIT]), latest)


def _history(client: httpx.Client, run_id: str, name: str) -> list[Point]:
    answer = _asked(client, "metrics/get-history", run_id=run_id, metric_key=name, max_results=HISTORY_LIMIT)
    return [(float(metric.get("step") or 0), float(metric["value"])) for metric in answer.get("metrics", ())]


def _asked(client: httpx.Client, path: str, **query: str | int) -> Any:
    return client.get(path, params=query).raise_for_status().json()


def _credentials() -> dict[str, Any]:
    """The tenant's, as MLflow's own clients read them."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"headers": {"Authorization": f"Bearer {token}"}}
    if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        return {"auth": (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))}
    return {}
