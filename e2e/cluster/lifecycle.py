"""Bringing clusters up and taking them down: safe to repeat, and nothing is left behind."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.cluster import audit, control_plane, layout, namespaces, node, places, preflight, tools
from e2e.cluster.cluster import Cluster
from e2e.cluster.control import Control
from e2e.cluster.layout import Layout, Mode
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, printed, step
from e2e.cluster.waiting import until

DEFAULT = "local"


def up(
    name: str = DEFAULT,
    mode: Mode | str = Mode.FULL,
    *,
    keep: bool = True,
    gpus: int = 2,
    audited: Mapping[str, Any] = audit.POLICY,
    progress: Progress = printed,
) -> Cluster:
    """Brings up cluster `name`, or returns it when it runs already; programs of it that ended are started again.

    Args:
        name: Lower-case letters, digits and dashes, at most 20.
        mode: `control-plane` (no root needed, ready in seconds) or `full`.
        keep: Whether the cluster outlives this process; without it, the end of this process, whatever its cause, ends the cluster.
        gpus: How many GPUs the node of a new cluster pretends to have.
        audited: What the API server of a new cluster writes down, as Kubernetes' audit `Policy`.
        progress: Told what is happening.

    Raises:
        Problem: Something is missing or did not come up.
    """
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?", name):
        raise Problem(f"`{name}` cannot name a cluster: use at most 20 lower-case letters, digits and dashes.")
    mode = Mode(mode)
    preflight.check(mode, progress)
    programs = {group: tools.build(group, progress) for group in ("control-plane", *(["node"] if mode is Mode.FULL else []))}
    directory = places.clusters() / name
    with places.locked(places.clusters() / f".{name}.lock"):
        known = layout.load(directory)
        if known and not Control(directory).pid():
            progress(f"cluster {name} ended without `down`: its remains are removed")
            remove(known)
            known = None
        if known and known.mode is not mode:
            raise Problem(f"Cluster `{name}` runs in {known.mode} mode: take it down first, or give another --name.")
        if not known:
            known = begin(name, mode, directory, keep=keep, gpus=gpus, audited=audited)
        try:
            with step(progress, f"starting cluster {name} ({mode})"):
                run_control_plane(known, programs["control-plane"])
                cluster = Cluster(known)
                if mode is Mode.FULL:
                    node.run_node(cluster, programs["node"])
        except BaseException as error:
            report = places.write(report_of(name), collected_logs(known))
            remove(known)
            if isinstance(error, Problem):
                raise Problem(f"{error}\nThe cluster is gone again; the ends of its logs are in {report}.") from None
            raise
    report_of(name).unlink(missing_ok=True)
    return cluster


def down(name: str = DEFAULT, *, progress: Progress = printed) -> bool:
    """Takes cluster `name` down with all that belongs to it; False when there is none."""
    directory = places.clusters() / name
    with places.locked(places.clusters() / f".{name}.lock"):
        report_of(name).unlink(missing_ok=True)
        known = layout.load(directory)
        if not known:
            return False
        with step(progress, f"taking cluster {name} down"):
            remove(known)
    return True


def find(name: str = DEFAULT) -> Cluster:
    """The running cluster `name`.

    Raises:
        Problem: It does not run.
    """
    known = layout.load(places.clusters() / name)
    if not known or not Control(known.directory).pid():
        raise Problem(f"No cluster `{name}` runs: start it with `python -m e2e.cluster up --name {name}`.")
    return Cluster(known)


def begin(name: str, mode: Mode, directory: Path, *, keep: bool, gpus: int, audited: Mapping[str, Any]) -> Layout:
    """Chooses addresses, makes keys, and starts the supervisor; in full mode in its own namespaces."""
    shutil.rmtree(directory, ignore_errors=True)
    with places.locked(places.clusters() / ".slots.lock"):
        if mode is Mode.FULL:
            slot = namespaces.free_slot()
            chosen = Layout(
                name=name,
                mode=mode,
                directory=directory,
                slot=slot,
                address=f"10.77.{slot}.2",
                api_port=6443,
                etcd_port=2379,
                peer_port=2380,
                gpus=gpus,
            )
        else:
            api, etcd, peer = free_ports(3)
            chosen = Layout(name=name, mode=mode, directory=directory, slot=-1, address="127.0.0.1", api_port=api, etcd_port=etcd, peer_port=peer)
        chosen.save()
    control_plane.prepare(chosen, audited)
    supervise(chosen, keep=keep)
    if mode is Mode.FULL:
        namespaces.furnish(chosen)
    return chosen


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody uses now."""
    with contextlib.ExitStack() as open_sockets:
        found = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


def supervise(known: Layout, *, keep: bool) -> None:
    """Starts the supervisor and waits until it answers."""
    owner = [] if keep else [os.pidfd_open(os.getpid())]
    around = namespaces.UNSHARE if known.mode is Mode.FULL else []
    with (known.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [*around, sys.executable, "-m", "e2e.cluster.supervisor", str(known.directory), *map(str, owner)],
            cwd=places.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=owner,
        )
    for descriptor in owner:
        os.close(descriptor)
    control = Control(known.directory)

    def answers() -> bool:
        if process.poll() is not None:
            raise Problem(f"The supervisor ended at once: {(known.logs / 'supervisor.log').read_text()[-500:]}")
        return control.pid() is not None

    until("The supervisor's start", answers, timeout=20, every=0.02)
    # It belongs to nobody from here on; `remove` reaps it if it is still our child.
    process.returncode = 0


def run_control_plane(known: Layout, programs: Path) -> None:
    """Starts what does not run; returns when the API server is ready and the controllers work."""
    cluster = Cluster(known)
    cluster.control.start("etcd", control_plane.etcd(known, programs / "etcd"), {})
    cluster.control.start("kube-apiserver", control_plane.api_server(known, programs / "kube-apiserver"), {})
    cluster.wait_for_api()
    cluster.control.start("kube-controller-manager", control_plane.controller_manager(known, programs / "kube-controller-manager"), {})

    def controlled() -> bool:
        cluster.assert_running("kube-controller-manager")
        return bool(cluster.get("serviceaccount", "default", "--namespace=default"))

    until("The controller manager's first work", controlled, timeout=60, remedy=f"See {known.logs / 'kube-controller-manager.log'}.")


def remove(known: Layout) -> None:
    """Ends every process of the cluster and removes what it left on this machine."""
    supervisor = Control(known.directory).pid()
    if supervisor:
        family = [supervisor, *([namespaces.parent(supervisor)] if known.mode is Mode.FULL else [])]
        os.kill(supervisor, signal.SIGKILL if known.mode is Mode.FULL else signal.SIGTERM)
        for pid in family:
            until(f"The end of process {pid}", lambda pid=pid: ended(pid), timeout=30, every=0.02)  # type: ignore[misc]
    if known.mode is Mode.FULL:
        namespaces.clear(known)
    for _ in range(3):
        shutil.rmtree(known.directory, ignore_errors=True)
        if not known.directory.exists():
            return
        time.sleep(0.1)
    raise Problem(f"{known.directory} cannot be removed: remove it by hand.")


def ended(pid: int) -> bool:
    """Whether process `pid` is over; reaps it when it is our child."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return not Path(f"/proc/{pid}").exists()


def report_of(name: str) -> Path:
    """Where the logs are kept of a cluster that did not come up; the next success removes them."""
    return places.clusters() / f"{name}.log"


def collected_logs(known: Layout) -> str:
    """The ends of all logs, for the file that outlives a cluster that did not come up."""
    return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in sorted(known.logs.glob("*.log")))
