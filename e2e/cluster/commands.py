"""Runs other programs: always with a deadline, and with their own last words in the error."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from e2e.cluster.problem import Problem


def run(
    *command: str | Path,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | IO[bytes] | None = None,
    failure: str | None = None,
) -> str:
    """The standard output of `command`.

    Args:
        command: Program and arguments.
        timeout: Seconds until it is killed.
        env: Variables added to our own.
        cwd: Where it runs.
        stdin: Text, or an open file, that it reads.
        failure: Begins the error's sentence; the command's name without it.

    Raises:
        Problem: It is absent, failed, or took longer than `timeout`.
    """
    words: Sequence[str] = [str(word) for word in command]
    begin = failure or f"`{' '.join(words[:4])}` failed"
    try:
        source: dict[str, Any] = {"input": stdin.encode()} if isinstance(stdin, str) else {"stdin": stdin or subprocess.DEVNULL}
        surroundings = {**os.environ, **env} if env else None
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            words, capture_output=True, timeout=timeout, check=False, env=surroundings, cwd=cwd, **source
        )
    except FileNotFoundError:
        raise Problem(f"{begin}: `{words[0]}` is not installed.") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"{begin}: no end after {timeout:.0f} s.") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Problem(f"{begin} (exit code {done.returncode}): {said[-2000:] or 'it said nothing'}")
    return done.stdout.decode(errors="replace")
