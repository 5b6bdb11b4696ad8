"""What scalars take from a client: nothing that grows when it is written out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from countersign.schema.scalars import SCALARS


def parsed(text: str) -> object:
    """A text as the scalar Decimal reads it."""
    parse = SCALARS[Decimal].parse_value
    assert parse is not None
    return parse(text)


@pytest.mark.parametrize("text", ["1e999999999", "1E-999999999", "-0e41", "NaN", "sNaN", "Infinity", "9" * 41])
def test_a_decimal_that_is_long_when_written_out_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="decimal number as text"):
        parsed(text)


@pytest.mark.parametrize("text", ["0", "7.50", "-1", "1E+2", "12.345678901234567890", "9" * 40])
def test_a_decimal_is_taken_as_it_is_written(text: str) -> None:
    assert parsed(text) == Decimal(text)
