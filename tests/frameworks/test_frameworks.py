"""Every sample of a framework, run as it stands in real pods: trained, tracked, judged. Images of several gigabytes, so not for every day."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from e2e.cluster import find
from e2e.cluster.progress import printed
from e2e.conftest import Environment
from e2e.environment import install_jobset, install_operator, uninstall_add_ons
from e2e.images import build
from e2e.support.waiting import until
from tests.integration.api_server import REPOSITORY

FOLDER = REPOSITORY / "manifests" / "samples" / "frameworks"
SAMPLES = [this for path in sorted(FOLDER.glob("*.yaml")) for this in yaml.safe_load_all(path.read_text())]
IMAGES = {"scikit-learn": "demo-train", "xgboost": "demo-train", "pytorch": "sample-pytorch", "pytorch-ddp": "sample-pytorch"}
IMAGES |= {"tensorflow": "sample-tensorflow", "tensorflow-ddp": "sample-tensorflow"}
SEVERAL = {**next(this for this in SAMPLES if this["metadata"]["name"] == "tensorflow"), "metadata": {"name": "tensorflow-ddp"}}
EVERY = [*SAMPLES, {**SEVERAL, "spec": {**SEVERAL["spec"], "nodes": 2}}]


@pytest.fixture(scope="module")
def images(environment: Environment) -> dict[str, str]:
    """The images by name, known to the cluster."""
    made = build(sorted(set(IMAGES.values())), printed)
    for image in made.values():
        find(environment.target.name).load_image(image.archive_path, printed)
    return {name: image.tag for name, image in made.items()}


@pytest.fixture(scope="module", autouse=True)
def jobset(environment: Environment) -> Iterator[None]:
    """JobSet is there, and the operator may use it."""
    install_operator(environment.target, environment.images, printed, installation="e2e", more={"kinds": {"jobSet": True}})
    install_jobset(environment.target, printed)
    yield
    uninstall_add_ons(environment.target)
    install_operator(environment.target, environment.images, printed, installation="e2e")


@pytest.mark.parametrize("this", EVERY, ids=lambda this: this["metadata"]["name"])
def test_a_sample_runs_as_it_stands(
    environment: Environment,
    namespace: str,
    apply: Callable[..., None],
    condition: Callable[..., dict[str, Any]],
    images: dict[str, str],
    this: dict[str, Any],
) -> None:
    name = this["metadata"]["name"]
    folder = "/opt/train/source/manifests/samples/frameworks" if IMAGES[name] == "demo-train" else "/opt/train/source"
    spec = {**this["spec"], "image": images[IMAGES[name]], "workingDir": folder}
    if "checkpoint" in spec:
        _claim(environment, namespace, spec["checkpoint"]["claim"])
    apply({**this, "spec": spec})

    def over() -> dict[str, Any] | None:
        status: dict[str, Any] = environment.get("trainingrun", name, f"--namespace={namespace}").get("status", {})
        return status if status.get("phase") in ("Succeeded", "Failed") else None

    status = until(f"{name} ends", over, timeout=600, describe=lambda: environment.get("trainingrun", name, f"--namespace={namespace}").get("status"))
    assert status["phase"] == "Succeeded", status
    assert [gate["verdict"] for gate in status["gates"]] == ["Passed"]
    assert status["attempt"] == 1
    if "tensorboard" in spec:
        condition("trainingrun", name, "TensorBoard", "True", timeout=120)
        scalars = f"/api/v1/namespaces/{namespace}/services/{name}-tensorboard:http/proxy/data/plugin/scalars/tags"
        assert "val_accuracy" in until("TensorBoard shows the curves", lambda: environment.kubectl("get", "--raw", scalars), timeout=60)


def _claim(environment: Environment, namespace: str, name: str) -> None:
    """A folder of the node as a volume: the cluster has no storage class."""
    folder = f"/run/{namespace}"
    environment.cluster.inside("mkdir", "--mode=0777", folder)
    size = {"storage": "1Gi"}
    volume = {"capacity": size, "accessModes": ["ReadWriteOnce"], "storageClassName": "", "hostPath": {"path": folder, "type": "Directory"}}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": namespace, "resources": {"requests": size}}
    for this in (
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace}, "spec": claim},
    ):
        environment.kubectl("apply", "--filename=-", stdin=json.dumps(this))
