"""Looks for what is missing before anything is started, and says in one sentence how to get it."""

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from e2e.cluster import places
from e2e.cluster.commands import run
from e2e.cluster.layout import Mode
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, step

PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}
"""Program to the Debian package that holds it."""

ROOM_WARM, ROOM_COLD = 15, 40
"""Free gigabytes wanted: with the binaries built already, and without."""
ROOM_WITHOUT_PODS = 4
"""Free gigabytes wanted by a control plane whose binaries are built: it holds no images."""


def check(mode: Mode, progress: Progress) -> None:
    """Returns when a cluster of `mode` can run here; installs Debian packages when we are root.

    Raises:
        Problem: Something is missing that we cannot get.
    """
    if platform.system() != "Linux":
        raise Problem("The local cluster needs Linux: give an existing cluster with KUBECONFIG instead.")
    check_room(wanted_room(mode))
    if mode is Mode.FULL:
        if os.geteuid() != 0:
            raise Problem("A full cluster needs root for its namespaces: run it with sudo, or use --mode control-plane.")
        check_packages(progress)
        if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
            run("modprobe", "br_netfilter", failure="Pod networking needs the kernel module br_netfilter, and loading it failed")


def wanted_room(mode: Mode) -> int:
    """Free gigabytes that a cluster of `mode` wants."""
    tools = places.cache() / "tools"
    if mode is Mode.CONTROL_PLANE and any(tools.glob("control-plane-*/kube-apiserver")):
        return ROOM_WITHOUT_PODS
    return ROOM_WARM if any(tools.glob("node-*/kubelet")) else ROOM_COLD


def check_room(wanted: int) -> None:
    """Raises Problem when the disk of the cache has less than `wanted` gigabytes free."""
    place = places.cache()
    free = shutil.disk_usage(place).free // 10**9
    if free < wanted:
        raise Problem(f"{place} has {free} GB free and {wanted} GB are wanted: free some, or set XDG_CACHE_HOME to a larger disk.")


def check_packages(progress: Progress, programs: Mapping[str, str] = PACKAGES) -> None:
    """Installs what is missing through apt.

    Args:
        progress: told what is installed.
        programs: each with the Debian package that holds it.

    Raises:
        Problem: There is no apt, or it failed.
    """
    missing = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Problem(f"Missing: {', '.join(missing)}. Install them (the names are Debian's) and try again.")
    with step(progress, f"installing {', '.join(missing)}"), without_services():
        settings = {"DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "--quiet"], ["install", "--quiet", "--yes", "--no-install-recommends", *missing]):
            run("apt-get", "-o", "DPkg::Lock::Timeout=300", *words, timeout=900, env=settings, failure="Installing Debian packages failed")


class without_services:  # noqa: N801 - reads as a word of a sentence
    """Keeps dpkg from starting a system-wide containerd, which nobody asked for."""

    POLICY = Path("/usr/sbin/policy-rc.d")

    def __enter__(self) -> None:
        self.ours = not self.POLICY.exists()
        if self.ours:
            places.write(self.POLICY, "#!/bin/sh\nexit 101\n", mode=0o755)

    def __exit__(self, *error: object) -> None:
        if self.ours:
            self.POLICY.unlink()
