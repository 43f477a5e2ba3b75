"""The control plane alone, as every integration test uses it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster import Cluster, Problem, down, find, places, up
from e2e.cluster.progress import silent
from e2e.cluster.waiting import until

NAME = "selftest"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    down(NAME, progress=silent)
    yield up(NAME, "control-plane", keep=False)
    down(NAME, progress=silent)
    assert not (places.clusters() / NAME).exists()


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_clients_verify_the_server_and_rights_come_from_rbac(cluster: Cluster) -> None:
    entry = json.loads(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    assert set(entry) == {"server", "certificate-authority-data"}
    jane = cluster.kubeconfig_for("jane", ["readers"])
    with pytest.raises(Problem, match='User "jane" cannot list resource "configmaps"'):
        cluster.kubectl("get", "configmaps", as_user=jane)
    cluster.kubectl("create", "clusterrolebinding", "readers", "--clusterrole=view", "--group=readers")
    until("Jane's right to read", lambda: cluster.kubectl("get", "configmaps", as_user=jane) or True, timeout=10)
    with pytest.raises(Problem, match="cannot create"):
        cluster.kubectl("create", "configmap", "mine", as_user=jane)


def test_a_service_account_gets_a_kubeconfig_of_its_own(cluster: Cluster) -> None:
    cluster.kubectl("create", "serviceaccount", "robot")
    robot = cluster.kubeconfig_for_service_account("default", "robot")
    assert "system:serviceaccount:default:robot" in cluster.kubectl("auth", "whoami", "--output=json", as_user=robot)


def test_the_audit_log_holds_bodies_of_writes_but_never_a_secret(cluster: Cluster) -> None:
    before = cluster.audit_log.stat().st_size
    writer = cluster.kubeconfig_for("writer", ["system:masters"])
    cluster.kubectl("create", "configmap", "plain", "--from-literal=word=visible-word", as_user=writer)
    cluster.kubectl("create", "secret", "generic", "hidden", "--from-literal=word=hidden-word", as_user=writer)

    def written() -> bool:
        return len([event for event in cluster.audit_events(user="writer", offset=before) if event["verb"] == "create"]) == 2

    until("Both events", written, timeout=10)
    events = {event["objectRef"]["resource"]: event for event in cluster.audit_events(user="writer", offset=before) if event["verb"] == "create"}
    assert events["configmaps"]["requestObject"]["data"] == {"word": "visible-word"}
    assert "requestObject" not in events["secrets"]
    assert "hidden-word" not in cluster.audit_log.read_text()


def test_the_controllers_work(cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "short-lived")
    cluster.kubectl("create", "job", "never-runs", "--image=registry.example/none", "--namespace=short-lived")
    until("The Job's pod", lambda: cluster.get("pods", "--namespace=short-lived")["items"], timeout=20)
    cluster.kubectl("delete", "namespace", "short-lived", "--wait=true", timeout=60)


def test_bringing_it_up_again_changes_nothing_and_a_killed_program_is_started_again(cluster: Cluster) -> None:
    before = cluster.programs()
    assert set(before) == {"etcd", "kube-apiserver", "kube-controller-manager"}
    up(NAME, "control-plane", progress=silent)
    assert cluster.programs() == before
    cluster.kubectl("create", "namespace", "survivor")
    killed = before["kube-apiserver"].pid
    assert killed
    os.kill(killed, signal.SIGKILL)
    until("The end of the API server", lambda: cluster.programs()["kube-apiserver"].exit == -signal.SIGKILL, timeout=10)
    up(NAME, "control-plane", progress=silent)
    assert cluster.kubectl("get", "namespace", "survivor", "--output=name").strip() == "namespace/survivor"


def test_the_api_server_can_be_restarted_and_frozen(cluster: Cluster) -> None:
    cluster.restart_api_server(kill=True)
    assert cluster.kubectl("get", "--raw=/readyz") == "ok"
    cluster.freeze("kube-apiserver")
    with pytest.raises(Problem):
        cluster.kubectl("get", "namespaces", "--request-timeout=1s")
    cluster.thaw("kube-apiserver")
    cluster.wait_for_api()


def test_another_mode_under_the_same_name_is_refused(cluster: Cluster) -> None:
    if os.geteuid() != 0:
        pytest.skip("without root the answer is another sentence")
    with pytest.raises(Problem, match="runs in control-plane mode"):
        up(NAME, "full", progress=silent)
    with pytest.raises(Problem, match="has no node"):
        cluster.load_image(Path("image.tar"))


def test_a_cluster_ends_with_its_owner_however_that_ends() -> None:
    name = "owned"
    down(name, progress=silent)
    program = f"from e2e.cluster import up; up({name!r}, 'control-plane', keep=False); print('ready', flush=True); input()"
    owner = subprocess.Popen([sys.executable, "-c", program], cwd=places.REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert owner.stdout
        assert owner.stdout.readline() == b"ready\n"
        cluster = find(name)
        programs = [program.pid for program in cluster.programs().values() if program.pid]
        assert len(programs) == 3
        supervisor = cluster.control.pid()
        assert supervisor
    finally:
        owner.kill()
        owner.communicate(timeout=10)
    # The supervisor answers until the last program ended.
    until("The end of the supervisor and all programs", lambda: not any(alive(pid) for pid in (supervisor, *programs)), timeout=20)
    with pytest.raises(Problem, match="No cluster `owned` runs"):
        find(name)
    assert down(name, progress=silent)
    assert not down(name, progress=silent)


def test_programs_do_not_outlive_a_killed_supervisor_and_up_starts_afresh() -> None:
    name = "orphans"
    down(name, progress=silent)
    cluster = up(name, "control-plane", keep=False, progress=silent)
    pids = [program.pid for program in cluster.programs().values() if program.pid]
    supervisor = cluster.control.pid()
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    until("The end of all programs", lambda: not any(alive(pid) for pid in pids), timeout=20)
    lines: list[str] = []
    assert up(name, "control-plane", keep=False, progress=lines.append).kubectl("get", "--raw=/readyz") == "ok"
    assert lines[0] == "cluster orphans ended without `down`: its remains are removed"
    down(name, progress=silent)
