"""The host's own way to its package index, handed into a container at run time; nothing of it is ever stored."""

from __future__ import annotations

import os
from pathlib import Path

from e2e.images._engine import Mount

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf", "~/.netrc")


def host_settings() -> tuple[dict[str, str], tuple[Mount, ...]]:
    """Return the variables and mounts that let pip in a container reach what pip on this host reaches.

    Every existing path that a variable or a configuration file names is mounted at the same place, read-only.
    """
    environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in VARIABLES}
    files = [path for name in FILES if (path := Path(name).expanduser()).is_file()]
    named = {Path(value) for value in environment.values() if value.startswith("/")}
    for file in files:
        named |= {Path(line.split("=", 1)[1].strip()) for line in file.read_text().splitlines() if "= /" in line or "=/" in line}
    home = Path.home()
    mounts = [Mount(file, f"/root/{file.relative_to(home)}" if file.is_relative_to(home) else str(file)) for file in files]
    mounts += [Mount(path, str(path)) for path in sorted(named) if path.exists()]
    return environment, tuple(mounts)
