"""What ends is said half a year before, with what to use instead, in one form."""

from __future__ import annotations

from datetime import date

import pytest
import strawberry
from graphql import build_schema

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View
from countersign.reads.bind import arg, bound, column, ending, find
from countersign.schema import deprecation
from countersign.schema.contents import export, make_schema, the_schema
from countersign.schema.deprecation import Deprecation, deprecated

ON = date(2026, 11, 22)
REASON = "Use Query.new. Deprecated 2026-11-22, removed not before 2027-05-22."


def test_every_deprecation_of_the_schema_keeps_the_promise() -> None:
    assert deprecation.problems(the_schema()._schema) == []


def test_the_reason_says_what_to_use_and_until_when_it_stays() -> None:
    assert deprecated("Query.new", on=ON) == REASON
    assert deprecation.read(REASON) == Deprecation("Query.new", ON, date(2027, 5, 22))
    assert deprecated("Query.new", on=ON, until=date(2028, 1, 1)).endswith("removed not before 2028-01-01.")


def test_less_than_half_a_year_is_refused() -> None:
    with pytest.raises(ValueError, match="stays until 2027-05-22"):
        deprecated("Query.new", on=ON, until=date(2027, 5, 21))


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 12, 1), date(2027, 6, 1)),
        (date(2026, 6, 30), date(2026, 12, 30)),
    ],
)
def test_half_a_year_ends_on_the_same_day_or_the_months_last(day: date, later: date) -> None:
    assert deprecation.half_a_year_after(day) == later


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("No longer supported", "write the reason with"),
        ("Use Query.new.", "write the reason with"),
        ("Use Query.new. Deprecated 22.11.2026, removed not before 22.05.2027.", "write the reason with"),
        ("Use Query.new. Deprecated 2026-11-31, removed not before 2027-05-31.", "write the reason with"),
        (REASON.replace("2027-05-22", "2027-05-21"), "stays until 2027-05-22"),
        (REASON.replace("Query.new", "Query.newer"), "Query.newer is not a part"),
        (REASON.replace("Query.new", "Query.other"), "Query.other is deprecated itself"),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "type Query {{ new: Int {other} old: Int @deprecated(reason: {reason}) }}",
        "type Query {{ new(old: Int @deprecated(reason: {reason})): Int {other} }}",
        "type Query {{ new(by: By): Int {other} }} input By {{ old: Int @deprecated(reason: {reason}) }}",
        "type Query {{ new: Kind {other} }} enum Kind {{ A B @deprecated(reason: {reason}) }}",
    ],
    ids=["field", "argument", "input field", "enum value"],
)
def test_a_broken_promise_is_found(place: str, reason: str, sentence: str) -> None:
    other = f'other: Int @deprecated(reason: "{REASON}")'
    assert deprecation.problems(build_schema(place.format(other=other, reason=f'"{REASON}"'))) == []
    found = deprecation.problems(build_schema(place.format(other=other, reason=f'"{reason}"')))
    assert len(found) == 1
    assert sentence in found[0]


@bound(View(tag="thing", source="organizations {t}", seen=(EVERYONE,)), description="A thing.")
class Thing:
    """A thing."""

    name: str = column(description="Its name.", sql="{t}.display_name")
    title: str = ending(column(description="Its name.", sql="{t}.display_name"), deprecated("Thing.name", on=ON))


@strawberry.type
class ThingQueries:
    """Root fields."""

    thing: Thing | None = find(description="A thing.")
    old: Thing | None = ending(
        find(
            args={"also": arg(int | None, "A number.", deprecated=deprecated("Query.thing(id:)", on=ON))},
            description="A thing.",
        ),
        deprecated("Query.thing", on=ON),
    )


def test_fields_and_arguments_of_ours_can_end() -> None:
    schema = make_schema((ThingQueries,), ())
    assert deprecation.problems(schema._schema) == []
    text = " ".join(export(schema).split())
    for use in ("Thing.name", "Query.thing(id:)", "Query.thing"):
        assert f'@deprecated(reason: "Use {use}. Deprecated 2026-11-22, removed not before 2027-05-22.")' in text
