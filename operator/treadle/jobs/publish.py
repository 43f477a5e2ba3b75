"""Store what an evaluation found, and say its result: the container with keys, after the one that loaded models of others."""

import hashlib
from pathlib import Path

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, one_line
from treadle.contracts.evaluate import DETAILS_FILE, REFERENCE_FILE, RESULT_FILE, EvaluateResult, PublishSpec, stored_name
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store, below

LIMIT = 256  # bytes of why it could not be stored


def publish(spec: PublishSpec) -> EvaluateResult:
    """Store the files, each under a name that holds its digest. A store that refuses is told in the result: what was measured stands.

    Raises:
        JobFailure: the evaluation left nothing, or other content than it says, or the store does not answer.
    """
    directory = Path(spec.directory)
    result = EvaluateResult.from_message((directory / RESULT_FILE).read_text())
    if spec.uri is None:
        return _without_files(result, "the run keeps its files where pods cannot write")
    store = Store(spec.store)
    try:
        for file, sha256 in ((REFERENCE_FILE, result.reference), (DETAILS_FILE, result.details)):
            if sha256:
                store.create(below(spec.uri, stored_name(file, sha256)), _content(directory / file, sha256))
    except JobFailure as failure:
        if failure.exit_code == ExitCode.UNAVAILABLE or failure.reason is Reason.ContentChanged:
            raise
        return _without_files(result, failure.message)
    return result


def _without_files(result: EvaluateResult, why: str) -> EvaluateResult:
    return result.model_copy(update={"reference": None, "details": None, "not_stored": one_line(why, LIMIT)})


def _content(path: Path, sha256: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise JobFailure(Reason.ContentChanged, f"{path.name} is not what the evaluation wrote")
    return content
