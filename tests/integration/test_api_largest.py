"""Objects as large as the bounds allow are still within what the API server spends on rules, also when they are changed."""

from typing import Any

import pytest

from tests.integration.api_server import ApiServer, Case, Object, api_server, changed, sample

__all__ = ["api_server"]

TOLERATIONS = [{"key": f"example.com/{n:0200}", "operator": "Equal", "value": f"{n:063}", "effect": "NoSchedule"} for n in range(20)]
LABELS = {f"example.com/{n:063}": f"{n:063}" for n in range(20)}
STORES = [{"prefix": f"s3://{n:01000}/", "secret": f"s{n:0252}", "connection": "default"} for n in range(20)]
RUN: dict[str, Any] = {
    "command": ["x" * 2048] * 64,
    "args": ["x" * 2048] * 64,
    "env": [{"name": f"E{n:0127}", "value": "x" * 4096} for n in range(100)],
    "parameters": [{"name": f"P{n:099}", "value": "x" * 2048} for n in range(100)],
    "volumes": [{"name": f"v{n:039}", "claim": f"c{n:0252}", "mountPath": f"/{n:0511}", "subPath": "x" * 512} for n in range(20)],
    "nodeSelector": LABELS,
    "labels": LABELS,
    "tolerations": TOLERATIONS,
    "access": {"stores": STORES, "imagePullSecrets": [f"s{n:0252}" for n in range(10)]},
    "gates": [{"name": f"g{n:062}", "metric": "x" * 250, "min": "0.5", "notWorseThan": {"alias": "champion"}, "tolerance": "0.1"} for n in range(20)],
}
LARGEST = [
    changed(
        sample("smallest.yaml", "AnnotationProject"),
        {
            "spec.task.labels": [{"name": f"label {n:03}", "color": "#ffffff", "hotkey": "shift+a"} for n in range(300)],
            "spec.guidelines": {"inline": "x" * 8192},
            "spec.train": {"template": {"spec": {"image": "registry.example/train:1", **RUN}}},
            "spec.jobs": {"tolerations": TOLERATIONS, "nodeSelector": LABELS},
            "spec.access": RUN["access"],
            "spec.workforce": {"annotators": [{"id": f"{n:0100}"} for n in range(200)]},
        },
    ),
    changed(
        sample("smallest.yaml", "AnnotationProject"),
        {
            "spec.task": {
                "type": "NamedEntities",
                "labels": [{"name": f"label {n:03}", "color": "#ffffff", "hotkey": "shift+a"} for n in range(230)],
                "relations": [{"name": f"relation {n:03}", "color": "#ffffff"} for n in range(95)],
            }
        },
    ),
    changed(sample("smallest.yaml", "TrainingRun"), {f"spec.{field}": value for field, value in RUN.items()}),
    changed(
        sample("smallest.yaml", "ModelDeployment"),
        {
            "spec.runtime.env": RUN["env"],
            "spec.tolerations": TOLERATIONS,
            "spec.nodeSelector": LABELS,
            "spec.access": RUN["access"],
            "spec.rollout": {"steps": [{"weight": n, "hold": "1h"} for n in range(1, 11)]},
        },
    ),
]


@pytest.mark.parametrize("this", LARGEST, ids=lambda this: str(this["kind"]))
def test_the_largest_object_is_accepted_and_can_be_changed(api_server: ApiServer, this: Object) -> None:
    assert api_server.accepts(this, Case("", {}, "")) == ""
    assert api_server.accepts(this, Case("", {}, "", good={"spec.suspend": True}, before={})) == ""
