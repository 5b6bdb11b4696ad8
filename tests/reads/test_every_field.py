"""Every field, with every argument, becomes SQL that PostgreSQL accepts."""

from collections import deque
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.execution.values import VariableValues

from countersign.kit.db import Database
from countersign.reads.plan import compile_query
from countersign.reads.selection import Selections
from countersign.schema.contents import the_schema
from countersign.schema.documents import read
from tests.reads.documents import VALID, written

CORE = the_schema()._schema


def literal(type_: GraphQLInputType, only: str | None = None) -> str:
    """A value; of an input object its required fields and `only`."""
    if isinstance(type_, GraphQLNonNull):
        return literal(type_.of_type, only)
    if isinstance(type_, GraphQLList):
        return f"[{literal(type_.of_type)}]"
    if isinstance(type_, GraphQLInputObjectType):
        needed = [n for n, f in type_.fields.items() if is_required_input_field(f) or n == only]
        if type_.is_one_of:
            needed = [only or next(iter(type_.fields))]
        return f"{{{', '.join(f'{n}: {literal(type_.fields[n].type)}' for n in needed)}}}"
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    known = {"Int": "1", "Boolean": "true", "IdempotencyKey": '"k"'}
    return known[type_.name] if type_.name in known else written(VALID[type_.name][0])


def variants(definition: GraphQLField) -> Iterator[str]:
    """The field's arguments: the required ones, then each optional one beside them, with each field of its input."""
    paged = "first" in definition.args
    base = {n: literal(a.type) for n, a in definition.args.items() if is_required_argument(a)}
    yield _written(base | ({"first": "1"} if paged else {}))
    for name, argument in definition.args.items():
        if name in {"after", "before"} or (paged and name == "first"):
            continue
        rest = {} if name == "last" or not paged else {"first": "1"}
        for text in _each(argument):
            yield _written(base | rest | {name: text})


def _each(argument: GraphQLArgument) -> Iterator[str]:
    type_ = get_named_type(argument.type)
    if isinstance(type_, GraphQLEnumType):
        yield from type_.values
    elif isinstance(type_, GraphQLInputObjectType):
        for name, inner in type_.fields.items():
            enum = get_named_type(inner.type)
            if isinstance(enum, GraphQLEnumType) and not type_.is_one_of:
                rest = [
                    f"{n}: {literal(f.type)}"
                    for n, f in type_.fields.items()
                    if is_required_input_field(f) and n != name
                ]
                for value in enum.values:
                    text = f"[{value}]" if "[" in str(inner.type) else value
                    yield f"{{{', '.join([*rest, f'{name}: {text}'])}}}"
            else:
                yield literal(argument.type, name)
    else:
        yield literal(argument.type)


def _written(arguments: dict[str, str]) -> str:
    return f"({', '.join(f'{n}: {v}' for n, v in arguments.items())})" if arguments else ""


def ways() -> dict[str, tuple[str, str]]:
    """For each type that queries reach: what to write before and after a selection on it."""
    assert CORE.query_type is not None
    found = {CORE.query_type.name: ("{ ", " }")}
    waiting: deque[GraphQLNamedType] = deque([CORE.query_type])
    while waiting:
        type_ = waiting.popleft()
        before, after = found[type_.name]
        if not isinstance(type_, GraphQLObjectType):
            for member in CORE.get_possible_types(type_):  # type: ignore[arg-type] # the composite ones are abstract
                if member.name not in found:
                    found[member.name] = (f"{before}... on {member.name} {{ ", f" }}{after}")
                    waiting.append(member)
            continue
        for name, definition in type_.fields.items():
            target = get_named_type(definition.type)
            if not is_leaf_type(target) and target.name not in found:
                found[target.name] = (f"{before}{name}{next(variants(definition))} {{ ", f" }}{after}")
                waiting.append(target)
    return found


def documents() -> Iterator[tuple[str, str]]:
    """A document for each field of each reachable object type with each of its arguments."""
    for name, (before, after) in ways().items():
        type_ = CORE.type_map[name]
        if not isinstance(type_, GraphQLObjectType):
            continue
        for field, definition in type_.fields.items():
            target = get_named_type(definition.type)
            body = "" if is_leaf_type(target) else " { __typename }"
            for arguments in variants(definition):
                yield f"{name}.{field}{arguments}", f"{before}{field}{arguments}{body}{after}"


@pytest.mark.parametrize(
    "type_name", sorted(name for name in ways() if isinstance(CORE.type_map[name], GraphQLObjectType))
)
async def test_every_field_is_planned_by_postgresql(type_name: str, db: Database) -> None:
    assert CORE.query_type is not None
    seen = 0
    async with db.reader() as connection:
        for coordinate, text in documents():
            if not coordinate.startswith(f"{type_name}."):
                continue
            document = read(CORE, text)
            operation = document.operation(None)
            selections = Selections(CORE, document.fragments, VariableValues({}, {}))
            plan = compile_query(selections, CORE.query_type, selections.of(CORE.query_type, [operation.selection_set]))
            try:
                await connection.prepare(plan.sql)
            except Exception as error:
                raise AssertionError(f"{coordinate}\n{error}\n{plan.sql}") from error
            seen += 1
    assert seen
