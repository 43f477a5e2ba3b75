"""The user's program, run as a process on this machine instead of in a container."""

import asyncio
import os
from pathlib import Path

from tests.integration.environments import environment
from treadle.plan import Object

LONGEST = 240.0
"""Seconds."""


async def program(pod: Object, script: Path, *, image: str = "mlflow", ends: int = 0) -> str:
    """What the container would do: run the script with the variables of the pod, and with the packages of one of our images; returns what it printed.

    Raises:
        AssertionError: it ended with another exit code; the message is what it printed last.
    """
    python = await asyncio.to_thread(lambda: environment(image) / "bin" / "python")  # made now, if it is the first time
    told = {v["name"]: v["value"] for v in pod["spec"]["containers"][0]["env"] if "value" in v and v["name"] not in ("HOME", "TMPDIR")}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet", "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(script),
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **quiet, **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), LONGEST)
    assert process.returncode == ends, output.decode()[-2000:]
    return output.decode()
