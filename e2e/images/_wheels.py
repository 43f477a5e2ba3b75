"""The wheels of a lock file, made by the Python of the base image: what the host's Python would choose can differ."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from e2e.images import _cache
from e2e.images._command import Work
from e2e.images._engine import Engine, Mount
from e2e.images._key import file_digest
from e2e.images._pip import host_settings

SCRIPT = """
trap 'chown -R "$OWNER" /wheels' EXIT
python3 -m venv /tmp/pip
/tmp/pip/bin/pip wheel --quiet --progress-bar off --use-pep517 --require-hashes --requirement /lock/requirements.txt --wheel-dir /wheels
"""
# Wheels and not downloads: some requirements come as source only, and an image must not need a compiler or a network to be built.
# Hashes are checked here, on what was downloaded; a wheel built from source has no hash anybody could know.


def wheelhouse(work: Work, engine: Engine, lock: Path) -> Path:
    """Return a folder with the wheels of a lock file, from the cache if they were made before.

    Raises:
        ImageError: a requirement cannot be downloaded, built, or has another hash than the lock says.
    """
    digest = file_digest(lock)
    name = f"{digest[:12]}-{''.join(filter(str.isalnum, engine.base_key))}"
    with _cache.locked(f"wheels-{name}"):
        house = _cache.folder("wheels") / name
        if house.exists():
            return house
        making = _cache.folder("scratch") / f"wheels-{name}"
        shutil.rmtree(making, ignore_errors=True)
        (making / "lock").mkdir(parents=True)
        (making / "wheels").mkdir()
        shutil.copy(lock, making / "lock" / "requirements.txt")
        environment, mounts = host_settings()
        # The container's root is a stranger to a user of Docker: what it writes must belong to whoever builds.
        environment |= {"OWNER": f"{os.getuid()}:{os.getgid()}", "PIP_NO_CACHE_DIR": "1"}
        ours = (Mount(making / "lock", "/lock"), Mount(making / "wheels", "/wheels", writable=True))
        doing = f"downloading {lock.read_text().count('==')} packages"
        engine.run_in_base(work, SCRIPT, mounts=(*ours, *mounts), environment=environment, doing=doing)
        (making / "wheels").rename(house)
        shutil.rmtree(making)
        return house
