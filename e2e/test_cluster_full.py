"""The full local cluster: pods really run, and nothing of it stays behind."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, Problem, cgroups, down, find, places, tool, up
from e2e.cluster.progress import silent
from e2e.cluster.waiting import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a full cluster needs root")

NAME, OTHER = "selftest-a", "selftest-b"
SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    down(NAME, progress=silent)
    running = up(NAME, keep=False)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "try", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    running.apply(namespace)
    yield running
    down(NAME, progress=silent)


def probe(*words: str, gpus: int = 0) -> dict[str, Any]:
    """The spec of a pod under the strictest security that runs the probe program."""
    container: dict[str, Any] = {"name": "probe", "image": "treadle.local/probe:1", "args": list(words), "securityContext": SECURITY}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    if words[0] == "serve":
        container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"restartPolicy": "Never", "securityContext": security, "terminationGracePeriodSeconds": 1, "containers": [container]}


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "try", "labels": {"app": name}}, "spec": spec}


def service(name: str) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080}]
    metadata = {"name": name, "namespace": "try"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "NodePort", "selector": {"app": name}, "ports": ports}}


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> str:
    """A serving pod called `web` behind a Service of that name."""
    cluster.apply(pod("web", probe("serve")), service("web"))
    cluster.kubectl("wait", "--namespace=try", "pod/web", "--for=condition=Ready", "--timeout=60s", timeout=70)
    until("The rules of Service web", lambda: routed(cluster, "web"), timeout=60)
    return "web"


def routed(cluster: Cluster, name: str) -> bool:
    """Whether kube-proxy leads to a ready pod yet, which it does a moment after the pod is ready."""
    port = cluster.get("service", name, "--namespace=try")["spec"]["ports"][0]["nodePort"]
    try:
        urllib.request.urlopen(f"http://{cluster.node_address}:{port}/", timeout=5).close()
    except OSError:
        return False
    return True


def printed_by(cluster: Cluster, name: str, *words: str) -> str:
    """Runs a pod to its end; what it printed."""
    cluster.apply(pod(name, probe(*words)))
    phase = "{.status.phase}"
    ends = ("Succeeded", "Failed")
    until(
        f"The end of pod {name}",
        lambda: cluster.kubectl("get", "pod", name, "--namespace=try", f"--output=jsonpath={phase}") in ends,
        timeout=60,
    )
    return cluster.kubectl("logs", name, "--namespace=try").strip()


def test_a_restricted_pod_serves_and_is_found_by_name_from_another(cluster: Cluster, web: str) -> None:
    assert printed_by(cluster, "caller", "get", f"http://{web}.try.svc.cluster.local/") == "web"
    assert re.fullmatch(r"10\.99\.\d+\.\d+", printed_by(cluster, "resolver", "lookup", web))


def test_logs_exec_and_port_forward_work(cluster: Cluster, web: str) -> None:
    assert "serving" in cluster.kubectl("logs", web, "--namespace=try")
    assert cluster.kubectl("exec", web, "--namespace=try", "--", "/probe", "say", "hello", "there").strip() == "hello there"
    forward: list[str | Path] = [tool("kubectl"), f"--kubeconfig={cluster.kubeconfig}", "port-forward", "--namespace=try", "service/web", ":80"]
    with subprocess.Popen(forward, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=10) as answer:
                assert answer.read() == b"web\n"
        finally:
            process.kill()


def test_this_machine_reaches_node_ports_and_pods_reach_this_machine(cluster: Cluster, web: str) -> None:
    port = cluster.get("service", web, "--namespace=try")["spec"]["ports"][0]["nodePort"]
    with urllib.request.urlopen(f"http://{cluster.node_address}:{port}/", timeout=10) as answer:
        assert answer.read() == b"web\n"

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from the host")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer((cluster.host_address, 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert printed_by(cluster, "outbound", "get", f"http://{cluster.host_address}:{server.server_port}/") == "from the host"
        server.shutdown()


def test_the_cluster_is_closed_and_says_so_at_once(cluster: Cluster) -> None:
    # An address and a name that are reserved for documentation.
    assert "network is unreachable" in printed_by(cluster, "outside", "get", "http://192.0.2.1/")
    start = time.monotonic()
    assert "lookup nobody.example" in printed_by(cluster, "stranger", "lookup", "nobody.example")
    assert time.monotonic() - start < 30


def test_pods_queue_for_the_gpus_that_the_node_pretends_to_have(cluster: Cluster) -> None:
    for name in ("first", "second", "third"):
        cluster.apply(pod(name, probe("sleep", "10m", gpus=1)))
        if name != "third":
            cluster.kubectl("wait", "--namespace=try", f"pod/{name}", "--for=condition=Ready", "--timeout=60s", timeout=70)
    waiting = "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable"
    cluster.kubectl("wait", "--namespace=try", "pod/third", waiting, "--timeout=30s", timeout=40)
    assert "Insufficient nvidia.com/gpu" in json.dumps(cluster.get("pod", "third", "--namespace=try")["status"])
    cluster.kubectl("delete", "pod", "first", "--namespace=try", "--wait=true", timeout=60)
    cluster.kubectl("wait", "--namespace=try", "pod/third", "--for=condition=Ready", "--timeout=60s", timeout=70)
    cluster.kubectl("delete", "pod", "second", "third", "--namespace=try", "--wait=false")


def test_pod_security_refuses_a_privileged_pod(cluster: Cluster) -> None:
    spec = probe("say", "hello")
    spec["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(Problem, match='violates PodSecurity "restricted'):
        cluster.apply(pod("rude", spec))


def test_a_restarted_kubelet_keeps_pods_and_gpus(cluster: Cluster, web: str) -> None:
    before = cluster.get("pod", web, "--namespace=try")["status"]["containerStatuses"][0]["containerID"]
    cluster.restart("kubelet", kill=True)
    cluster.kubectl("wait", "node/node1", "--for=condition=Ready", "--timeout=60s", timeout=70)
    assert cluster.get("node", "node1")["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    assert cluster.get("pod", web, "--namespace=try")["status"]["containerStatuses"][0]["containerID"] == before


def test_bringing_it_up_again_changes_nothing(cluster: Cluster) -> None:
    before, version = cluster.programs(), cluster.get("deployment", "coredns", "--namespace=kube-system")["metadata"]["generation"]
    up(NAME, progress=silent)
    assert cluster.programs() == before
    assert cluster.get("deployment", "coredns", "--namespace=kube-system")["metadata"]["generation"] == version


def test_an_image_is_loaded_once_by_content(cluster: Cluster) -> None:
    archive = tool("probe").with_name("probe.tar")
    lines: list[str] = []
    assert cluster.load_image(archive, lines.append) == ["treadle.local/probe:1"]
    assert lines == []


def processes_of(cluster: Cluster) -> set[int]:
    """Everything in the cluster's process namespace, containers included."""
    space = os.readlink(f"/proc/{cluster.control.pid()}/ns/pid")
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns" / "pid_for_children") == space:
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def test_two_clusters_run_side_by_side_and_one_that_goes_leaves_nothing_behind(cluster: Cluster, web: str) -> None:
    tuned = {name: Path("/proc/sys", name).read_text() for name in ("vm/overcommit_memory", "kernel/panic", "net/ipv4/ip_forward")}
    rules = subprocess.run(["iptables-save"], capture_output=True, check=True, timeout=20).stdout
    down(OTHER, progress=silent)
    other = up(OTHER, keep=False)
    assert other.node_address != cluster.node_address
    assert other.kubectl("get", "namespaces", "--output=name").split() != cluster.kubectl("get", "namespaces", "--output=name").split()
    assert {name: Path("/proc/sys", name).read_text() for name in tuned} == tuned
    pids = processes_of(other)
    assert len(pids) >= 9, "the supervisor, eight programs, and containers"

    assert down(OTHER, progress=silent)

    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not Path("/sys/class/net", other.layout.link).exists()
    assert not [place for place in cgroups.hierarchies() if (place / other.layout.cgroup).exists()]
    assert str(other.directory) not in Path("/proc/self/mountinfo").read_text()
    assert not other.directory.exists()
    assert not list(places.clusters().glob(f"{OTHER}*"))
    assert {name: Path("/proc/sys", name).read_text() for name in tuned} == tuned
    assert strip(subprocess.run(["iptables-save"], capture_output=True, check=True, timeout=20).stdout) == strip(rules)
    # The one that stays does not notice.
    assert cluster.kubectl("exec", web, "--namespace=try", "--", "/probe", "get", "http://web.try/").strip() == "web"


def test_a_full_cluster_ends_with_its_owner_and_its_remains_are_swept_away() -> None:
    down(OTHER, progress=silent)
    program = f"from e2e.cluster import up; up({OTHER!r}, keep=False); print('ready', flush=True); input()"
    owner = subprocess.Popen([sys.executable, "-c", program], cwd=places.REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert owner.stdout
        assert owner.stdout.readline() == b"ready\n"
        other = find(OTHER)
        pids = processes_of(other)
    finally:
        owner.kill()
        owner.communicate(timeout=10)
    until("The end of all processes", lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()], timeout=20)
    assert down(OTHER, progress=silent)
    assert not Path("/sys/class/net", other.layout.link).exists()
    assert not [place for place in cgroups.hierarchies() if (place / other.layout.cgroup).exists()]


def test_what_is_missing_is_told_in_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "e2e.cluster", "up", "--name", OTHER]
    told = subprocess.run(
        command, cwd=places.REPOSITORY, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 1
    assert told.stderr.startswith("error: Missing: conntrack, containerd, ")
    assert told.stderr.count("\n") == 1


def strip(rules: bytes) -> list[bytes]:
    """Firewall rules without counters and dates."""
    return [re.sub(rb"\[\d+:\d+\]", b"", line) for line in rules.splitlines() if not line.startswith(b"#")]
