"""The control group above a cluster's pods: the kubelet wants it to exist, and nobody else removes it."""

import os
from pathlib import Path

from e2e.cluster.waiting import until


def hierarchies() -> list[Path]:
    """Where control groups are mounted: one place with version 2, one per controller with version 1."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    fields = [(line.split(" - ")[0].split()[4], line.split(" - ")[1].split()[0]) for line in lines]
    return [Path(place) for place, kind in fields if kind in ("cgroup", "cgroup2")]


def make(name: str) -> None:
    """Makes group `name` in every hierarchy, ready to hold pods."""
    for place in hierarchies():
        controllers = place / "cgroup.controllers"
        if controllers.exists() and controllers.read_text().strip():
            for controller in controllers.read_text().split():
                (place / "cgroup.subtree_control").write_text(f"+{controller}")
        (place / name).mkdir(exist_ok=True)
        # With version 1 a new group has no processors and no memory until it is given some.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (place / file).exists() and not controllers.exists():
                (place / name / file).write_text((place / file).read_text())


def remove(name: str) -> None:
    """Removes group `name` and all below it; their processes are gone, or about to be."""
    for place in hierarchies():
        top = place / name

        def gone(top: Path = top) -> bool:
            for folder, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    # The kernel has not let go of a process that just ended.
                    return False
            return not top.exists()

        until(f"The end of control group {top}", gone, timeout=20, every=0.05)
