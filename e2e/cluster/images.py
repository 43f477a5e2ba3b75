"""Images without a registry: packing a static program as one, and handing archives to containerd."""

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from e2e.cluster import namespaces, places
from e2e.cluster.control import Control
from e2e.cluster.layout import Layout
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, step

CTR = ("ctr", "--address=/run/containerd.sock", "--namespace=k8s.io")


def pack(program: Path, tag: str, archive: Path) -> Path:
    """A docker archive at `archive` of an image that holds only the static `program`, run as user 10001."""
    layer = tar({program.name: (program.read_bytes(), 0o755)})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "10001:10001"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    encoded = json.dumps(config).encode()
    name = f"{hashlib.sha256(encoded).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]).encode()
    return places.write(archive, tar({"manifest.json": (manifest, 0o644), name: (encoded, 0o644), "layer.tar": (layer, 0o644)}))


def tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """A tar of `files` (name to content and mode); equal files give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            out.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def contents(archive: Path) -> dict[str, str]:
    """The images in a docker or OCI archive: name to the digest of its content. Reads headers only, however large the layers are.

    Raises:
        Problem: It is no such archive.
    """
    try:
        with tarfile.open(archive) as opened:
            members = {member.name.removeprefix("./"): member for member in opened}

            def parsed(name: str) -> Any:
                file = opened.extractfile(members[name])
                return json.load(file) if file else None

            if "manifest.json" in members:
                return {tag: image["Config"] for image in parsed("manifest.json") for tag in image["RepoTags"] or []}
            names = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
            return {
                next(tag for name in names if (tag := image.get("annotations", {}).get(name))): image["digest"]
                for image in parsed("index.json")["manifests"]
            }
    except (tarfile.TarError, KeyError, StopIteration, OSError, ValueError) as error:
        raise Problem(f"{archive} is no docker or OCI image archive with a name in it ({error!r}): write one with `buildah push`.") from None


def known(name: str, present: set[str]) -> bool:
    """Whether the node has an image `name`; containerd completes names that begin without a host."""
    return any(each == name or each.endswith(f"/{name}") for each in present)


def load(layout: Layout, control: Control, archive: Path, progress: Progress) -> list[str]:
    """Imports what `archive` holds unless the node has this very content under this name; returns the names."""
    wanted = contents(archive)
    record = layout.store / "loaded.json"
    with places.locked(layout.store / ".load.lock"):
        present = set(namespaces.inside(control, *CTR, "images", "list", "--quiet").split())
        loaded: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        if any(not known(name, present) or loaded.get(name) != digest for name, digest in wanted.items()):
            size = archive.stat().st_size
            with step(progress, f"loading {', '.join(wanted)} ({size / 1e6:.0f} MB)"):
                namespaces.inside(control, *CTR, "images", "import", "--snapshotter=overlayfs", "-", stdin=archive, timeout=600)
        # In the order of their last use, for `outdated`.
        places.write(record, json.dumps({**{name: loaded[name] for name in loaded if name not in wanted}, **wanted}, indent=2))
    return list(wanted)


def outdated(loaded: Sequence[str], *, keep: int = 2) -> list[str]:
    """Those of the names `loaded`, oldest first, that `keep` later ones of the same repository have replaced."""
    by_repository: dict[str, list[str]] = {}
    for name in loaded:
        by_repository.setdefault(name.rpartition(":")[0], []).append(name)
    return [name for names in by_repository.values() for name in names[:-keep]]


def prune(layout: Layout, control: Control) -> None:
    """Gives back the disk of images that later builds have replaced; call it while no pod runs."""
    record = layout.store / "loaded.json"
    loaded: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    old = set(outdated(list(loaded)))
    kept = {name: digest for name, digest in loaded.items() if name not in old}
    # The Kubernetes side of containerd gives each image a second name, by its content.
    contents_gone = {f"sha256:{Path(loaded[name]).stem}" for name in old if loaded[name] not in kept.values()}
    present = namespaces.inside(control, *CTR, "images", "list", "--quiet").split()
    if gone := [each for each in present if each in contents_gone or any(known(name, {each}) for name in old)]:
        namespaces.inside(control, *CTR, "images", "delete", *gone)
    places.write(record, json.dumps(kept, indent=2))
