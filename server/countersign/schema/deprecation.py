"""How a part of the API ends: half a year after it was said, with what to use instead, in one form."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

MONTHS: Final = 6
_MONTHS_OF_A_YEAR: Final = 12
_DAY: Final = r"\d{4}-\d\d-\d\d"
_REASON: Final = re.compile(rf"Use (\S+)\. Deprecated ({_DAY}), removed not before ({_DAY})\.")
Part = GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What replaces a part, by its coordinate (`Query.node`); since when, and until when it stays at least."""

    use: str
    on: date
    until: date

    def reason(self) -> str:
        """The text of `@deprecated(reason:)`."""
        return f"Use {self.use}. Deprecated {self.on.isoformat()}, removed not before {self.until.isoformat()}."


def deprecated(use: str, *, on: date, until: date | None = None) -> str:
    """The reason of a deprecation, for the `deprecated=` of `reads/bind.py` and Strawberry's `deprecation_reason=`.

    `use` is the coordinate of what replaces it: `Type.field`, `Enum.VALUE`, `Type.field(argument:)`. It stays for
    half a year, or until a later day. Raises ValueError for an earlier one.
    """
    earliest = half_a_year_after(on)
    if until is not None and until < earliest:
        raise ValueError(f"what is deprecated on {on} stays until {earliest} at least")
    return Deprecation(use, on, until or earliest).reason()


def half_a_year_after(day: date) -> date:
    """The same day of the month six months later, or that month's last."""
    years, month = divmod(day.month - 1 + MONTHS, _MONTHS_OF_A_YEAR)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def read(reason: str) -> Deprecation | None:
    """What a reason says; None when it is not in the form."""
    found = _REASON.fullmatch(reason)
    try:
        return Deprecation(found[1], date.fromisoformat(found[2]), date.fromisoformat(found[3])) if found else None
    except ValueError:
        return None


def parts(schema: GraphQLSchema) -> Iterator[tuple[str, Part]]:
    """Every field, argument, input field and enum value of a schema, by its coordinate."""
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, definition in type_.fields.items():
                yield f"{name}.{field}", definition
                for argument, of_argument in definition.args.items():
                    yield f"{name}.{field}({argument}:)", of_argument
        elif isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", of_input) for field, of_input in type_.fields.items())
        elif isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", of_value) for value, of_value in type_.values.items())


def problems(schema: GraphQLSchema) -> list[str]:
    """What is wrong with the deprecations of a schema, in words; empty when each keeps the promise."""
    every = dict(parts(schema))
    found = []
    for coordinate, part in every.items():
        if part.deprecation_reason is None:
            continue
        said = read(part.deprecation_reason)
        if said is None:
            found.append(f"{coordinate}: write the reason with schema/deprecation.deprecated()")
        elif said.until < half_a_year_after(said.on):
            found.append(f"{coordinate}: it stays until {half_a_year_after(said.on)} at least")
        elif said.use not in every:
            found.append(f"{coordinate}: {said.use} is not a part of the schema")
        elif every[said.use].deprecation_reason is not None:
            found.append(f"{coordinate}: {said.use} is deprecated itself")
    return found
