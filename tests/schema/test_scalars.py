"""What scalars take from a client: nothing that grows when it is written out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from graphql import build_schema, get_named_type, is_input_object_type, is_interface_type, is_object_type

from countersign.schema.scalars import SCALARS
from tests.serving import ROOT


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


def test_a_moment_is_typed_as_one_and_a_day_too() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    told = [
        (f"{type_.name}.{name}", name, get_named_type(field.type).name)
        for type_ in schema.type_map.values()
        if (is_object_type(type_) or is_interface_type(type_) or is_input_object_type(type_))
        and not type_.name.endswith("By")  # which of several names a thing is asked by
        for name, field in type_.fields.items()
    ]
    assert [field for field, name, kind in told if name.endswith("At") and kind != "DateTime"] == []
    assert [field for field, name, kind in told if name.endswith("On") and kind != "Date"] == []
