"""Walks over the whole schema: nothing undescribed, nothing unbound, no change without declared authority."""

from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from countersign.kit.access import POLICY
from countersign.kit.errors import Code
from countersign.reads.bindings import BACKREF, METADATA, binding_of, node_types
from countersign.schema.authority import authority_of
from countersign.schema.base import Command
from countersign.schema.contents import export, the_schema
from countersign.schema.problems import UserErrorCode

SCHEMA = the_schema()
CORE = SCHEMA._schema
TYPES = {name: type_ for name, type_ in CORE.type_map.items() if not name.startswith("__")}


def objects() -> Iterator[GraphQLObjectType]:
    """Every object type but the roots of changes."""
    for type_ in TYPES.values():
        if isinstance(type_, GraphQLObjectType) and type_ is not CORE.mutation_type:
            yield type_


def undescribed(types: dict[str, GraphQLNamedType]) -> list[str]:
    """What has no description: types, fields, arguments, enum values, input fields."""
    found = [name for name, type_ in types.items() if not type_.description]
    for name, type_ in types.items():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, definition in type_.fields.items():
                found += [] if definition.description else [f"{name}.{field}"]
                found += [f"{name}.{field}({a})" for a, d in definition.args.items() if not d.description]
        elif isinstance(type_, GraphQLInputObjectType):
            found += [f"{name}.{field}" for field, input_field in type_.fields.items() if not input_field.description]
        elif isinstance(type_, GraphQLEnumType):
            found += [f"{name}.{value}" for value, d in type_.values.items() if not d.description]
    return found


def test_everything_is_described() -> None:
    assert undescribed(TYPES) == []


def test_something_undescribed_is_found() -> None:
    bare = GraphQLObjectType("Bare", {"field": GraphQLField(CORE.type_map["Int"])})  # type: ignore[arg-type]
    assert undescribed({"Bare": bare}) == ["Bare", "Bare.field"]


def test_every_field_reads_a_view_or_is_written_by_the_product() -> None:
    shown = CORE.type_map.get("UserError")
    errors = {type_.name for type_ in CORE.get_possible_types(shown)} if isinstance(shown, GraphQLInterfaceType) else ()
    for type_ in objects():
        if type_.name in errors:
            continue  # rendered by schema/problems
        for name, definition in type_.fields.items():
            assert binding_of(type_, name, definition) is not None


def test_every_list_that_can_grow_is_paged() -> None:
    for type_ in objects():
        for name, definition in type_.fields.items():
            target = get_named_type(definition.type)
            if target.name.endswith("Connection"):
                assert {"first", "after", "last", "before"} <= set(definition.args), f"{type_.name}.{name}"


def test_ids_have_tags_of_their_own() -> None:
    assert len(node_types(CORE)) == len(CORE.get_possible_types(CORE.type_map["Node"]))  # type: ignore[arg-type]


def test_every_change_declares_who_may_and_is_safe_to_repeat() -> None:
    mutations = CORE.mutation_type.fields if CORE.mutation_type is not None else {}
    for name, definition in mutations.items():
        command = definition.extensions[BACKREF].metadata[METADATA]
        assert isinstance(command, Command), name
        assert command.permission in POLICY, name
        assert list(definition.args) == ["input"], name
        given = get_named_type(definition.args["input"].type)
        assert isinstance(given, GraphQLInputObjectType)
        key = given.fields["idempotencyKey"].type
        assert isinstance(key, GraphQLNonNull)
        assert key.of_type.name == "IdempotencyKey"
        payload = get_named_type(definition.type)
        assert isinstance(payload, GraphQLObjectType)
        assert {"errors", "clientMutationId"} <= set(payload.fields), name


def test_authority_is_printed_where_it_is_enforced() -> None:
    text = export(SCHEMA)
    declared = 0
    for type_ in TYPES.values():
        if not isinstance(type_, GraphQLObjectType):
            continue
        for definition in type_.fields.values():
            binding = definition.extensions[BACKREF].metadata.get(METADATA)
            needed = binding.permission if isinstance(binding, Command) else getattr(binding, "requires", None)
            declared += needed is not None
    assert text.count(" @authorized(") - text.count("directive @authorized(") == declared


def test_a_root_field_asks_for_a_permission_or_says_who_sees_what_it_shows() -> None:
    assert CORE.query_type is not None
    for name in CORE.query_type.fields:
        authority = authority_of(CORE, CORE.query_type, name)
        assert authority.permission is not None or authority.seen, name


def test_the_codes_of_errors_are_those_of_refusals() -> None:
    assert {member.name for member in UserErrorCode} == {code.name for code in Code}
