"""What MLflow answers, as far as it is read. Whatever answers differently is not understood, and told so; nothing is guessed from it."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from treadle.connections.tracking import TrackingStatus


def _one_nan(number: float) -> float:
    """One and the same NaN object, so that equal answers compare equal. JSON says it as a string."""
    return math.nan if math.isnan(number) else number


Id = Annotated[str, Field(min_length=1)]
Words = Annotated[str, BeforeValidator(lambda text: "" if text is None else text)]
Number = Annotated[float, AfterValidator(_one_nan)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


class Tag(_Answer):
    """A name and a value; MLflow may leave an empty value out."""

    key: str
    value: Words = ""


class Metric(_Answer):
    """The latest value of a metric."""

    key: str
    value: Number
    timestamp: int = 0
    step: int = 0


class Experiment(_Answer):
    """An experiment, deleted ones included."""

    experiment_id: Id
    lifecycle_stage: Words = "active"

    @property
    def deleted(self) -> bool:
        """Whether it is in MLflow's bin."""
        return self.lifecycle_stage == "deleted"


class _RunInfo(_Answer):
    run_id: Id
    experiment_id: Id
    status: TrackingStatus
    lifecycle_stage: Words = "active"
    artifact_uri: Words = ""


class _RunData(_Answer):
    tags: tuple[Tag, ...] = ()
    metrics: tuple[Metric, ...] = ()
    params: tuple[Tag, ...] = ()


class _Dataset(_Answer):
    name: Words = ""
    digest: Words = ""


class _DatasetInput(_Answer):
    dataset: _Dataset


class _RunInputs(_Answer):
    dataset_inputs: tuple[_DatasetInput, ...] = ()


class Run(_Answer):
    """A run."""

    info: _RunInfo
    data: _RunData = _RunData()
    inputs: _RunInputs = _RunInputs()

    @property
    def id(self) -> str:
        """Of the run."""
        return self.info.run_id

    @property
    def tags(self) -> Mapping[str, str]:
        """By name."""
        return {tag.key: tag.value for tag in self.data.tags}

    @property
    def deleted(self) -> bool:
        """Whether it is in MLflow's bin."""
        return self.info.lifecycle_stage == "deleted"

    @property
    def nested(self) -> bool:
        """Whether it is part of another run."""
        return "mlflow.parentRunId" in self.tags


class _ModelInfo(_Answer):
    model_id: Id
    name: str
    creation_timestamp_ms: int = 0
    artifact_uri: Words = ""


class Model(_Answer):
    """A model that a run logged."""

    info: _ModelInfo


class Version(_Answer):
    """A version of a registered model."""

    name: Id
    version: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
    run_id: Words = ""
    source: Words = ""
    tags_: Annotated[tuple[Tag, ...], Field(alias="tags")] = ()

    @property
    def tags(self) -> Mapping[str, str]:
        """By name."""
        return {tag.key: tag.value for tag in self.tags_}


class OneExperiment(_Answer):
    """Answer with an experiment."""

    experiment: Experiment


class MadeExperiment(_Answer):
    """Answer to the making of an experiment."""

    experiment_id: Id


class Experiments(_Answer):
    """A page of experiments."""

    experiments: Sequence[Experiment] = ()
    next_page_token: Words = ""


class OneRun(_Answer):
    """Answer with a run."""

    run: Run


class Runs(_Answer):
    """A page of runs."""

    runs: Sequence[Run] = ()


class Models(_Answer):
    """A page of logged models."""

    models: Sequence[Model] = ()


class OneVersion(_Answer):
    """Answer with a model version."""

    model_version: Version


class Versions(_Answer):
    """A page of model versions."""

    model_versions: Sequence[Version] = ()


class Download(_Answer):
    """Where files are."""

    artifact_uri: Words = ""


class Done(_Answer):
    """Any JSON object: nothing of it is read."""
