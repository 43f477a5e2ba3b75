"""A running cluster, as tests and the demo use it."""

import json
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from e2e.cluster import audit, control_plane, kubeconfig, namespaces
from e2e.cluster.commands import run
from e2e.cluster.control import Control, Program
from e2e.cluster.images import load
from e2e.cluster.layout import Layout, Mode
from e2e.cluster.problem import Ended, Problem
from e2e.cluster.progress import Progress, silent
from e2e.cluster.tools import tool
from e2e.cluster.waiting import until


class Cluster:
    """A cluster that was brought `up`.

    Attributes:
        name: Its name.
        mode: Control plane alone, or full.
        kubeconfig: The administrator's kubeconfig.
        audit_log: One JSON event per request; `audit_events` reads it.
        server: The API server's URL.
        host_address: Where pods reach servers on this machine; full mode only.
        node_address: Where this machine reaches NodePorts; full mode only.
        directory: Everything it writes.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.name, self.mode, self.directory = layout.name, layout.mode, layout.directory
        self.kubeconfig, self.audit_log, self.server = layout.kubeconfig, layout.audit_log, layout.server
        self.host_address, self.node_address = layout.host_address, layout.address
        self.control = Control(layout.directory)

    def kubectl(self, *words: str | Path, stdin: str | None = None, timeout: float = 60, as_user: Path | None = None) -> str:
        """What `kubectl words...` printed, run as the administrator or with the kubeconfig `as_user`.

        Raises:
            Problem: It failed; the text holds what it said.
        """
        command = (tool("kubectl", silent), f"--kubeconfig={as_user or self.kubeconfig}", *words)
        return run(*command, stdin=stdin, timeout=timeout, failure=f"kubectl {' '.join(map(str, words[:3]))} failed")

    def get(self, *words: str) -> dict[str, Any]:
        """`kubectl get words... -o json`, parsed."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "--output=json"))
        return found

    def apply(self, *manifests: dict[str, Any], namespace: str | None = None) -> None:
        """Applies `manifests` as the administrator, server-side."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        where = [f"--namespace={namespace}"] if namespace else []
        self.kubectl("apply", "--server-side", "--field-manager=treadle-cluster", *where, "--filename=-", stdin=listed)

    def apply_kinds(self, *kinds: dict[str, Any]) -> None:
        """Applies CustomResourceDefinitions; returns when their objects can be made."""
        self.apply(*kinds)

        def established() -> bool:
            found = self.get("customresourcedefinitions")["items"]
            said = [{c["type"]: c["status"] for c in (kind.get("status") or {}).get("conditions") or ()} for kind in found]
            return all(conditions.get("Established") == "True" for conditions in said)

        until("Serving new kinds", established, timeout=30)
        # Their storage may begin a moment later: the first that asks is told to come again, and kubectl does.
        for spec in (kind["spec"] for kind in kinds):
            self.kubectl("get", "--raw", f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}?limit=1")

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for a person or program called `user`; give it rights with RBAC."""
        return control_plane.user(self.layout, user, list(groups))

    def kubeconfig_for_service_account(self, namespace: str, name: str, *, hours: int = 24) -> Path:
        """A kubeconfig with a token of ServiceAccount `namespace/name`, valid for `hours`."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={hours}h").strip()
        path = self.directory / "users" / f"service-account+{namespace}+{name}"
        return kubeconfig.with_token(path, cluster=self.name, server=self.server, authority=self.layout.pki / "ca.crt", token=token)

    def audit_events(self, *, user: str | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """The recorded requests, in order (see audit.py); `offset` is an earlier `audit_log.stat().st_size`."""
        return audit.events(self.audit_log, user=user, offset=offset)

    def programs(self) -> dict[str, Program]:
        """etcd, kube-apiserver, kubelet ...: each with its process id on this machine."""
        return self.control.programs()

    def stop(self, name: str, *, kill: bool = False, timeout: float = 20) -> None:
        """Ends program `name`, by SIGTERM or, with `kill`, by SIGKILL; returns when it is gone.

        Raises:
            Problem: It did not end within `timeout` seconds.
        """
        self.control.signal(name, signal.SIGKILL if kill else signal.SIGTERM)
        if not self.control.gone(name, timeout=timeout):
            raise Problem(f"{name} did not end within {timeout:.0f} s: use kill=True.")

    def start(self, name: str) -> None:
        """Starts program `name` again, the way it was started first."""
        self.control.start(name)
        if name == "kube-apiserver":
            self.wait_for_api()
        if name == "kubelet":
            # A kubelet that registers takes away what no device plugin offers.
            self.offer_gpus()

    def restart(self, name: str, *, kill: bool = False) -> None:
        """`stop`, then `start`."""
        self.stop(name, kill=kill)
        self.start(name)

    def restart_api_server(self, *, kill: bool = False) -> None:
        """Takes the API server away for about three seconds; returns when it is ready again."""
        self.restart("kube-apiserver", kill=kill)

    def freeze(self, name: str) -> None:
        """Holds program `name` still (SIGSTOP): its connections stay open and nobody answers."""
        self.control.signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Lets a frozen program go on."""
        self.control.signal(name, signal.SIGCONT)

    def wait_for_api(self, *, timeout: float = 120) -> None:
        """Returns when the API server says that it is ready.

        Raises:
            Problem: It did not within `timeout` seconds; the sentence names its log.
        """

        def ready() -> bool:
            for name in ("etcd", "kube-apiserver"):
                self.assert_running(name)
            return self.kubectl("get", "--raw=/readyz", "--request-timeout=5s", timeout=10) == "ok"

        until("The API server's readiness", ready, timeout=timeout, remedy=f"See {self.layout.logs / 'kube-apiserver.log'}.")

    def assert_running(self, name: str) -> None:
        """Raises `Ended` when program `name` ended."""
        program = self.programs().get(name)
        if program and program.pid is None:
            raise Ended(f"{name} ended with exit code {program.exit}; its log is {self.layout.logs / name}.log and ends:\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 8) -> str:
        """The last lines of program `name`'s log."""
        return "\n".join((self.layout.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])

    def load_image(self, archive: Path, progress: Progress = silent) -> list[str]:
        """Makes the images of a docker or OCI archive known to the node; returns their names. Nothing is done for known content."""
        self.assert_full("load an image")
        return load(self.layout, self.control, archive, progress)

    def inside(self, *command: str | Path, timeout: float = 60) -> str:
        """What `command` prints when run in the node's namespaces, as root."""
        self.assert_full("run a command on the node")
        return namespaces.inside(self.control, *command, timeout=timeout)

    def offer_gpus(self) -> None:
        """Makes the scheduler believe that the node has the GPUs it was brought up with: pods queue for them as for real ones."""
        count = self.layout.gpus
        offer = {"nvidia.com/gpu": str(count)}
        # The kubelet would derive what is allocatable from the capacity, at its next report in up to ten seconds.
        patch = json.dumps({"status": {"capacity": offer, "allocatable": offer}})

        def offered() -> bool:
            node = self.get("node", "node1")
            if node["status"].get("allocatable", {}).get("nvidia.com/gpu") == str(count):
                return True
            self.kubectl("patch", "node", "node1", "--subresource=status", "--type=merge", f"--patch={patch}")
            return False

        until("Offering GPUs", offered, timeout=60, every=0.5)

    def assert_full(self, wish: str) -> None:
        """Raises Problem in control-plane mode."""
        if self.mode is not Mode.FULL:
            raise Problem(f"Cluster `{self.name}` has no node to {wish} on: bring one up with --mode full.")
