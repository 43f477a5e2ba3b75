"""The fleet, and the page of AnnotationProjects."""

from e2e.dashboards.panels import Dashboard, Panel, Query, Row, Variable
from e2e.dashboards.words import CALLED, ONE, TENANT, WHO, choices

WAITS = f'treadle_condition{{{TENANT}, type="Stalled"}} == 1 unless on (kind, {WHO}) treadle_condition{{{TENANT}, type="Succeeded"}}'
"""What waits for a human. A run that ended does not: it is told by its phase."""

FLEET = Dashboard(
    uid="treadle-fleet",
    title="Treadle / Fleet",
    description="Everything that Treadle looks after: how much there is, what waits for a human, and what training costs.",
    variables=(Variable("tenant_namespace", "label_values(treadle_objects, tenant_namespace)"),),
    rows=(
        Row(
            "At a glance",
            (
                Panel(
                    title="Objects",
                    description="Objects by kind.",
                    type="stat",
                    queries=(Query(f"sum by (kind) (treadle_objects{{{TENANT}}})", "{{kind}}"),),
                ),
                Panel(
                    title="Wait for a human",
                    description="Objects that cannot go on by themselves, ended runs apart.",
                    type="stat",
                    thresholds=((1, "orange"),),
                    queries=(Query(f"sum by (kind) ({WAITS})", "{{kind}}"),),
                ),
                Panel(
                    title="What waits, and why",
                    description="Each object that waits for a human, with the reason: the table of reasons says what to do.",
                    type="table",
                    width=24,
                    columns=("kind", "tenant_namespace", "name", "reason"),
                    queries=(Query(f"max by (kind, {WHO}, reason) ({WAITS})", "{{name}}"),),
                ),
            ),
        ),
        Row(
            "Phases",
            tuple(
                Panel(
                    title=f"{kind}s",
                    description=f"{kind}s by phase.",
                    width=8,
                    stacked=True,
                    queries=(Query(f'sum by (phase) (treadle_objects{{{TENANT}, kind="{kind}"}})', "{{phase}}"),),
                )
                for kind in ("AnnotationProject", "TrainingRun", "ModelDeployment")
            ),
        ),
        Row(
            "Training",
            (
                Panel(
                    title="GPUs that finished attempts used, on average",
                    description="GPU-seconds per second of attempts, counted when they end: failed ones too.",
                    stacked=True,
                    queries=(
                        Query(f"sum by (tenant_namespace) (rate(treadle_gpu_seconds_total{{{TENANT}}}[$__rate_interval]))", "{{tenant_namespace}}"),
                    ),
                ),
                Panel(
                    title="GPU-hours in the chosen time, by project",
                    description="With `metrics.gpuHourPrices` the rule `treadle:gpu_cost:total` has the same in money.",
                    type="bargauge",
                    unit="h",
                    queries=(
                        Query(
                            # What belongs to no project has no such label, and is named all the same.
                            f"label_replace(sum by (tenant_namespace, project) (increase(treadle_gpu_seconds_total{{{TENANT}}}[$__range])) / 3600, "
                            '"project", "no project", "project", "")',
                            "{{tenant_namespace}}/{{project}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)

PROJECT = Dashboard(
    uid="treadle-annotation-project",
    title="Treadle / AnnotationProject",
    description="How far people are, how well they agree, and what was released.",
    variables=choices("AnnotationProject"),
    rows=(
        Row(
            "Labelling",
            (
                Panel(
                    title="Finished",
                    description="Share of the items that are finished.",
                    type="bargauge",
                    unit="percentunit",
                    queries=(Query(f"max by ({WHO}) (treadle_project_progress_ratio{{{ONE}}})", CALLED),),
                ),
                Panel(
                    title="Items, by how far people are",
                    description="Items at the sources, with an annotation, finished, skipped, in review, and with a proposal.",
                    queries=(Query(f"max by ({WHO}, state) (treadle_project_items{{{ONE}}})", f"{CALLED} {{{{state}}}}"),),
                ),
                Panel(
                    title="Finished items in an hour",
                    description="How fast people are.",
                    queries=(Query(f'max by ({WHO}) (delta(treadle_project_items{{{ONE}, state="finished"}}[1h]))', CALLED),),
                ),
                Panel(
                    title="Conditions",
                    description="1 holds, 0 does not, -1 is unknown.",
                    type="table",
                    columns=("tenant_namespace", "name", "type", "reason"),
                    queries=(Query(f'max by ({WHO}, type, reason) (treadle_condition{{{ONE}, kind="AnnotationProject"}})', "{{type}}"),),
                ),
            ),
        ),
        Row(
            "Quality",
            (
                Panel(
                    title="Agreement",
                    description="Agreement between annotators, as each measurement found it.",
                    unit="none",
                    queries=(Query(f"max by ({WHO}, metric) (treadle_project_agreement{{{ONE}}})", f"{CALLED} {{{{metric}}}}"),),
                ),
                Panel(
                    title="Findings",
                    description="Items that annotators agree on, dispute, or that break a rule or a gold answer.",
                    queries=(Query(f"max by ({WHO}, finding) (treadle_project_quality_items{{{ONE}}})", f"{CALLED} {{{{finding}}}}"),),
                ),
            ),
        ),
        Row(
            "Versions",
            (
                Panel(
                    title="Last version",
                    description="Number of the last dataset version.",
                    type="stat",
                    queries=(Query(f"max by ({WHO}) (treadle_project_dataset_version{{{ONE}}})", CALLED),),
                ),
                Panel(
                    title="Its items",
                    description="Items of the last dataset version.",
                    type="stat",
                    queries=(Query(f"max by ({WHO}) (treadle_project_dataset_items{{{ONE}}})", CALLED),),
                ),
            ),
        ),
    ),
)
