"""The small parts of the local cluster, each for itself."""

import json
import os
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from e2e.cluster import Cluster, Problem, audit, lifecycle, node, places, preflight, tools
from e2e.cluster.commands import run
from e2e.cluster.control import Control, Program
from e2e.cluster.control_plane import file_name
from e2e.cluster.pki import Authority
from e2e.cluster.problem import Ended
from e2e.cluster.progress import step
from e2e.cluster.waiting import until


def test_a_certificate_carries_its_user_and_groups_and_is_made_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("jane", "jane", ["team-a", "team-b"], serves=["localhost", "127.0.0.1"])
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert read.subject.rfc4514_string() == "CN=jane,O=team-b,O=team-a"
    read.verify_directly_issued_by(authority.certificate)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = certificate.read_bytes()
    Authority(tmp_path).issue("jane", "jane", ["team-a", "team-b"])
    assert certificate.read_bytes() == before


def test_no_two_users_share_a_certificate_file() -> None:
    users = [("a-b", []), ("a", ["b"]), ("a:b", []), ("a/b", []), ("a+b", []), ("a", [])]
    assert len({file_name(name, groups) for name, groups in users}) == len(users)


def test_the_digest_of_sources_follows_their_content(tmp_path: Path) -> None:
    source = tmp_path / "main.go"
    source.write_text("package main")
    before = places.digest(source)
    assert places.digest(source) == before
    assert places.digest(source, salt="other flags") != before
    source.write_text("package other")
    assert places.digest(source) != before


def test_every_tool_of_a_go_module_is_pinned_by_its_sum() -> None:
    for group in tools.GROUPS.values():
        assert (group.module / "go.sum").exists()
        assert all(source.exists() for source in group.sources())


def test_an_unknown_tool_names_the_known_ones() -> None:
    with pytest.raises(Problem, match="kubectl"):
        tools.tool("hammer")


def test_a_step_tells_that_it_goes_on_and_how_long_it_took() -> None:
    lines: list[str] = []
    with step(lines.append, "digging", every=0.01):
        deadline = time.monotonic() + 5
        while len(lines) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert lines[0] == "digging ..."
    assert lines[1] == "digging ... 0 s"
    assert lines[-1].startswith("digging ... done in")


def test_a_command_that_fails_says_why_in_its_own_words() -> None:
    with pytest.raises(Problem, match=r"exit code 3\): no such luck"):
        run("sh", "-c", "echo no such luck >&2; exit 3")
    with pytest.raises(Problem, match="`no-such-program` is not installed"):
        run("no-such-program")
    with pytest.raises(Problem, match="no end after 0 s"):
        run("sleep", "10", timeout=0.05)


def test_waiting_ends_with_the_last_reason_or_at_once_when_it_is_in_vain() -> None:
    def not_yet() -> bool:
        raise Problem("the door is shut")

    with pytest.raises(Problem, match=r"Entering did not happen within 0 s \(the door is shut\). Knock."):
        until("Entering", not_yet, timeout=0.05, remedy="Knock.")

    def never() -> bool:
        raise Ended("the house burnt down")

    with pytest.raises(Ended, match="burnt down"):
        until("Entering", never, timeout=60)


def test_audit_events_are_read_whole_by_user_and_from_an_offset(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    event = {"verb": "create", "user": {"username": "jane"}}
    log.write_text(json.dumps(event) + "\n" + json.dumps({**event, "user": {"username": "joe"}}) + "\n" + '{"verb": "cut of')
    assert [found["verb"] for found in audit.events(log)] == ["create", "create"]
    assert list(audit.events(log, user="jane")) == [event]
    assert list(audit.events(log, offset=log.stat().st_size)) == []


def test_free_ports_are_different() -> None:
    assert len(set(lifecycle.free_ports(20))) == 20


def test_a_file_is_written_whole_and_private(tmp_path: Path) -> None:
    place = places.write(tmp_path / "deep" / "key", "secret")
    assert place.read_text() == "secret"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert os.listdir(place.parent) == ["key"]


def test_a_bad_cluster_name_is_refused_before_anything_starts() -> None:
    with pytest.raises(Problem, match="at most 20 lower-case letters"):
        lifecycle.up("Not A Name", "control-plane")


def test_a_full_disk_is_told_with_its_place_and_the_remedy() -> None:
    preflight.check_room(0)
    with pytest.raises(Problem, match=r"GB free and 1000000 GB are wanted: free some, or set XDG_CACHE_HOME"):
        preflight.check_room(1_000_000)


class EndedPrograms(Control):
    """A supervisor whose programs have all ended; it notes which one is to be started again."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.started: list[str] = []

    def programs(self) -> dict[str, Program]:
        return {"kubelet": Program(pid=None, exit=1)}

    def start(self, name: str, command: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> None:
        assert command is None, "as it was started last"
        self.started.append(name)


@pytest.mark.parametrize(("last_words", "again"), [("CRI v1: server is not initialized yet", True), ("unknown flag: --root", False)])
def test_a_kubelet_that_came_before_containerd_was_ready_is_started_again_and_no_other(tmp_path: Path, last_words: str, again: bool) -> None:
    control, logs = EndedPrograms(tmp_path), tmp_path / "logs"
    logs.mkdir()
    (logs / "kubelet.log").write_text(f"Starting\n{last_words}\n")
    cluster = SimpleNamespace(control=control, programs=control.programs, layout=SimpleNamespace(logs=logs))
    cluster.tail = partial(Cluster.tail, cluster)
    cluster.assert_running = partial(Cluster.assert_running, cluster)
    with nullcontext() if again else pytest.raises(Ended, match="unknown flag"):
        node.keep_kubelet(cluster, "kubelet")
    assert control.started == (["kubelet"] if again else [])
