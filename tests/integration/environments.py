"""Virtual environments of other people's programs, made once from the locks of their images and kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def environment(name: str, lock: Path | None = None) -> Path:
    """Return the folder of a virtual environment that holds exactly what `lock` names, else `operator/images/<name>/requirements.txt`.

    Raises:
        AssertionError: uv is missing, or the packages cannot be installed; the message says which.
    """
    lock = lock or REPOSITORY / "operator" / "images" / name / "requirements.txt"
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(lock.read_bytes() + python.encode()).hexdigest()[:12]
    folder = _cache() / f"{name}-{key}"
    with locked(folder):
        # A virtual environment cannot be moved, so the sign that it is whole is a file and not its name.
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(_uv(), "venv", "--quiet", "--python", sys.executable, str(folder))
            _run(_uv(), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(folder / "bin" / "python"), str(lock))
            (folder / "whole").touch()
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock that belongs to a folder against other processes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "treadle" / "venvs"


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    assert found, "The integration tests need uv to install MLflow and Label Studio: run `make venv`."
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
