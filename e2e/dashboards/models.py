"""The pages of TrainingRuns and of ModelDeployments."""

from e2e.dashboards.panels import Dashboard, Panel, Query, Row
from e2e.dashboards.words import CALLED, ONE, WHO, choices

SERVED = 'namespace=~"$tenant_namespace", deployment=~"$name"'


def _serving_rate(codes: str = ".*") -> str:
    requests = f'treadle_serving_requests_total{{{SERVED}, code=~"{codes}"}}'
    return f"sum by (deployment, model_version) (rate({requests}[$__rate_interval]))"


def _latency(share: str) -> str:
    buckets = f"rate(treadle_serving_request_duration_seconds_bucket{{{SERVED}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by (deployment, model_version, le) ({buckets}))"


RUN = Dashboard(
    uid="treadle-training-run",
    title="Treadle / TrainingRun",
    description="Runs that go on, the latest that ended, their attempts and their gates.",
    variables=choices("TrainingRun"),
    rows=(
        Row(
            "Progress",
            (
                Panel(
                    title="How far",
                    description="What runs say of themselves.",
                    unit="percentunit",
                    queries=(Query(f"max by ({WHO}) (treadle_run_progress_ratio{{{ONE}}})", CALLED),),
                ),
                Panel(
                    title="Still needed",
                    description="How long runs think they still need.",
                    unit="s",
                    queries=(Query(f"max by ({WHO}) (treadle_run_remaining_seconds{{{ONE}}})", CALLED),),
                ),
            ),
        ),
        Row(
            "Attempts",
            (
                Panel(
                    title="Attempts that did not succeed",
                    description="By what they count as: the program's fault, the platform's, or somebody with a higher priority.",
                    stacked=True,
                    queries=(Query(f"max by ({WHO}, class) (treadle_run_attempts{{{ONE}}})", f"{CALLED} {{{{class}}}}"),),
                ),
                Panel(
                    title="GPU-seconds",
                    description="Used by finished attempts.",
                    type="bargauge",
                    unit="s",
                    queries=(Query(f"max by ({WHO}) (treadle_run_gpu_seconds{{{ONE}}})", CALLED),),
                ),
            ),
        ),
        Row(
            "Gates",
            (
                Panel(
                    title="Verdicts",
                    description="1 passed, 0 failed, -1 unknown. What is unknown never passes.",
                    type="table",
                    columns=("tenant_namespace", "name", "gate"),
                    queries=(Query(f"max by ({WHO}, gate) (treadle_run_gate{{{ONE}}})", "{{gate}}"),),
                ),
                Panel(
                    title="Measured",
                    description="What gates measured.",
                    type="table",
                    unit="none",
                    columns=("tenant_namespace", "name", "gate"),
                    queries=(Query(f"max by ({WHO}, gate) (treadle_run_gate_value{{{ONE}}})", "{{gate}}"),),
                ),
            ),
        ),
    ),
)

DEPLOYMENT = Dashboard(
    uid="treadle-model-deployment",
    title="Treadle / ModelDeployment",
    description="What serves, what is proving itself, how fast and how well they answer, and whether the traffic has drifted.",
    variables=choices("ModelDeployment"),
    rows=(
        Row(
            "Rollout",
            (
                Panel(
                    title="Traffic, by version",
                    description="Share of the requests that each version answers.",
                    unit="percentunit",
                    stacked=True,
                    queries=(
                        Query(f"max by ({WHO}, role, version) (treadle_deployment_traffic_ratio{{{ONE}}})", f"{CALLED} {{{{role}}}} {{{{version}}}}"),
                    ),
                ),
                Panel(
                    title="Step",
                    description="Step of the rollout, from 0. No line: no rollout.",
                    queries=(
                        Query(
                            f"max by ({WHO}, version, stage) (treadle_deployment_rollout_step{{{ONE}}})", f"{CALLED} {{{{version}}}} {{{{stage}}}}"
                        ),
                    ),
                ),
                Panel(
                    title="Pods",
                    description="Pods of the stable version: wanted and ready.",
                    queries=(Query(f"max by ({WHO}, state) (treadle_deployment_replicas{{{ONE}}})", f"{CALLED} {{{{state}}}}"),),
                ),
                Panel(
                    title="Versions that were given up",
                    description="Of the last ones: they are not tried again by themselves.",
                    type="stat",
                    queries=(Query(f"max by ({WHO}) (treadle_deployment_refused_versions{{{ONE}}})", CALLED),),
                ),
            ),
        ),
        Row(
            "Answers",
            (
                Panel(
                    title="Requests",
                    description="Inference requests, by version.",
                    unit="reqps",
                    queries=(Query(_serving_rate(), "{{deployment}} {{model_version}}"),),
                ),
                Panel(
                    title="Errors",
                    description="Share of the requests that the server could not answer.",
                    unit="percentunit",
                    thresholds=((0.01, "red"),),
                    queries=(Query(f"{_serving_rate('5..')} / {_serving_rate()}", "{{deployment}} {{model_version}}"),),
                ),
                Panel(
                    title="Time to answer",
                    description="95 answers in a hundred take no longer, waiting included.",
                    unit="s",
                    queries=(Query(_latency("0.95"), "{{deployment}} {{model_version}}"),),
                ),
                Panel(
                    title="In flight",
                    description="Requests that work or wait now.",
                    queries=(
                        Query(
                            f"sum by (deployment, model_version) (treadle_serving_requests_in_flight{{{SERVED}}})", "{{deployment}} {{model_version}}"
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Drift and feedback",
            (
                Panel(
                    title="Drift",
                    description="1 while the traffic has drifted. No line: it is not watched.",
                    thresholds=((1, "orange"),),
                    queries=(Query(f"max by ({WHO}) (treadle_deployment_drift{{{ONE}}})", CALLED),),
                ),
                Panel(
                    title="Features that moved most",
                    description="Population stability index of each feature against the training data; the ten highest.",
                    unit="none",
                    queries=(
                        Query(f"topk(10, max by (deployment, feature) (treadle_serving_feature_psi{{{SERVED}}}))", "{{deployment}} {{feature}}"),
                    ),
                ),
                Panel(
                    title="Requests that do not fit",
                    description="Refused requests that do not fit the model's signature, by what does not: its callers, or the model, have changed.",
                    unit="reqps",
                    stacked=True,
                    queries=(
                        Query(
                            f"sum by (deployment, misfit) (rate(treadle_serving_unfit_requests_total{{{SERVED}}}[$__rate_interval]))",
                            "{{deployment}} {{misfit}}",
                        ),
                    ),
                ),
                Panel(
                    title="Answers that moved",
                    description="Population stability index of what the model answers against its evaluation.",
                    unit="none",
                    queries=(Query(f"max by (deployment, output) (treadle_serving_prediction_psi{{{SERVED}}})", "{{deployment}} {{output}}"),),
                ),
                Panel(
                    title="Accuracy, where the truth is known",
                    description="Right answers among those whose true label callers told in the last 24 windows; low and high are the 95 % interval.",
                    unit="percentunit",
                    queries=(
                        Query(
                            f"max by ({WHO}, version, bound) (treadle_deployment_accuracy_ratio{{{ONE}}})",
                            f"{CALLED} {{{{version}}}} {{{{bound}}}}",
                        ),
                    ),
                ),
                Panel(
                    title="True labels",
                    description="Labels that callers told in the last 24 windows, by the version that had answered: with more, the interval narrows.",
                    queries=(Query(f"max by ({WHO}, version) (treadle_deployment_labelled_answers{{{ONE}}})", f"{CALLED} {{{{version}}}}"),),
                ),
                Panel(
                    title="Items kept for people",
                    description="What serving sends back to be labelled, by why.",
                    unit="ops",
                    stacked=True,
                    queries=(
                        Query(
                            f"sum by (deployment, when) (rate(treadle_serving_feedback_kept_total{{{SERVED}}}[$__rate_interval]))",
                            "{{deployment}} {{when}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
