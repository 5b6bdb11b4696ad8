"""Who may use which field, worked out for all of a schema. An engine over one without an answer does not start."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from countersign.kit.access import POLICY, Permission
from countersign.kit.sight import Sight, Tie
from countersign.reads.bindings import (
    BACKREF,
    METADATA,
    Column,
    Constant,
    Entities,
    Entity,
    Key,
    Lookup,
    PagePart,
    Relation,
    Secret,
    Slot,
    Told,
    bound_of,
)
from countersign.reads.errors import BindingMistake
from countersign.schema.base import Command
from countersign.schema.subscriptions_base import Stream


@dataclass(frozen=True, slots=True)
class Authority:
    """What a field asks: a permission for the whole question, and by whom what it shows is seen.

    `with_field`: it is a part of what another field shows (of a page, of a payload), and that one was asked.
    """

    permission: Permission | None = None
    seen: tuple[Sight, ...] = ()
    with_field: bool = False


class Undeclared(Exception):
    """Nobody said who may use a field; the message says what to write."""


def authority_of(schema: GraphQLSchema, type_: GraphQLObjectType, name: str) -> Authority:
    """Who may use a field of an object type. Raises Undeclared."""
    definition = type_.fields[name]
    declared = _binding(definition)
    if isinstance(declared, PagePart | Entity | Told | Secret) or _tells_a_refusal(type_):
        return Authority(with_field=True)
    permission = declared.permission if isinstance(declared, Command) else getattr(declared, "requires", None)
    if permission is not None and permission not in POLICY:
        raise Undeclared(f"asks for {permission.value}, which has no rule in kit/access.POLICY")
    if isinstance(declared, Column) and bound_of(type_) is None and "pageInfo" in type_.fields:
        return Authority(permission, with_field=True)  # a connection's own value
    seen = _seen(schema, type_, definition, declared)
    if permission is None and not seen:
        raise Undeclared("needs `requires=` a permission, or a view with `seen=` (kit/sight)")
    return Authority(permission, seen)


def _seen(
    schema: GraphQLSchema, type_: GraphQLObjectType, definition: GraphQLField, declared: object
) -> tuple[Sight, ...]:
    match declared:
        case Relation() as relation:
            return _target(schema, type_, definition, relation)
        case Column(seen=seen):
            if seen and isinstance(definition.type, GraphQLNonNull):
                raise Undeclared("is null for some, so its type must be nullable")
            return seen or _row(type_)
        case Key() | Slot() | Constant():
            return _row(type_)
        case Lookup() | Entities():
            return _members(schema, get_named_type(definition.type))
        case Stream():
            return _entities(definition)
    return ()


def require_authority(schema: GraphQLSchema) -> None:
    """Raise BindingMistake (a TypeError) that names every field for which nobody said who may use it."""
    missing = [f"{coordinate} {what}" for coordinate, what in undeclared(schema)]
    missing += [
        f"{permission} has no rule in kit/access.POLICY" for permission in Permission if permission not in POLICY
    ]
    if missing:
        raise BindingMistake("; ".join(missing))


def undeclared(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """The fields for which nobody said who may use them, each with what to write."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name in type_.fields:
                try:
                    authority_of(schema, type_, name)
                except Undeclared as reason:
                    yield f"{type_.name}.{name}", str(reason)


def _row(type_: GraphQLObjectType) -> tuple[Sight, ...]:
    bound = bound_of(type_)
    return bound.view.seen if bound is not None else ()


def _target(
    schema: GraphQLSchema, type_: GraphQLObjectType, definition: GraphQLField, relation: Relation
) -> tuple[Sight, ...]:
    """By whom a relation's rows are seen. Raises Undeclared for a root that leads to parts of nothing."""
    target = get_named_type(definition.type)
    if relation.kind == "connection" and isinstance(target, GraphQLObjectType):
        target = get_named_type(target.fields["nodes"].type)
    if relation.members is not None:
        seen = relation.members.view.seen
    elif relation.alternatives is not None:
        views = [bound_of(schema.type_map[name]) for name in relation.alternatives]
        seen = tuple(s for bound in views if bound is not None for s in bound.view.seen)
    else:
        bound = bound_of(target)
        seen = bound.view.seen if bound is not None else ()
    part = any(sight.tie is Tie.PARENT for sight in seen)
    if part and relation.requires is None and type_ is schema.query_type:
        raise Undeclared("leads to parts of something else and so needs `requires=` a permission")
    return seen


def _entities(definition: GraphQLField) -> tuple[Sight, ...]:
    """By whom the things that an event or a union tells of are seen."""
    told = get_named_type(definition.type)
    if not isinstance(told, GraphQLObjectType):
        return ()
    found = [get_named_type(f.type) for f in told.fields.values() if isinstance(_binding(f), Entity)]
    return tuple(s for type_ in found if isinstance(type_, GraphQLObjectType) for s in _row(type_))


def _members(schema: GraphQLSchema, abstract: object) -> tuple[Sight, ...]:
    return tuple(s for type_ in schema.get_possible_types(abstract) for s in _row(type_))  # type: ignore[arg-type] # abstract


def _binding(definition: GraphQLField) -> object:
    return getattr(definition.extensions.get(BACKREF), "metadata", {}).get(METADATA)


def _tells_a_refusal(type_: GraphQLObjectType) -> bool:
    """Whether it is one of the errors of payloads, which `schema/problems` writes for whoever made the change."""
    return any(isinstance(each, GraphQLInterfaceType) and each.name == "UserError" for each in type_.interfaces)
