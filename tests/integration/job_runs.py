"""Run our Jobs as real processes against real servers, and cut them at any outside call.

A cutting proxy stands between the Job and a server: it carries a call out, and then kills the Job before the answer reaches it. That is the worst
moment: the outside has changed, and nobody remembers.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit

from treadle.contracts import JOB_VARIABLE, ExitCode, Failure, JobSpec, Result, StoreConnection
from treadle.contracts.stores import LABEL_STUDIO_TOKEN_VARIABLE, STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.jobs.__main__ import TERMINATION_LOG_VARIABLE, main

Answer = TypeVar("Answer", bound=Result)

DEADLINE = 120.0  # seconds
MUTATING = ("PUT", "POST", "PATCH", "DELETE")


@dataclass
class JobProcess:
    """How a Job's process is started: where its termination log is, and whose keys it has; `others` are keys of other stores than S3."""

    folder: Path
    access_key: str
    secret_key: str
    token: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def termination_log(self) -> Path:
        return self.folder / "termination-log"

    def run(self, spec: JobSpec) -> int:
        """Run as a process of its own, which may be killed; returns its exit code, negative for a killed one."""
        with self._environment(spec):
            self.running = subprocess.Popen([sys.executable, "-m", "treadle.jobs"], stdin=subprocess.DEVNULL)
        return self.running.wait(timeout=DEADLINE)

    def result(self, spec: JobSpec, wanted: type[Answer]) -> Answer:
        """Run to the end in this process (a new one takes seconds on a busy machine); it must be a success."""
        with self._environment(spec):
            code = main()
        message = self.termination_log.read_text()
        assert code == ExitCode.DONE, message
        return wanted.from_message(message)

    def failure(self, spec: JobSpec) -> tuple[int, Failure]:
        """Run to the end in this process; it must be a failure. Returns its exit code and its words."""
        with self._environment(spec):
            code = main()
        message = self.termination_log.read_text()
        assert code != ExitCode.DONE, message
        return code, Failure.from_message(message)

    @contextlib.contextmanager
    def _environment(self, spec: JobSpec) -> Iterator[None]:
        self.termination_log.unlink(missing_ok=True)
        ours = {
            JOB_VARIABLE: spec.to_variable(),
            TERMINATION_LOG_VARIABLE: str(self.termination_log),
            STORE_KEY_VARIABLE: self.access_key,
            STORE_SECRET_VARIABLE: self.secret_key,
            LABEL_STUDIO_TOKEN_VARIABLE: self.token,
            **self.others,
        }
        with patch.dict(os.environ, ours):
            yield

    def kill(self) -> None:
        """End it as the kernel would."""
        if self.running:
            self.running.kill()
            self.running.wait(timeout=DEADLINE)


@dataclass
class Cut:
    """After which changing call the Job is killed, counted over all proxies; 0: never. `calls` is what was carried out."""

    process: JobProcess
    after: int
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carried_out(self, method: str, path: str) -> bool:
        """Whether the answer may go back."""
        if method not in MUTATING:
            return True
        with self.lock:
            self.calls.append(f"{method} {path.partition('?')[0]}")
            if len(self.calls) == self.after:
                self.process.kill()
                return False
        return True

    @property
    def happened(self) -> bool:
        return 0 < self.after <= len(self.calls)


@contextlib.contextmanager
def cutting_proxy(target: str, cut: Cut, withheld: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server that passes every call on to `target` and then asks `cut`; yields its URL. The Host header stays, since S3 signs it.

    What is `withheld` it does not pass on: reading an object whose path ends like this is refused (403) as S3 does it, with this code.
    """
    address = urlsplit(target)

    class Pass(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = self.path.partition("?")[0]
            if code := next((code for end, code in (withheld or {}).items() if path.endswith(end) and self.command in ("GET", "HEAD")), ""):
                self.refuse(code)
                return
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=DEADLINE)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if not cut.carried_out(self.command, self.path):
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
            self.send_header("content-length", length or "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def refuse(self, code: str) -> None:
            content = f"<Error><Code>{code}</Code></Error>".encode() if self.command == "GET" else b""
            self.send_response_only(403)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *words: object) -> None:
            """Say nothing: the test's own output is what counts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def store_at(endpoint: str) -> StoreConnection:
    """How a Job reaches the S3 server of a test."""
    return StoreConnection(endpoint=endpoint)
