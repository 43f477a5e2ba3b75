"""What the operator tells a serving pod: one JSON in the environment variable `TREADLE_RUNTIME`, and what the pod's ports and paths are called."""

from typing import Literal

from pydantic import ConfigDict, Field

from treadle.contracts._base import Contract, canonical_json
from treadle.contracts.drift import REFERENCE_PATH
from treadle.contracts.feedback import FeedbackSettings
from treadle.contracts.smoke import KnownAnswer

ENVIRONMENT = "TREADLE_RUNTIME"
"""The environment variable that holds `RuntimeSpec` as JSON."""

PORT = 8080
"""Inference (OIP v2, /invocations) and /metrics."""

CONTROL_PORT = 8081
"""Traffic weights; only the operator speaks to it."""

LIVE_PATH = "/v2/health/live"
READY_PATH = "/v2/health/ready"
METRICS_PATH = "/metrics"
BEFORE_PATH = "/treadle/ready"
"""Whether this process takes requests for a user's server; what that server says of itself is asked of that server."""
CONTROL_PATH = "/control/state"

MODEL_DIRECTORY = "/models/model"
"""Where the init container puts the model, and the runtime reads it."""


class RuntimeLimits(Contract):
    """What one pod takes on.

    A request above `concurrency` waits, one above `concurrency + queue` is answered 429 at once.
    """

    concurrency: int = Field(default=1, ge=1, description="Predictions at the same time; more than the pod's CPUs only makes all of them slower.")
    queue: int = Field(default=64, ge=0, description="Requests that may wait for their turn.")
    request_bytes: int = Field(default=16 << 20, ge=1, description="The largest body of a request, in bytes; a larger one is answered 413.")
    request_seconds: float = Field(default=30.0, gt=0, description="After this time a request is answered 504, in seconds.")
    drain_seconds: float = Field(
        default=25.0, ge=0, description="After SIGTERM, requests under way get this long, in seconds; below the pod's termination grace period."
    )
    linger_seconds: float = Field(
        default=5.0,
        ge=0,
        description="After SIGTERM, new requests are still taken this long, in seconds: until all nodes know that the pod leaves.",
    )


class RuntimeSpec(Contract):
    """Who this pod is and what it serves. `model_name` is the name in paths (`/v2/models/<model_name>/infer`)."""

    model_config = ConfigDict(protected_namespaces=())

    contract: Literal[1] = 1
    namespace: str = Field(description="Namespace of the ModelDeployment.")
    deployment: str = Field(description="Name of the ModelDeployment.")
    revision: str = Field(description="Revision of the rollout, six hex digits.")
    model_name: str = Field(description="Name under which the model is served.")
    model_version: str = Field(description="Version in the registry, or a digest of the URI.")
    model_directory: str = Field(default=MODEL_DIRECTORY, description="Directory with the model as MLflow saved it.")
    port: int = Field(default=PORT, description="Port of inference and metrics.")
    control_port: int = Field(default=CONTROL_PORT, description="Port of the control channel.")
    control_key: str = Field(default="", description="The operator's Ed25519 public key, in base64; empty: no order about traffic is taken.")
    limits: RuntimeLimits = Field(default=RuntimeLimits(), description="What one pod takes on.")
    sensitive: bool = Field(default=False, description="No content of a request comes into the log.")
    explain: bool = Field(default=False, description="Answer which parts of an input made the model decide.")
    allow_pickle: bool = Field(default=False, description="The user allowed that loading the model runs code of it.")
    onnx: bool = Field(default=False, description="Serve an ONNX graph in place of the model, where both answer the same.")
    behind_port: int = Field(
        default=0, description="Port of the user's own server in this pod, before which this process stands; 0: it serves itself."
    )
    drift_seconds: int = Field(default=0, ge=0, description="Length of the windows in which inputs and answers are counted; 0: they are not.")
    drift_from_first_window: bool = Field(default=False, description="Compare with the first window of requests, whatever was stored with the model.")
    feedback: FeedbackSettings | None = Field(default=None, description="Which items are kept for people to label; None: no item is.")
    smoke: KnownAnswer | None = Field(default=None, description="What the model is asked before the pod is ready, and must answer so; None: nothing.")
    reference_file: str = Field(default=REFERENCE_PATH, description="What they are compared with, if the model version has it.")

    def to_variable(self) -> str:
        """The value of `TREADLE_RUNTIME`. What has its default is not said: a field that a later version adds neither makes pods anew nor is met by a
        runtime that does not know it. For the same reason a default never changes.
        """
        return canonical_json(self.model_dump(mode="json", exclude_defaults=True))
