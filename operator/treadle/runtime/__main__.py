"""Entry point of serving pods: `python -m treadle.runtime`, told what to do by the environment variable `TREADLE_RUNTIME`."""

import asyncio
import logging
import os
import sys
from pathlib import Path

import uvloop
from pydantic import ValidationError

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure
from treadle.contracts.serving import ENVIRONMENT, RuntimeSpec
from treadle.predictors import NotLoadable
from treadle.runtime._server import serve
from treadle.runtime._service import Service

TERMINATION_LOG = Path("/dev/termination-log")
"""Where Kubernetes reads a container's last words."""


def main() -> int:
    """Serve until told to stop; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        spec = RuntimeSpec.model_validate_json(os.environ.get(ENVIRONMENT, ""))
    except ValidationError as error:
        return _fail(Reason.InvalidObject, f"{ENVIRONMENT} is not understood: {error}")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(Service(spec)))
    except NotLoadable as error:
        return _fail(error.reason, str(error))
    return 0


def _fail(reason: Reason, message: str) -> int:
    """Say why in the pod's status (termination message) and in its log."""
    words = Failure.of(reason, message).to_message()
    sys.stderr.write(words + "\n")
    if TERMINATION_LOG.exists():  # only in a container
        TERMINATION_LOG.write_text(words, encoding="utf-8")
    return ExitCode.BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
