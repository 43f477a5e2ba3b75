"""How pip in a container reaches what pip on the host reaches."""

from pathlib import Path

import pytest

from e2e.images._engine import Mount
from e2e.images._pip import host_settings


def test_files_named_by_settings_are_mounted_at_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, configured = tmp_path / "ca.crt", tmp_path / "other.crt"
    authority.touch()
    configured.touch()
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text(f"[global]\ncert = {configured}\ntimeout = 60\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CERT", str(authority))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "gone"))
    monkeypatch.setenv("SOMETHING_ELSE", "private")
    environment, mounts = host_settings()
    assert environment["PIP_CERT"] == str(authority)
    assert "SOMETHING_ELSE" not in environment
    assert {Mount(authority, str(authority)), Mount(configured, str(configured))} <= set(mounts)
    assert Mount(tmp_path / ".pip" / "pip.conf", "/root/.pip/pip.conf") in mounts
    assert not any(mount.host == tmp_path / "gone" for mount in mounts)
