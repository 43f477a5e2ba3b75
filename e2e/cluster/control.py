"""Talks to a cluster's supervisor. That its socket answers is what "the cluster runs" means: no pid file can lie about it."""

import json
import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster.problem import Problem
from e2e.cluster.supervisor import SOCKET

TIMEOUT = 10.0


@dataclass(frozen=True)
class Program:
    """A supervised program as it is now.

    Attributes:
        pid: Its process id on this machine; None when it does not run.
        exit: Its last exit code, negative for a signal; None when it never ended.
    """

    pid: int | None
    exit: int | None


class Control:
    """The supervisor of the cluster in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def pid(self) -> int | None:
        """The supervisor's process id on this machine, or None when it does not run."""
        try:
            with self._connected() as connection:
                # The kernel translates it from the supervisor's namespace to ours.
                pid: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                return pid
        except OSError:
            return None

    def start(self, name: str, command: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> None:
        """Starts `name` unless it runs; without a command, the way it was started last."""
        self._ask(do="start", name=name, command=list(command) if command else None, env=dict(env) if env is not None else None)

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to `name`; nothing happens when it does not run."""
        self._ask(do="signal", name=name, signal=int(number))

    def programs(self) -> dict[str, Program]:
        """Every program that was ever started."""
        seen = self._ask(do="look")
        ours = host_pids(self.pid()) if any(state["pid"] for state in seen.values()) else {}
        return {name: Program(ours.get(state["pid"]) if state["pid"] else None, state["exit"]) for name, state in seen.items()}

    def gone(self, name: str, *, timeout: float = TIMEOUT) -> bool:
        """Waits until `name` ended; False when it still runs after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self._ask(do="look").get(name, {}).get("pid"):
                return True
            time.sleep(0.02)
        return False

    def _connected(self) -> socket.socket:
        # Through /proc, because a socket's own path may not exceed 107 bytes.
        folder = os.open(self.directory, os.O_PATH)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(TIMEOUT)
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        except OSError:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection

    def _ask(self, **request: Any) -> dict[str, Any]:
        try:
            with self._connected() as connection, connection.makefile("rwb") as file:
                file.write(json.dumps(request).encode() + b"\n")
                file.flush()
                reply: dict[str, Any] = json.loads(file.readline())
        except (OSError, ValueError) as error:
            raise Problem(f"Cluster `{self.directory.name}` does not answer ({error}): run `up` again.") from None
        if "error" in reply:
            raise Problem(f"Cluster `{self.directory.name}` could not {request['do']} {request.get('name', '')}: {reply['error']}.")
        return reply


def host_pids(supervisor: int | None) -> dict[int, int]:
    """Process ids as the supervisor sees them, to the same processes' ids on this machine."""
    try:
        space = os.readlink(f"/proc/{supervisor}/ns/pid")
    except OSError:
        return {}
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "ns" / "pid") == space:
                    line = next(line for line in (entry / "status").read_text().splitlines() if line.startswith("NSpid:"))
                    found[int(line.split()[-1])] = int(entry.name)
            except (OSError, StopIteration):
                # It ended while we looked.
                continue
    return found
