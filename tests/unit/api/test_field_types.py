"""What users write as durations, numbers, quantities and URIs, and what it means."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError

from treadle.api.base import DecimalString, Duration, Fraction, Measure, Quantity, Uri, format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("1d2h3m4s5ms", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)),
    ],
)
def test_a_duration_means_what_it_says(written: str, meant: timedelta) -> None:
    assert TypeAdapter(Duration).validate_python(written) == meant


@pytest.mark.parametrize("written", ["", "5", "h", "0s", "1.5h", "-1h", "2h3d", "1h1h", "1 h", "1w", "99999999999d"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(written)


@given(some.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=9999)))
def test_a_duration_survives_writing_and_reading(duration: timedelta) -> None:
    whole = timedelta(milliseconds=duration // timedelta(milliseconds=1))
    assert parse_duration(format_duration(whole)) == whole


def test_a_number_is_kept_as_it_was_written() -> None:
    adapter = TypeAdapter(DecimalString)
    assert adapter.validate_python("0.90") == Decimal("0.9")
    assert adapter.dump_python(adapter.validate_python("0.90"), mode="json") == "0.90"


@pytest.mark.parametrize("written", [0.9, "1e3", "NaN", "Infinity", "1,5", ".5", "٣"])
def test_a_float_and_what_is_no_number_are_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(DecimalString).validate_python(written)


@pytest.mark.parametrize("written", ["1.01", "-0.1", "2"])
def test_a_fraction_lies_between_0_and_1(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Fraction).validate_python(written)


def test_a_quantity_may_be_written_as_a_number() -> None:
    assert TypeAdapter(Quantity).validate_python(2) == "2"
    assert TypeAdapter(Quantity).validate_python("500m") == "500m"


@pytest.mark.parametrize("written", ["4GB", "-1", True, "", "1e3"])
def test_what_is_no_quantity_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Quantity).validate_python(written)


CLOUDS = ("gs://a_bucket.corp/a", "az://container/a/", "abfss://container@account.dfs.core.windows.net/a")
NO_CLOUDS = (
    "gs://",
    "az://key@account/a",
    "abfss://container/a",
    "abfss://c@account.dfs.core.windows.net.example.com/a",
    "abfss://c@a.example.com/a",
)


@pytest.mark.parametrize("written", ["s3://bucket", "s3://bucket/a/b.jsonl", "s3://bucket/ä/ü/", "pvc://claim/a", *CLOUDS])
def test_a_uri_names_a_store_or_a_claim(written: str) -> None:
    assert TypeAdapter(Uri).validate_python(written) == written


@pytest.mark.parametrize(
    "written", ["https://a/b", "s3://", "s3://key:secret@bucket/", "s3://bucket/a b", "s3://bucket/a?x=y", "/a", "file:///etc", *NO_CLOUDS]
)
def test_another_uri_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Uri).validate_python(written)


@given(some.floats())
def test_a_measure_is_a_short_string_on_the_wire_and_a_float_in_python(number: float) -> None:
    adapter = TypeAdapter(Measure)
    written = adapter.dump_python(number, mode="json")
    assert isinstance(written, str)
    assert len(written) <= 24
    read = adapter.validate_python(written)
    assert read == pytest.approx(number, rel=1e-5, nan_ok=True)
