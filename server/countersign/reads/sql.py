"""Small SQL: placeholders in templates, identifiers, and how a value becomes JSON by its GraphQL scalar."""

import re
from collections.abc import Callable
from typing import Final

from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType, GraphQLScalarType, get_named_type, is_enum_type

from countersign.reads.errors import BindingMistake

# A row's alias that no response key can be, because a column of that name would be taken instead.
ROW: Final = '"~"'
IDENTIFIER_BYTES: Final = 63
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)(?::([^{}]*))?\}")

# The SQL that gives a scalar's JSON form; `text` for every scalar that is not named here.
_SCALARS: Final[dict[str, str]] = {
    "Int": "({0})::int",
    "Boolean": "({0})::boolean",
    "DateTime": ("replace(to_char(({0}) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '.000Z', 'Z')"),
    "Date": "to_char({0}, 'YYYY-MM-DD')",
    "Decimal": "({0})::numeric::text",
}


def render(template: str, look_up: Callable[[str, str | None], str]) -> str:
    """Replace `{name}` and `{name:detail}` by what `look_up` answers; other braces (such as `'{}'`) stay."""
    return _PLACEHOLDER.sub(lambda found: look_up(found[1], found[2]), template)


def literal(text: str) -> str:
    """A text constant made by the product itself (type names, enum values): never for what a client sent."""
    return "'" + text.replace("'", "''") + "'::text"


def as_json(select: str) -> str:
    """`select <json object>` for each row of a select; members keep its order, however many they are."""
    return f"select row_to_json({ROW}) from ({select}) {ROW}"


def is_identifier(key: str) -> bool:
    """Whether PostgreSQL keeps a response key whole as a column's name."""
    return len(key.encode()) <= IDENTIFIER_BYTES


def encode(expression: str, type_: GraphQLOutputType) -> str:
    """The expression in the JSON form of a leaf type; lists keep their order and their nulls."""
    if isinstance(type_, GraphQLNonNull):
        return encode(expression, type_.of_type)
    if isinstance(type_, GraphQLList):
        inner = encode("u.x", type_.of_type)
        if inner == "(u.x)::text":
            return f"({expression})"
        return (
            f"case when ({expression}) is not null then"
            f" array(select {inner} from unnest({expression}) with ordinality u(x, n) order by u.n) end"
        )
    if is_enum_type(type_):
        return f"upper({expression})"
    if not isinstance(type_, GraphQLScalarType):
        raise BindingMistake(f"{get_named_type(type_)} is not a leaf")
    return _SCALARS.get(type_.name, "({0})::text").format(expression)
