"""What the user's program finds in its environment. It needs no Treadle code: data, settings and tracking come by files and variables."""

import json
import re
from collections.abc import Iterator

from treadle.api import DatasetPin
from treadle.connections.tracking import STARTED_BY
from treadle.contracts.evaluate import EVALUATION_DIRECTORY
from treadle.contracts.stores import S3, scheme_of
from treadle.contracts.training import output_of
from treadle.training import distributed, track
from treadle.training.run import ClaimFolder, Run, Store, Tracking
from treadle.workloads.contract_job import store_credentials
from treadle.workloads.pod import Variable

DATASET_DIRECTORY = "/treadle/dataset"
RESULT_FILE = "/dev/termination-log"
"""Where a program without a tracking server says its metrics; see `contracts.training`."""
CHECKPOINT_DIRECTORY = "/treadle/checkpoint"
OUTPUT_DIRECTORY = "/treadle/output"
MLFLOW_CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
MLFLOW_TIMEOUT_SECONDS = "60"


def variables(run: Run, workload: str) -> tuple[Variable, ...]:
    """All variables of the attempt whose Job or JobSet is called `workload`; ours come first, so that the user's may refer to them."""
    return (*_ours(run), *distributed.variables(run, workload), *_tracking(run), *_users(run))


def of_evaluation(run: Run, model_directory: str) -> tuple[Variable, ...]:
    """What a user's own image finds that measures a model: no tracking run, and no keys but those of `spec.env`."""
    split = run.spec.evaluate.split if run.spec.evaluate else ""
    places = {"TREADLE_MODEL_DIR": model_directory, "TREADLE_EVALUATION_DIR": EVALUATION_DIRECTORY, "TREADLE_EVALUATION_SPLIT": split}
    return (*_named(run), *(Variable(name=name, value=value) for name, value in places.items()), *_users(run))


def output_folder(output: ClaimFolder, run: str) -> str:
    """The run's own folder in the claim that it writes to."""
    return f"{output.path}/{run}".strip("/")


def output_uri(run: Run) -> str:
    """The run's own folder in the object store that it writes to; empty without one."""
    return output_of(run.spec.output.uri, run.name) if run.spec.output else ""


def parameter_variable(name: str) -> str:
    """The variable of a parameter.

    >>> parameter_variable("learning-rate")
    'TREADLE_PARAM_LEARNING_RATE'
    """
    return "TREADLE_PARAM_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _named(run: Run) -> Iterator[Variable]:
    yield Variable(name="TREADLE_RUN", value=run.name)
    yield Variable(name="TREADLE_ATTEMPT", value=str(run.attempt))
    yield Variable(name="TREADLE_RESULT", value=RESULT_FILE)
    for parameter in run.spec.parameters:
        yield Variable(name=parameter_variable(parameter.name), value=parameter.value)
    if isinstance(run.dataset, DatasetPin):
        yield Variable(name="TREADLE_DATASET_DIR", value=DATASET_DIRECTORY)
        yield Variable(name="TREADLE_DATASET_URI", value=run.dataset.uri)
        yield Variable(name="TREADLE_DATASET_DIGEST", value=run.dataset.digest)
        if run.dataset.version:
            yield Variable(name="TREADLE_DATASET_VERSION", value=str(run.dataset.version))


def _ours(run: Run) -> Iterator[Variable]:
    yield from _named(run)
    if run.spec.checkpoint:
        yield Variable(name="TREADLE_CHECKPOINT_DIR", value=CHECKPOINT_DIRECTORY)
    if run.spec.output:
        yield Variable(name="TREADLE_OUTPUT_URI", value=f"file://{OUTPUT_DIRECTORY}/" if isinstance(run.output, ClaimFolder) else output_uri(run))
    if isinstance(run.output, Store):
        yield from store_credentials(run.output.secret, run.spec.access.service_account_name, output_uri(run))
        if run.output.settings.endpoint and scheme_of(output_uri(run)) == S3:
            yield Variable(name="AWS_ENDPOINT_URL_S3", value=run.output.settings.endpoint)


def _tracking(run: Run) -> Iterator[Variable]:
    place = track.tracked(run)
    if place is None or not isinstance(run.tracking, Tracking):
        return
    settings = run.tracking.connection.settings
    yield Variable(name="MLFLOW_TRACKING_URI", value=settings.url)
    yield Variable(name="MLFLOW_RUN_ID", value=place.id)
    yield Variable(name="MLFLOW_EXPERIMENT_ID", value=place.experiment_id)
    yield Variable(name="MLFLOW_RUN_CONTEXT", value=json.dumps({STARTED_BY: run.owner.uid}))
    yield Variable(name="MLFLOW_HTTP_REQUEST_TIMEOUT", value=MLFLOW_TIMEOUT_SECONDS)
    for name in MLFLOW_CREDENTIALS:
        yield Variable(name=name, secret=settings.tenant_secret, key=name, optional=True)


def _users(run: Run) -> Iterator[Variable]:
    for wanted in run.spec.env:
        yield Variable(
            name=wanted.name, value=wanted.value or "", secret=wanted.secret or "", config_map=wanted.config_map or "", key=wanted.key or ""
        )
