"""Runs a cluster's programs: its children live and die with it, and it does what it is told over a socket.

In *full* mode it is process 1 of the cluster's namespaces, so that killing it ends everything in them, containers included.
Started as `python -m e2e.cluster.supervisor DIRECTORY [OWNER]`; OWNER is a file descriptor of a process (pidfd) whose end ends the cluster too.
Requests and answers are one line of JSON each (see control.py).
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOCKET = "control.sock"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


@dataclass
class Program:
    """One supervised program: how it is started, its process as seen from here, and how it ended."""

    command: list[str]
    env: dict[str, str]
    pid: int | None = None
    exit: int | None = None


class Supervisor:
    """Starts, signals and reaps programs; it never restarts one by itself, because tests kill them on purpose."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.programs: dict[str, Program] = {}

    def obey(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carries out one request.

        Args:
            request: `do` is `start` (with `name`, and at first `command` and `env`), `signal` (with `name` and `signal`) or `look`.

        Returns:
            The state of every program.
        """
        match request["do"]:
            case "start":
                self.start(request["name"], request.get("command"), request.get("env"))
            case "signal":
                program = self.programs.get(request["name"])
                if program and program.pid:
                    os.kill(program.pid, request["signal"])
        return {name: {"pid": program.pid, "exit": program.exit, "command": program.command} for name, program in self.programs.items()}

    def start(self, name: str, command: list[str] | None, env: dict[str, str] | None) -> None:
        """Starts `name` unless it runs; without a command, the way it was started last."""
        known = self.programs.get(name)
        if known and known.pid:
            return
        program = Program(command or (known.command if known else []), env if env is not None else known.env if known else {})
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                program.command,
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        program.pid = process.pid
        # Reaped by `reap`, which also takes in orphans; Popen must not wait for it as well.
        process.returncode = 0
        self.programs[name] = program

    def reap(self) -> None:
        """Takes in every child that ended, also orphans that became ours as process 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for program in self.programs.values():
                if program.pid == pid:
                    program.pid, program.exit = None, os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """Kills every program and waits for it."""
        for program in self.programs.values():
            if program.pid:
                os.kill(program.pid, signal.SIGKILL)
        while any(program.pid for program in self.programs.values()):
            pid, _ = os.waitpid(-1, 0)
            for program in self.programs.values():
                program.pid = None if program.pid == pid else program.pid


def die_with_parent() -> None:
    """Runs in the child: a supervisor that was killed leaves no program behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(directory: Path, owner: int | None) -> None:
    """Serves requests until SIGTERM or the owner's end."""
    supervisor = Supervisor(directory / "logs")
    selector = selectors.DefaultSelector()
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    ending: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(signal.SIGTERM))
    # A relative path, because a socket's whole path may not exceed 107 bytes.
    os.chdir(directory)
    Path(SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    listener.listen(16)
    selector.register(woken, selectors.EVENT_READ)
    selector.register(listener, selectors.EVENT_READ)
    if owner is not None:
        selector.register(owner, selectors.EVENT_READ)
    while not ending:
        for key, _ in selector.select():
            if key.fileobj is woken:
                woken.recv(4096)
                supervisor.reap()
            elif key.fileobj is listener:
                answer(listener, supervisor)
            else:
                ending.append(0)
    supervisor.end()
    Path(SOCKET).unlink(missing_ok=True)


def answer(listener: socket.socket, supervisor: Supervisor) -> None:
    """Takes one request and answers it; whoever asks badly is told so, and the supervisor lives on."""
    connection, _ = listener.accept()
    connection.settimeout(5)
    # A caller that only looks who answers, or that goes away, is no reason to end.
    with contextlib.suppress(OSError), connection, connection.makefile("rwb") as file:
        if line := file.readline():
            try:
                reply = supervisor.obey(json.loads(line))
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            file.write(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
