"""One Job from its variable to its exit: whatever happens, the termination message says it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure, JobSpec, Result
from treadle.jobs._failure import JobFailure

log = logging.getLogger("treadle.jobs")

Work = tuple[type[JobSpec], Callable[[Any], Result]]


class _Kind(BaseModel):
    kind: str = ""


def run(variable: str, works: Mapping[str, Work], termination_log: Path) -> ExitCode:
    """Do what the variable says, and leave the Result or the Failure in the termination log."""
    try:
        message, code = _work(variable, works).to_message(), ExitCode.DONE
    except JobFailure as failure:
        log.error("%s: %s", failure.reason, failure.message)
        message, code = Failure.of(failure.reason, failure.message).to_message(), failure.exit_code
    except Exception as error:
        log.exception("unexpected")
        message, code = Failure.of(Reason.JobDefect, f"{type(error).__name__}: {error}").to_message(), ExitCode.BUG
    termination_log.write_text(message)
    return code


def _work(variable: str, works: Mapping[str, Work]) -> Result:
    try:
        kind = _Kind.model_validate_json(variable).kind
        if kind not in works:
            raise JobFailure(Reason.JobContractMismatch, f'this image has no job "{kind}"; it has {", ".join(works)}')
        spec_type, work = works[kind]
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
