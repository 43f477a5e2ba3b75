"""The check of restricted pods, which other tests rely on, sees each thing that the standard forbids."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.pod_security import violations

GOOD: dict[str, Any] = {
    "spec": {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [],
        "containers": [
            {
                "name": "main",
                "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
}
BAD_PODS: list[tuple[dict[str, Any], str]] = [
    ({"hostNetwork": True}, "hostNetwork"),
    ({"hostPID": True}, "hostPID"),
    ({"hostIPC": True}, "hostIPC"),
    ({"automountServiceAccountToken": True}, "token"),
    ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "hostPath"),
    ({"volumes": [{"name": "old", "nfs": {"server": "x", "path": "/"}}]}, "nfs"),
    ({"securityContext": {}}, "seccomp"),
    ({"securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001}}, "seccomp"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "runAsUser": 1000}}, "runAsUser"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "runAsUser": 0}}, "runAsUser"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "runAsGroup": 0}}, "runAsGroup"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "runAsNonRoot": False}}, "root"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "supplementalGroups": [0]}}, "supplementalGroups"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "sysctl"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "seccompProfile": {"type": "Unconfined"}}}, "seccomp"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "seLinuxOptions": {"type": "spc_t"}}}, "SELinux"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "appArmorProfile": {"type": "Unconfined"}}}, "AppArmor"),
    ({"securityContext": {**GOOD["spec"]["securityContext"], "windowsOptions": {"hostProcess": True}}}, "host process"),
]
OWN = GOOD["spec"]["containers"][0]["securityContext"]
BAD_CONTAINERS: list[tuple[dict[str, Any], str]] = [
    ({"securityContext": {}}, "escalation"),
    ({"securityContext": {**OWN, "allowPrivilegeEscalation": True}}, "escalation"),
    ({"securityContext": {**OWN, "privileged": True}}, "privileged"),
    ({"securityContext": {**OWN, "capabilities": {}}}, "not dropped"),
    ({"securityContext": {**OWN, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}}, "added"),
    ({"securityContext": {**OWN, "runAsNonRoot": False}}, "root"),
    ({"securityContext": {**OWN, "runAsUser": 0}}, "runAsUser"),
    ({"securityContext": {**OWN, "procMount": "Unmasked"}}, "/proc"),
    ({"securityContext": {**OWN, "seccompProfile": {"type": "Unconfined"}}}, "seccomp"),
    ({"securityContext": {k: v for k, v in OWN.items() if k != "readOnlyRootFilesystem"}}, "root file system"),
    ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "port of the host"),
    ({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}, "names a host"),
    ({"lifecycle": {"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}}, "names a host"),
    ({"resources": {}}, "requests no cpu and no memory"),
    ({"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}, "no limit"),
]


def test_a_restricted_pod_is_not_complained_about() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(("change", "said"), BAD_PODS, ids=str)
def test_a_pod_that_is_not_restricted_is_seen(change: dict[str, Any], said: str) -> None:
    found = violations({"spec": GOOD["spec"] | change})
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize("place", ["initContainers", "containers", "ephemeralContainers"])
@pytest.mark.parametrize(("change", "said"), BAD_CONTAINERS, ids=str)
def test_a_container_that_is_not_restricted_is_seen_wherever_it_stands(place: str, change: dict[str, Any], said: str) -> None:
    template = copy.deepcopy(GOOD)
    template["spec"].setdefault(place, []).append(template["spec"]["containers"][0] | {"name": "bad"} | change)
    found = violations(template)
    assert all(sentence.startswith("container bad: ") for sentence in found), found
    assert any(said in sentence for sentence in found), found
