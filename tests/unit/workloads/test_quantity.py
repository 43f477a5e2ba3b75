"""Amounts as the API server writes them; the expectations were read back from a real one."""

import pytest

from treadle.workloads.quantity import canonical


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1", "1"),
        ("0", "0"),
        ("1000m", "1"),
        ("250m", "250m"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("2000", "2k"),
        ("1500", "1500"),
        ("1000M", "1G"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("1024", "1024"),
        ("0.001", "1m"),
    ],
)
def test_amounts_are_canonical(written: str, expected: str) -> None:
    assert canonical(written) == expected


@pytest.mark.parametrize("written", ["", "x", "1 Gi", "-1", "1Zi", "1e3"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        canonical(written)
