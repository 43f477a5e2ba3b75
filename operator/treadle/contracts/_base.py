"""What every contract shares: how JSON crosses a process border, how large it may be, and how a Job says how it ended.

A Job is told what to do by one environment variable, `TREADLE_JOB`, holding the JSON of a `JobSpec`. It answers in its termination message with
the JSON of a `Result`, or of a `Failure` when it could not do its work, and with one of the exit codes below.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from treadle.api.names import digest
from treadle.api.reasons import Reason

JOB_VARIABLE = "TREADLE_JOB"
JOB_LIMIT = 32 * 1024  # bytes: far below what Linux and Kubernetes allow for one environment variable
RESULT_LIMIT = 4 * 1024  # bytes: all that the kubelet keeps of a termination message
MESSAGE_LIMIT = 1024  # bytes of a condition's message


class ExitCode(IntEnum):
    """How one of our Jobs ends (numbers of sysexits.h), so that a failure can be classified even when its message is lost.

    DONE: the termination message holds the result.
    BAD_INPUT: what was asked for cannot be done; the same again fails again. Retrying helps only after a change.
    UNAVAILABLE: an outside system did not answer, or refused for now. The same again may work.
    BUG: our own fault; the log holds the stack trace.
    """

    DONE = 0
    BAD_INPUT = 64
    UNAVAILABLE = 69
    BUG = 70


class ContractTooLarge(ValueError):  # noqa: N818  (worded for people)
    """JSON does not fit where it must pass; the message says what, how large it is and what the limit is."""


class Contract(BaseModel):
    """JSON written by one process and read by another: frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that came after the contract was in use. While they have their default they are not written: old content is still the same text."""

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, the same text for the same content."""
        fields = type(self).model_fields
        silent = {name for name in self.later if getattr(self, name) == fields[name].get_default(call_default_factory=True)}
        return canonical_json(self.model_dump(mode="json", exclude=silent))


class JobSpec(Contract):
    """What a Job of ours shall do. A subclass fixes `kind` (which file in `jobs/` does it) and `contract` (raised when its meaning changes).

    What has its default is not said: a field that a later version adds changes no fingerprint, so that an upgrade does no work again. For the same
    reason a default never changes.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset()
    """Fields that tell what was the case before. They make no other work of it, and enter no fingerprint."""

    kind: str
    contract: int
    sensitive: bool = Field(default=False, description="The Job's message names no person and no item, and quotes no content.")

    def fingerprint(self, length: int = 64) -> str:
        """The first `length` hex digits of the SHA-256 of what is said: names the Job, so that the same wish is the same Job."""
        return digest({name: value for name, value in self._said().items() if name not in self.circumstances}, length)

    def to_variable(self) -> str:
        """The value of `TREADLE_JOB`.

        Raises:
            ContractTooLarge: above 32 KiB; the message names what takes most of them.
        """
        said = self._said()
        try:
            return _bounded(canonical_json(said), JOB_LIMIT, f"the description of the {self.kind} Job")
        except ContractTooLarge as error:
            sizes = {name: len(canonical_json({name: value}).encode()) for name, value in said.items()}
            most = sorted(sizes, key=lambda name: -sizes[name])[:2]
            raise ContractTooLarge(f"{error}; most of them are {' and '.join(f'{name} ({sizes[name]})' for name in most)}") from None

    def _said(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True) | {"kind": self.kind, "contract": self.contract}


class Message(Contract):
    """What a Job says in its termination message. Readers ignore what they do not know: a newer Job may say more."""

    model_config = ConfigDict(extra="ignore")

    kind: str

    def to_message(self) -> str:
        """The termination message.

        Raises:
            ContractTooLarge: above 4 KiB.
        """
        return _bounded(self.to_json(), RESULT_LIMIT, f"the {self.kind} message")

    @classmethod
    def from_message(cls, text: str) -> Self:
        """Read a termination message.

        Raises:
            ValueError: when it is something else (pydantic's ValidationError is one).
        """
        return cls.model_validate_json(text)


class Result(Message):
    """What a Job found out or made. Its `kind` is the kind of the spec."""


class Failure(Message):
    """Why a Job could not do its work, worded as a condition."""

    kind: str = Field(default="failure", pattern="^failure$")
    reason: str = Field(max_length=64)
    message: str = Field(max_length=MESSAGE_LIMIT)

    @classmethod
    def of(cls, reason: Reason, message: str) -> "Failure":
        """A failure whose message is on one line, and cut to what a condition may hold."""
        return cls(reason=reason.name, message=one_line(message, MESSAGE_LIMIT))

    @property
    def known_reason(self) -> Reason:
        """The reason as a member of the one table; `JobFailed` for a name that this version does not know."""
        return Reason.__members__.get(self.reason, Reason.JobFailed)


def one_line(text: str, limit: int) -> str:
    """`text` on one line, without what cannot be printed, cut to so many bytes."""
    words = "".join(letter for letter in " ".join(text.split()) if letter.isprintable()).encode()
    return words.decode() if len(words) <= limit else words[: limit - 3].decode(errors="ignore") + "…"


def canonical_json(content: Mapping[str, Any]) -> str:
    """`content` as JSON with sorted keys and no spaces: the form that digests are taken of."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _bounded(text: str, limit: int, what: str) -> str:
    size = len(text.encode())
    if size > limit:
        raise ContractTooLarge(f"{what} has {size} bytes; at most {limit} can be passed")
    return text
