"""How the operator itself is."""

from e2e.dashboards.panels import Dashboard, Panel, Query, Row, Variable

OURS = 'namespace=~"$namespace"'


def _quantile(share: str, metric: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{{{OURS}}}[$__rate_interval])))"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{OURS}}}[$__rate_interval]))"


HEALTH = Dashboard(
    uid="treadle-operator",
    title="Treadle / Operator",
    description="Whether the operator leads, keeps up, and reaches the API server and its outside systems.",
    variables=(Variable("namespace", "label_values(treadle_leader, namespace)"),),
    rows=(
        Row(
            "At a glance",
            (
                Panel(
                    title="Leads",
                    description="1 while a replica leads. Nothing new is done without one.",
                    type="stat",
                    width=4,
                    queries=(Query(f"max by (namespace) (treadle_leader{{{OURS}}})", "{{namespace}}"),),
                ),
                Panel(
                    title="Replicas",
                    description="Replicas that tell metrics.",
                    type="stat",
                    width=4,
                    queries=(Query(f"count by (version) (treadle_build_info{{{OURS}}})", "{{version}}"),),
                ),
                Panel(
                    title="Whole view",
                    description="Replicas that have read every kind; the others do not lead.",
                    type="stat",
                    width=4,
                    queries=(Query(f"sum by (namespace) (treadle_synced{{{OURS}}})", "{{namespace}}"),),
                ),
                Panel(
                    title="Waiting",
                    description="Objects that wait to be looked at. It falls back to 0 within seconds.",
                    type="stat",
                    width=4,
                    thresholds=((50, "orange"), (500, "red")),
                    queries=(Query(f"max by (namespace) (treadle_queue_depth{{{OURS}}})", "{{namespace}}"),),
                ),
                Panel(
                    title="Unexpected exceptions, last day",
                    description="Each has a stack trace in the log. Any is too many.",
                    type="stat",
                    width=8,
                    thresholds=((1, "red"),),
                    queries=(Query(f"sum by (namespace) (increase(treadle_bugs_total{{{OURS}}}[1d])) or vector(0)", "{{namespace}}"),),
                ),
            ),
        ),
        Row(
            "Looks at objects",
            (
                Panel(
                    title="Looks, by kind and result",
                    description="How often objects are looked at, and how it ended.",
                    unit="ops",
                    stacked=True,
                    queries=(Query(_rate("treadle_reconciles_total", "kind, result"), "{{kind}} {{result}}"),),
                ),
                Panel(
                    title="Time of a look",
                    description="Half of the looks, and 99 in a hundred, take no longer.",
                    unit="s",
                    queries=(
                        Query(_quantile("0.5", "treadle_reconcile_seconds", "kind"), "{{kind}} median"),
                        Query(_quantile("0.99", "treadle_reconcile_seconds", "kind"), "{{kind}} 99 %"),
                    ),
                ),
                Panel(
                    title="Waiting objects",
                    description="Objects that wait to be looked at, by replica.",
                    queries=(Query(f"treadle_queue_depth{{{OURS}}}", "{{pod}}"),),
                ),
                Panel(
                    title="Actions, by result",
                    description="What the operator did: objects made, changed and removed, and effects on outside systems.",
                    unit="ops",
                    stacked=True,
                    queries=(Query(_rate("treadle_actions_total", "action, result"), "{{action}} {{result}}"),),
                ),
            ),
        ),
        Row(
            "API server",
            (
                Panel(
                    title="Requests, by answer",
                    description="Requests to the API server, watches apart.",
                    unit="reqps",
                    stacked=True,
                    queries=(Query(_rate("treadle_api_requests_total", "method, code"), "{{method}} {{code}}"),),
                ),
                Panel(
                    title="Watch events, by kind",
                    description="What the watches brought.",
                    unit="ops",
                    stacked=True,
                    queries=(Query(_rate("treadle_watch_events_total", "kind"), "{{kind}}"),),
                ),
            ),
        ),
        Row(
            "Outside systems",
            (
                Panel(
                    title="Batches of questions, by result",
                    description="How often each connection was asked, and whether it answered.",
                    unit="ops",
                    stacked=True,
                    queries=(Query(_rate("treadle_poll_seconds_count", "connection, result"), "{{connection}} {{result}}"),),
                ),
                Panel(
                    title="Time of a batch",
                    description="99 batches in a hundred take no longer.",
                    unit="s",
                    queries=(Query(_quantile("0.99", "treadle_poll_seconds", "connection"), "{{connection}}"),),
                ),
            ),
        ),
    ),
)
