"""Build without a container engine: buildah in a chroot, on a base image made from Debian packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.images import _cache
from e2e.images._command import Work
from e2e.images._engine import Mount
from e2e.images._image import ImageError
from e2e.images._recipes import BASE

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
BULK = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "var/log")
"""Folders of the base image that nothing reads; half of its size."""
BASE_KEY = hashlib.sha256(repr(("2", SUITE, PACKAGES, BULK)).encode()).hexdigest()[:12]
TIMESTAMP = "315532800"
"""What every file that a build makes is dated, and the image: 1980, the first year of zip files. So the same content is the same image."""
REMOVED_MEANWHILE = "layer not known"
"""What a build says that looks through all images for one to go on from, while the build beside it removes an image."""
TRIES = 3
REMEDY = "Images are built with a running Docker engine, or as root on Debian with the packages buildah and debootstrap"


class Buildah:
    """buildah with its own storage inside the cache, so that removing the cache removes everything."""

    def __init__(self) -> None:
        storage = str(_cache.folder("storage"))
        # What is mounted must be forgotten when the machine restarts, so this part lies in /run.
        mounted = f"/run/treadle-images-{hashlib.sha256(storage.encode()).hexdigest()[:8]}"
        self._command = ("buildah", "--root", storage, "--runroot", mounted)

    @classmethod
    def find(cls) -> Buildah:
        """Return the engine, installing its Debian packages if we may.

        Raises:
            ImageError: buildah cannot work here.
        """
        if os.geteuid() != 0:
            raise ImageError(f"{REMEDY}: start Docker, or run this as root.")
        missing = [program for program in ("buildah", "debootstrap") if not shutil.which(program)]
        if missing and not (shutil.which("apt-get") and _install(missing)):
            raise ImageError(f"{REMEDY}: run `apt-get update && apt-get install {' '.join(missing)}`.")
        return cls()

    def let_go(self) -> None:
        """Remove the containers of builds that were killed: their mounts would keep the store from being deleted."""
        subprocess.run([*self._command, "rm", "--all"], capture_output=True, timeout=120, check=False)

    @property
    def base_key(self) -> str:
        """The recipe of the base image."""
        return f"debootstrap {BASE_KEY}"

    def prepare(self, work: Work) -> None:
        """Make the stand-in for the public base image, under the name of that image: Containerfiles build unchanged."""
        with _cache.locked("base"):
            if subprocess.run([*self._command, "inspect", "--type=image", _made()], capture_output=True, timeout=60, check=False).returncode == 0:
                return
            with tempfile.TemporaryDirectory(dir=_cache.folder("scratch")) as scratch:
                system = Path(scratch, "system")
                include = f"--include={','.join(PACKAGES)}"
                work.run("debootstrap", "--variant=minbase", include, SUITE, str(system), doing=f"installing Debian {SUITE} with Python")
                for folder in BULK:
                    shutil.rmtree(system / folder, ignore_errors=True)
                    (system / folder).mkdir(parents=True)
                container = self._run(work, "from", "scratch", doing="making the base image", quick=True)
                try:
                    self._run(work, "add", "--quiet", container, str(system), "/", doing="copying Debian", quick=True)
                    self._run(work, "config", "--env=LANG=C.UTF-8", "--cmd=python3", container, doing="describing the base image", quick=True)
                    self._run(work, "commit", "--quiet", container, BASE, doing="storing the base image")
                finally:
                    self._run(work, "rm", container, doing="removing the scratch container", quick=True)
            self._run(work, "tag", BASE, _made(), doing="naming the base image", quick=True)

    def run_in_base(self, work: Work, script: str, *, mounts: tuple[Mount, ...], environment: dict[str, str], doing: str) -> None:
        """Run a script in a working container of the base image."""
        volumes = [f"--volume={mount.host}:{mount.inside}:{'rw' if mount.writable else 'ro'}" for mount in mounts]
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        container = self._run(work, "from", "--pull-never", BASE, doing="starting a container of the base image", quick=True)
        try:
            self._run(work, "run", "--isolation=chroot", *volumes, *variables, container, "--", "sh", "-ec", script, doing=doing)
        finally:
            self._run(work, "rm", container, doing="removing the container", quick=True)

    def build(self, work: Work, context: Path, tag: str, *, layered: bool) -> None:
        """Build in a chroot; nothing is pulled. What the tag named before is removed: it may be a gigabyte that nothing names any more."""
        before = self._find(work, tag)
        dated = f"--timestamp={TIMESTAMP}"
        options = ("--pull-never", "--force-rm", "--isolation=chroot", dated, f"--layers={str(layered).lower()}", f"--build-arg=BASE={BASE}")
        for again in reversed(range(TRIES)):
            try:
                self._run(work, "bud", *options, "--tag", tag, "--file", str(context / "Containerfile"), str(context), doing="building")
                break
            except ImageError as error:
                if not again or REMOVED_MEANWHILE not in str(error):
                    raise
        if before and before != self._find(work, tag):
            self._run(work, "rmi", before, doing="removing the build before", quick=True)

    def save(self, work: Work, tag: str, archive: Path) -> None:
        """Write the archive, uncompressed: it only travels to a node on this machine."""
        self._run(work, "push", "--quiet", tag, f"docker-archive:{archive}:{tag}", doing="saving")

    def forget(self, work: Work, tag: str) -> None:
        """Remove the tag, and with it the layers that only it needs."""
        if self._find(work, tag):
            self._run(work, "rmi", tag, doing=f"removing {tag}", quick=True)

    def _find(self, work: Work, tag: str) -> str:
        """Return the id of the image with this tag, or nothing."""
        return self._run(work, "images", "--quiet", "--no-trunc", f"--filter=reference={tag}", doing=f"looking for {tag}", quick=True)

    def _run(self, work: Work, *arguments: str, doing: str, quick: bool = False) -> str:
        return work.run(*self._command, *arguments, doing=doing, quick=quick).strip()


def _made() -> str:
    """The name that tells whether the base image of the current recipe exists."""
    return f"localhost/treadle-base:{BASE_KEY}"


def _install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 {' '.join(packages)}"
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, timeout=900, check=False).returncode == 0
