"""Everything says what it is, in a sentence; every scalar says where it is specified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from graphql import (
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    is_specified_directive,
    is_specified_scalar_type,
)

from countersign.schema.contents import the_schema

SCHEMA = the_schema()._schema
SCALARS = {
    *("DateTime", "Date", "URL", "Markdown", "Decimal", "Duration", "LanguageTag", "CountryCode", "CurrencyCode"),
    *("Cursor", "IdempotencyKey"),
}
SENTENCE = re.compile(r"[A-Z`].*[.:!?)]", re.DOTALL)


def descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument, input field, enum value, directive and its arguments, with what it says."""
    for name, type_ in schema.type_map.items():
        if name.startswith("__") or (isinstance(type_, GraphQLScalarType) and is_specified_scalar_type(type_)):
            continue
        yield name, type_.description
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, definition in type_.fields.items():
                yield f"{name}.{field}", definition.description
                yield from ((f"{name}.{field}({a}:)", d.description) for a, d in definition.args.items())
        elif isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", d.description) for field, d in type_.fields.items())
        elif isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", d.description) for value, d in type_.values.items())
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
            yield from ((f"@{directive.name}({a}:)", d.description) for a, d in directive.args.items())


def wordless(schema: GraphQLSchema) -> list[str]:
    """What says nothing, or not in a sentence."""
    return [name for name, said in descriptions(schema) if not said or not SENTENCE.fullmatch(said)]


def unspecified(schema: GraphQLSchema) -> list[str]:
    """Scalars that do not say where they are specified."""
    return [
        name
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLScalarType)
        and not is_specified_scalar_type(type_)
        and urlsplit(type_.specified_by_url or "").scheme != "https"
    ]


def test_everything_says_what_it_is_in_a_sentence() -> None:
    assert len(list(descriptions(SCHEMA))) > 1000
    assert wordless(SCHEMA) == []


def test_every_scalar_says_where_it_is_specified() -> None:
    assert SCHEMA.type_map.keys() >= SCALARS
    assert unspecified(SCHEMA) == []


def test_our_directives_are_looked_at() -> None:
    looked = {name for name, _ in descriptions(SCHEMA) if name.startswith("@")}
    assert {"@authorized", "@authorized(scope:)", "@authorized(roles:)", "@cost(weight:)"} <= looked
    assert all(isinstance(directive, GraphQLDirective) for directive in SCHEMA.directives)


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ('"""A thing."""\ntype Thing { name: String }', "Thing.name"),
        ('type Thing { """Its name.""" name: String }', "Thing"),
        ('"""A thing."""\ntype Thing { """its name""" name: String }', "Thing.name"),
        ('"""A thing."""\ntype Thing { """Its name.""" name(in: Int): String }', "Thing.name(in:)"),
        ('"""A thing."""\ninput Thing { name: String }', "Thing.name"),
        ('"""A thing."""\nenum Thing { NAME }', "Thing.NAME"),
        ('"""A mark."""\ndirective @thing(name: String) on OBJECT', "@thing(name:)"),
        ("directive @thing on OBJECT", "@thing"),
    ],
)
def test_what_says_nothing_is_found(planted: str, name: str) -> None:
    schema = build_schema(f'"""All."""\ntype Query {{ """One.""" one: Int }}\n{planted}')
    assert wordless(schema) == [name]


def test_a_scalar_without_a_specification_is_found() -> None:
    assert unspecified(build_schema("type Query { a: Int } scalar Thing")) == ["Thing"]
