"""Where things lie on disk: what may be thrown away (cache), what a running cluster needs (state), and locks over both."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def cache() -> Path:
    """Binaries and image stores, keyed by content; deleting it costs time only."""
    return _private(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "treadle")


def clusters() -> Path:
    """One directory per cluster: keys, configuration, logs, etcd."""
    return _private(Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "treadle" / "clusters")


def _private(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write(path: Path, text: str | bytes, *, mode: int = 0o600) -> Path:
    """Puts `text` at `path` whole or not at all, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
    draft.replace(path)
    return path


def digest(*files: Path, salt: str = "") -> str:
    """Sixteen digits that change when the name or content of any of `files` changes, or `salt`."""
    total = hashlib.sha256(salt.encode())
    for file in files:
        total.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return total.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds `path` against every other process; the kernel lets go when the holder dies, so no lock is ever stale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
