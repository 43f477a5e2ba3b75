"""The engine's own figures, on a registry of their own so that tests and several engines in one process do not meet."""

from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

DURATIONS = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)


class Metrics:
    """Counters and histograms, one attribute each."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.reconciles = Counter("treadle_reconciles_total", "Looks at an object, by how they ended.", ["kind", "result"], registry=self.registry)
        self.reconcile_seconds = Histogram("treadle_reconcile_seconds", "Time of one look.", ["kind"], buckets=DURATIONS, registry=self.registry)
        self.actions = Counter("treadle_actions_total", "Actions carried out.", ["action", "result"], registry=self.registry)
        self.bugs = Counter(
            "treadle_bugs_total", "Exceptions that nobody expected; each has a stack trace in the log.", ["where"], registry=self.registry
        )
        self.queue_depth = Gauge("treadle_queue_depth", "Objects that wait for a look.", registry=self.registry)
        self.api_requests = Counter(
            "treadle_api_requests_total", "Requests to the API server, watches apart.", ["method", "code"], registry=self.registry
        )
        self.watch_events = Counter("treadle_watch_events_total", "Events that the watches brought.", ["kind"], registry=self.registry)
        self.polls = Histogram(
            "treadle_poll_seconds", "Time of one batch of questions.", ["connection", "result"], buckets=DURATIONS, registry=self.registry
        )
        self.gpu_seconds = Counter(
            "treadle_gpu_seconds_total",
            "GPU-seconds of finished attempts, failed ones too.",
            ["tenant_namespace", "project", "product"],
            registry=self.registry,
        )
        self.synced = Gauge("treadle_synced", "1 once every watched kind was read whole.", registry=self.registry)
        self.leader = Gauge("treadle_leader", "1 while this replica leads.", registry=self.registry)
        Gauge("treadle_build_info", "Always 1.", ["version"], registry=self.registry).labels(release()).set(1)

    def text(self) -> bytes:
        """The figures as Prometheus reads them."""
        return generate_latest(self.registry)


def release() -> str:
    """The version of Treadle that runs; `unknown` when it is not installed."""
    try:
        return version("treadle")
    except PackageNotFoundError:
        return "unknown"
