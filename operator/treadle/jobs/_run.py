"""One Job from its variable to its exit: whatever happens, the termination message says it."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure, JobSpec, Result
from treadle.jobs._failure import JobFailure

log = logging.getLogger("treadle.jobs")

Work = tuple[type[JobSpec], Callable[[Any], Result]]

KINDS = (
    "sync",
    "quality",
    "release",
    "collect",
    "compare",
    "draft",
    "fetch-dataset",
    "fetch-model",
    "evaluate",
    "fetch-items",
    "predict",
    "prelabel",
    "rank",
    "feedback",
    "publish",
    "report",
)
"""What a Job may be asked for; the module and the function that do it have the same name."""


class _Kind(BaseModel):
    kind: str = ""


def work_of(kind: str, now: datetime) -> Work:
    """What a kind of Job is told, and who does it, told the time if it asks for that. Only its own modules are imported: those of all others would
    take most of a short Job's time.

    Raises:
        JobFailure: this image has no such Job.
    """
    if kind not in KINDS:
        raise JobFailure(Reason.JobContractMismatch, f'this image has no job "{kind}"; it has {", ".join(KINDS)}')
    name = kind.replace("-", "_")
    work: Callable[..., Result] = getattr(import_module(f"treadle.jobs.{name}"), name)
    asked = get_type_hints(work)
    return asked["spec"], partial(work, now=now) if "now" in asked else work


def run(variable: str, termination_log: Path, find: Callable[[str], Work]) -> ExitCode:
    """Do what the variable says, and leave the Result or the Failure in the termination log. `find` is `work_of`, told the time."""
    try:
        message, code = _done(variable, find).to_message(), ExitCode.DONE
    except JobFailure as failure:
        log.error("%s: %s", failure.reason, failure.message)
        message, code = Failure.of(failure.reason, failure.message).to_message(), failure.exit_code
    except Exception as error:
        log.exception("unexpected")
        message, code = Failure.of(Reason.JobDefect, f"{type(error).__name__}: {error}").to_message(), ExitCode.BUG
    termination_log.write_text(message)
    return code


def _done(variable: str, find: Callable[[str], Work]) -> Result:
    try:
        kind = _Kind.model_validate_json(variable).kind
        spec_type, work = find(kind)
        spec = spec_type.model_validate_json(variable)
    except ValidationError as error:
        raise JobFailure(Reason.JobContractMismatch, f"this image does not understand its job: {error}") from error
    log.info("%s: start", kind)
    try:
        result = work(spec)
    except JobFailure:
        raise
    except Exception as error:
        log.exception("unexpected")
        words = type(error).__name__ if spec.sensitive else f"{type(error).__name__}: {error}"  # who knows what it quotes
        raise JobFailure(Reason.JobDefect, words, ExitCode.BUG) from error
    log.info("%s: %s", kind, result.to_json())
    return result
