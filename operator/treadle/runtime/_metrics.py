"""What a serving pod tells Prometheus. Every series carries who it is: namespace, deployment, revision, model_version."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import Misfit

IDENTITY = ("namespace", "deployment", "revision", "model_version")
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CODES = ("200", "400", "413", "415", "429", "499", "500", "503", "504")
"""Made at the start, so that a rate over errors is 0 and not missing before the first error."""


class RuntimeMetrics:
    """The series of one pod, in a registry of their own."""

    def __init__(self, spec: RuntimeSpec) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        identity = {name: str(getattr(spec, name)) for name in IDENTITY}
        requests = Counter(
            "treadle_serving_requests",
            "Inference requests answered, by HTTP status code; 499 where the caller hung up before it was sent.",
            (*IDENTITY, "code"),
            registry=self.registry,
        )
        self._requests = {code: requests.labels(**identity, code=code) for code in CODES}
        self._other_requests = requests
        self._identity = identity
        unfit = Counter(
            "treadle_serving_unfit_requests",
            "Inference requests that were refused because they do not fit the model, by what does not.",
            (*IDENTITY, "misfit"),
            registry=self.registry,
        )
        self._unfit = {misfit: unfit.labels(**identity, misfit=misfit) for misfit in Misfit}
        self._duration = Histogram(
            "treadle_serving_request_duration_seconds",
            "Time from the head of an inference request to its answer, waiting included; only requests answered with 200.",
            IDENTITY,
            buckets=BUCKETS,
            registry=self.registry,
        ).labels(**identity)
        self.in_flight = Gauge(
            "treadle_serving_requests_in_flight", "Inference requests that work or wait now.", IDENTITY, registry=self.registry
        ).labels(**identity)
        self.load_seconds = Gauge("treadle_serving_model_load_seconds", "Time it took to load the model.", IDENTITY, registry=self.registry).labels(
            **identity
        )
        self._info = Gauge("treadle_serving_model_info", "1 for the model that is loaded.", (*IDENTITY, "model", "flavour"), registry=self.registry)
        self._model_name = spec.model_name
        self.passed_over = Counter(
            "treadle_serving_drift_passed_over",
            "Inference requests that were not counted for drift, because too many came at once.",
            IDENTITY,
            registry=self.registry,
        ).labels(**identity)
        self._other_version = Gauge(
            "treadle_serving_model_other_version",
            "1 for a library that is installed in another version than the model was saved with.",
            (*IDENTITY, "package", "saved", "installed"),
            registry=self.registry,
        )
        self._labelled = Counter(
            "treadle_serving_labelled_answers",
            "Answers whose true label a caller told, by the version that had answered, and whether it was right.",
            (*IDENTITY, "answered_version", "outcome"),
            registry=self.registry,
        )
        self._feedback_kept = Counter(
            "treadle_serving_feedback_kept", "Items that were kept for people to label.", (*IDENTITY, "when"), registry=self.registry
        )
        self.feedback_dropped = Counter(
            "treadle_serving_feedback_dropped",
            "Requests that were not looked at, or items that were not kept, because there was no room or the day's bound was reached.",
            IDENTITY,
            registry=self.registry,
        ).labels(**identity)
        self._feature_psi = Gauge(
            "treadle_serving_feature_psi",
            "Population stability index of what the model was given in this pod's last whole window, against the training data.",
            (*IDENTITY, "feature"),
            registry=self.registry,
        )
        self._prediction_psi = Gauge(
            "treadle_serving_prediction_psi",
            "Population stability index of what the model answered in this pod's last whole window, against its evaluation.",
            (*IDENTITY, "output"),
            registry=self.registry,
        )

    def answered(self, code: int, seconds: float) -> None:
        """Count one answered request."""
        series = self._requests.get(str(code)) or self._other_requests.labels(**self._identity, code=str(code))
        series.inc()
        if code == 200:
            self._duration.observe(seconds)

    def unfit(self, misfit: Misfit) -> None:
        """Count one request that does not fit the model."""
        self._unfit[misfit].inc()

    def loaded(self, flavour: str, seconds: float) -> None:
        """Note that the model is there."""
        self._info.labels(**self._identity, model=self._model_name, flavour=flavour).set(1)
        self.load_seconds.set(seconds)

    def other_version(self, package: str, saved: str, installed: str) -> None:
        """Note a library that is not as it was."""
        self._other_version.labels(**self._identity, package=package, saved=saved, installed=installed).set(1)

    def labelled(self, version: str, right: int, wrong: int) -> None:
        """Count answers of a version whose true labels became known."""
        for outcome, number in (("right", right), ("wrong", wrong)):
            self._labelled.labels(**self._identity, answered_version=version, outcome=outcome).inc(number)

    def feedback_kept(self, when: str) -> None:
        """Count one item."""
        self._feedback_kept.labels(**self._identity, when=when).inc()

    def drifted(self, features: Mapping[str, float], predictions: Mapping[str, float]) -> None:
        """Note how far a window is from the reference."""
        for name, index in features.items():
            self._feature_psi.labels(**self._identity, feature=name).set(index)
        for name, index in predictions.items():
            self._prediction_psi.labels(**self._identity, output=name).set(index)

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self.registry)
