"""The only pod template there is: whatever goes in, what comes out is restricted."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from treadle.workloads.gpu import Gpu
from treadle.workloads.pod import Container, Mount, Resources, Variable, Volume, pod_template
from treadle.workloads.quantity import canonical, half_of


def one(**container: Any) -> dict[str, Any]:
    return pod_template(containers=[Container(name="main", image="registry.example/x", **container)], labels={"a": "b"})["spec"]  # type: ignore[no-any-return]


@given(users=some.booleans(), count=some.integers(0, 8), working_dir=some.sampled_from(["", "/app"]))
def test_every_pod_is_restricted_and_bounded(users: bool, count: int, working_dir: str) -> None:
    spec = one(users=users, working_dir=working_dir, resources=Resources(gpu=Gpu(count=count)))
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] >= 10000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": not users,
    }
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    assert container["resources"]["limits"].get("nvidia.com/gpu") == (str(count) if count else None)


def test_extras_cannot_loosen_security() -> None:
    (container,) = one(extras={"securityContext": {"privileged": True}})["containers"]
    assert "privileged" not in container["securityContext"]


def test_a_users_image_finds_a_home_caches_and_shared_memory() -> None:
    container = Container(name="main", image="registry.example/x", users=True, env=[Variable(name="HF_HOME", value="/cache")])
    spec = pod_template(containers=[container], labels={}, shared_memory="1Gi")["spec"]
    env = {variable["name"]: variable["value"] for variable in spec["containers"][0]["env"]}
    assert env["HOME"] == "/home/treadle"
    assert env["HF_HOME"] == "/cache", "what the user says wins"
    mounted = {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert {"/tmp", "/home/treadle", "/dev/shm"} <= mounted
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}} in spec["volumes"]


def test_secrets_are_references_and_never_values() -> None:
    (container,) = one(env=[Variable(name="TOKEN", secret="s", key="token"), Variable(name="USER", secret="s", key="user", optional=True)])[
        "containers"
    ]
    assert container["env"] == [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
        {"name": "USER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "user", "optional": True}}},
    ]


def test_volumes_and_products_are_passed_on() -> None:
    container = Container(
        name="main",
        image="x",
        mounts=[Mount(volume="data", path="/data", read_only=True, sub_path="a")],
        resources=Resources(gpu=Gpu(count=1, product="H200")),
    )
    template = pod_template(containers=[container], labels={}, volumes=[Volume(name="data", source={"persistentVolumeClaim": {"claimName": "c"}})])
    assert template["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": "H200"}
    assert template["spec"]["containers"][0]["volumeMounts"][-1] == {"name": "data", "mountPath": "/data", "readOnly": True, "subPath": "a"}
    assert template["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "treadle"}


def test_sensitive_pods_keep_no_log_lines() -> None:
    assert one(keep_log_lines=False)["containers"][0]["terminationMessagePolicy"] == "File"
    assert one()["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_the_label_that_pods_are_watched_by_cannot_be_taken_away() -> None:
    labels = {"app.kubernetes.io/managed-by": "acme", "team": "shelf"}
    made = pod_template(containers=[Container(name="main", image="registry.example/x")], labels=labels)["metadata"]["labels"]
    assert made == {"app.kubernetes.io/managed-by": "treadle", "team": "shelf"}


def test_half_of_an_amount() -> None:
    assert [half_of(amount) for amount in ("2Gi", "3Gi", "1000M", "512Ki")] == ["1Gi", "1536Mi", "476Mi", "1Mi"]
    assert canonical("1000m") == "1"
