import pytest

from treadle.api.reasons import Reason
from treadle.contracts import RESULT_LIMIT, ContractTooLarge, Failure, JobSpec, StoreConnection, one_line
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import AnnotatorNumbers, LabelNumbers, QualityResult
from treadle.contracts.stores import Blob
from treadle.contracts.sync import Source, SyncResult, SyncSpec

DIGEST = "0" * 64
BLOB = Blob(uri="s3://b/" + "k" * 1000, sha256=DIGEST)


def make_sync(**changes: object) -> SyncSpec:
    wanted: dict[str, object] = {
        "labels": LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"),)),
        "sources": (Source(uri="s3://raw/shelf/"),),
        "destination": "s3://sets/shelf/",
        "store": StoreConnection(endpoint="http://s3.test"),
    }
    return SyncSpec.model_validate(wanted | changes)


def test_a_job_reads_back_exactly_what_was_said() -> None:
    spec = make_sync(slot=7)
    assert SyncSpec.model_validate_json(spec.to_variable()) == spec


def test_the_fingerprint_names_the_wish_whatever_the_order_it_was_said_in() -> None:
    spec = make_sync()
    again = SyncSpec.model_validate_json(spec.to_variable())
    assert spec.fingerprint(8) == again.fingerprint(8)
    assert spec.fingerprint() != make_sync(slot=1).fingerprint()
    assert spec.fingerprint() != spec.model_copy(update={"contract": 2}).fingerprint()


def test_a_field_that_comes_later_with_a_default_changes_no_fingerprint() -> None:
    class Later(SyncSpec):
        speed: int = 1

    spec = make_sync(slot=3)
    assert Later.model_validate_json(spec.to_variable()).fingerprint() == spec.fingerprint()


def test_an_unknown_field_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ValueError, match="speed"):
        SyncSpec.model_validate(make_sync().model_dump() | {"speed": 2})


def test_what_does_not_fit_one_variable_is_refused_with_its_size() -> None:
    labels = tuple(LabelClass(name=f"label {number}", description="d" * 500) for number in range(300))
    with pytest.raises(ContractTooLarge, match=r"sync Job has \d+ bytes; at most 32768 .* most of them are labels \(\d{5,}\) and "):
        make_sync(labels=LabelSchema(task="ImageClassification", labels=labels)).to_variable()


def test_three_hundred_labels_of_a_line_each_fit() -> None:
    labels = tuple(LabelClass(name=f"{number:03} " + "n" * 60) for number in range(300))
    assert make_sync(labels=LabelSchema(task="ImageClassification", labels=labels)).to_variable()


def test_the_largest_results_fit_a_termination_message() -> None:
    long = "x" * 100
    big = 10**9
    result = QualityResult(
        snapshot=BLOB,
        digest=DIGEST,
        items=big,
        annotated=big,
        complete=big,
        annotations=big,
        annotators=big,
        agreed=big,
        disputed=big,
        skipped=big,
        invalid=big,
        removed=big,
        agreement=0.123456,
        percent_agreement=0.123456,
        by_annotator=tuple(AnnotatorNumbers(annotator=f"u{big}", annotations=big, agreement=0.123456) for _ in range(10)),
        by_label=tuple(LabelNumbers(label=long[:40], items=big, agreement=0.123456) for _ in range(10)),
    )
    assert len(result.to_message().encode()) <= RESULT_LIMIT
    examples = (one_line("é\x01" * 1000, 200),) * 3
    synced = SyncResult(items=big, added=big, unreadable=big, listing=BLOB, unreadable_list=BLOB, digest=DIGEST, examples=examples)
    assert len(synced.to_message().encode()) <= RESULT_LIMIT


@pytest.mark.parametrize("message", ["short", "é" * 5000, '"\\' * 5000, "\x00\x1b[31m" * 2000, "one\ntwo\r\n three", "😀" * 3000])
def test_whatever_went_wrong_the_failure_fits_and_reads_back(message: str) -> None:
    text = Failure.of(Reason.JobDefect, message).to_message()
    assert len(text.encode()) <= RESULT_LIMIT
    failure = Failure.from_message(text)
    assert failure.known_reason is Reason.JobDefect
    assert failure.message.isprintable()
    assert len(failure.message.encode()) <= 1024


def test_a_reason_of_another_version_is_a_failed_job() -> None:
    assert Failure(reason="FromTheFuture", message="?").known_reason is Reason.JobFailed


def test_a_result_is_not_mistaken_for_another_kind_or_for_a_failure() -> None:
    failure = Failure.of(Reason.Unreachable, "down").to_message()
    with pytest.raises(ValueError, match="kind"):
        SyncResult.from_message(failure)
    with pytest.raises(ValueError, match="kind"):
        Failure.from_message('{"kind":"sync","reason":"r","message":"m"}')


def test_a_result_of_a_later_version_may_say_more() -> None:
    synced = SyncResult(items=1, added=1, listing=Blob(uri="s3://b/k", sha256=DIGEST), digest=DIGEST)
    assert SyncResult.from_message(synced.to_message()[:-1] + ',"weather":"fine"}') == synced


def test_every_spec_says_its_kind_and_contract() -> None:
    kinds = [spec.model_fields["kind"].default for spec in JobSpec.__subclasses__() if spec.__module__.startswith("treadle.")]
    assert len(kinds) == len(set(kinds))
    assert all(spec.model_fields["contract"].default >= 1 for spec in JobSpec.__subclasses__() if spec.__module__.startswith("treadle."))
