"""Amounts in the one form that the API server writes them in, so that what was applied and what is read back compare as equal text."""

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

_POWERS = (-9, -6, -3, 3, 6, 9, 12, 15, 18)
DECIMAL: Mapping[str, Fraction] = {suffix: Fraction(10) ** power for suffix, power in zip("numkMGTPE", _POWERS, strict=True)}
BINARY: Mapping[str, Fraction] = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_FORM = re.compile(r"^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]{0,2})$")


@lru_cache
def canonical(quantity: str) -> str:
    """The canonical form of a quantity: no fraction, the largest suffix that keeps it whole.

    >>> [canonical(quantity) for quantity in ("1000m", "0.5", "1.5Gi", "1024Mi", "512Ki")]
    ['1', '500m', '1536Mi', '1Gi', '512Ki']

    Raises:
        ValueError: if it is no quantity.
    """
    number, suffix = _parsed(quantity)
    binary = suffix in BINARY and number >= 1024 and number.denominator == 1
    suffixes: dict[str, Fraction] = {"": Fraction(1)} | dict(BINARY if binary else DECIMAL)
    fitting = [(size, suffix) for suffix, size in suffixes.items() if (number / size).denominator == 1 and number]
    size, suffix = max(fitting, default=(Fraction(1), ""))
    return f"{round(number / size)}{suffix}"


@lru_cache
def half_of(quantity: str) -> str:
    """Half of an amount of bytes, in whole MiB, at least one.

    >>> half_of("3Gi")
    '1536Mi'

    Raises:
        ValueError: if it is no quantity.
    """
    number, _ = _parsed(quantity)
    return canonical(f"{max(int(number / 2 / BINARY['Mi']), 1)}Mi")


def _parsed(quantity: str) -> tuple[Fraction, str]:
    match = _FORM.match(quantity)
    if not match or match[2] not in {"", *DECIMAL, *BINARY}:
        raise ValueError(f"{quantity!r} is no quantity")
    return Fraction(match[1]) * (DECIMAL.get(match[2]) or BINARY.get(match[2]) or 1), match[2]
