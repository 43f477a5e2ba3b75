"""The full cluster's own piece of the machine: process, mount and network namespaces, one link to the host, one control group.

Nothing host-wide is changed: what a kubelet would set for the whole machine it finds set already, in files that only it sees.
"""

import contextlib
import ipaddress
import json
import os
from pathlib import Path

from e2e.cluster import cgroups, layout, places
from e2e.cluster.commands import run
from e2e.cluster.control import Control
from e2e.cluster.layout import SERVICES, Layout, Mode
from e2e.cluster.problem import Problem
from e2e.cluster.waiting import until

UNSHARE = ["unshare", "--fork", "--pid", "--mount", "--net", "--kill-child", "--mount-proc", "--propagation", "private"]

TUNED = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""The values a kubelet insists on. It gets to see files that hold them; the machine keeps its own."""

PRIVATE_DIRECTORIES = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"]
"""Paths that are fixed in the kubelet or in CNI; every cluster has its own behind them."""

SLOTS = 64


def inside(control: Control, *command: str | Path, timeout: float = 60, stdin: Path | None = None) -> str:
    """What `command` prints in the namespaces of the cluster that `control` leads to."""
    enter = ("nsenter", f"--target={control.pid()}", "--mount", "--net", "--pid", "--wd=/")
    if stdin is None:
        return run(*enter, *command, timeout=timeout, failure=f"`{' '.join(map(str, command[:4]))}` failed on the node")
    with stdin.open("rb") as file:
        return run(*enter, *command, timeout=timeout, stdin=file, failure=f"`{' '.join(map(str, command[:4]))}` failed on the node")


def parent(pid: int) -> int:
    """The process that started `pid`."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def free_slot() -> int:
    """A slot that no cluster has and whose subnet this machine does not use; call it under the lock of slots.

    Raises:
        Problem: There is none.
    """
    taken = {known.slot for known in layout.every() if known.mode is Mode.FULL}
    routes = json.loads(run("ip", "-4", "-json", "route", "show", "table", "all", timeout=10))
    used = [ipaddress.ip_network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]
    for slot in range(SLOTS):
        if slot not in taken and not any(network.overlaps(ipaddress.ip_network(f"10.77.{slot}.0/30")) for network in used):
            return slot
    raise Problem("No subnet of 10.77.0.0/16 is free: take a cluster down (`python -m e2e.cluster list`).")


def furnish(known: Layout) -> None:
    """Private mounts, the link, and the control group of a cluster whose supervisor has just started."""
    control = Control(known.directory)
    make_directories()
    tuned = []
    for name, value in TUNED.items():
        place = places.write(known.directory / "sysctls" / name.replace("/", "."), f"{value}\n", mode=0o644)
        tuned.append(f"[ ! -e /proc/sys/{name} ] || mount --bind '{place}' /proc/sys/{name}")
    private = [f"mount -t tmpfs -o mode=755 tmpfs {path}" for path in ["/run", *PRIVATE_DIRECTORIES]]
    inside(control, "sh", "-ec", "\n".join([*tuned, *private, "mkdir -p /run/netns /run/lock"]))
    # A link of this name can only be the remains of a cluster that was killed with its state.
    run("ip", "link", "add", known.link, "type", "veth", "peer", "name", "uplink", "netns", str(control.pid()))
    run("ip", "address", "add", f"{known.host_address}/30", "dev", known.link)
    run("ip", "link", "set", known.link, "up")
    network = [
        "ip link set lo up",
        f"ip address add {known.address}/30 dev uplink",
        "ip link set uplink up",
        # The node's own calls to Services need some route before they are translated. There is no default route: the cluster is closed.
        f"ip route add {SERVICES} via {known.host_address}",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
    ]
    inside(control, "sh", "-ec", "\n".join(network))
    cgroups.make(known.cgroup)


def clear(known: Layout) -> None:
    """Removes the link, the control group and the directories that we made; all processes are gone by now."""
    link = Path("/sys/class/net") / known.link

    def gone() -> bool:
        if link.exists():
            with contextlib.suppress(Problem):
                run("ip", "link", "delete", known.link)
        return not link.exists()

    until(f"The end of network link {known.link}", gone, timeout=15)
    cgroups.remove(known.cgroup)
    with places.locked(places.clusters() / ".slots.lock"):
        if not [other for other in layout.every() if other.mode is Mode.FULL and other.name != known.name]:
            remove_directories()


def make_directories() -> None:
    """Makes the private directories' mount points, and notes which were absent."""
    note = places.clusters() / ".made-directories"
    made = json.loads(note.read_text()) if note.exists() else []
    absent = [path for path in PRIVATE_DIRECTORIES if not Path(path).exists()]
    places.write(note, json.dumps([*made, *absent]))
    for path in absent:
        Path(path).mkdir(parents=True)


def remove_directories() -> None:
    """Removes the mount points that we made, unless somebody put something there meanwhile."""
    note = places.clusters() / ".made-directories"
    for path in json.loads(note.read_text()) if note.exists() else []:
        with contextlib.suppress(OSError):
            os.rmdir(path)
    note.unlink(missing_ok=True)
