"""Files of a directory in a pod, written so that being killed at any point leaves nothing half: whole and right, or not there."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from treadle.api.names import digest

PARTIAL = ".partial"
BLOCK = 1024 * 1024  # bytes


class WrongContent(Exception):  # noqa: N818
    """The bytes are not those that were pinned."""


def has_content(path: Path, sha256: str) -> bool:
    """Whether a file is there, with this content: then it need not be fetched again."""
    return path.is_file() and file_sha256(path) == sha256


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def write_whole(path: Path, chunks: Iterable[bytes], sha256: str | None = None) -> str:
    """Write a file under another name first, and give it its own once all is there and right. Returns its SHA-256.

    The other name is this pod's own, since others may write the same file into a volume that they share.

    Raises:
        WrongContent: when `sha256` is given and the content has another one; then no file is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.uname().nodename}{PARTIAL}")
    found = hashlib.sha256()
    with partial.open("wb") as file:
        for chunk in chunks:
            found.update(chunk)
            file.write(chunk)
    if sha256 not in (None, found.hexdigest()):
        partial.unlink()
        raise WrongContent(f"content has sha256 {found.hexdigest()}, pinned is {sha256}")
    os.replace(partial, path)
    return found.hexdigest()


def tree_digest(contents: Mapping[str, str]) -> str:
    """Of all paths and contents of a directory: equal digests, equal directories. `contents` are SHA-256 by path, relative to it."""
    return digest(sorted(contents.items()))


def contents_of(directory: Path) -> Mapping[str, str]:
    """SHA-256 of every file of a directory, by its path relative to it."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): file_sha256(path) for path in files}


def inside(directory: Path, relative: str) -> Path:
    """A path below a directory, as an object's name or an index says it.

    Raises:
        WrongContent: when it would lead out of the directory.
    """
    parts = PurePosixPath(relative).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise WrongContent(f'"{relative}" is not a path inside a directory')
    return directory.joinpath(*parts)


def own_content(directory: Path, relative: str) -> bytes:
    """The content of a file that lies in the directory itself. A program of a user's may have left a link there, to what only we may read.

    Raises:
        WrongContent: when it leads out of the directory.
        OSError: when there is no such file.
    """
    path = inside(directory, relative)
    if not path.resolve(strict=True).is_relative_to(directory.resolve()):
        raise WrongContent(f'"{relative}" is a link that leads out of the directory')
    return path.read_bytes()
