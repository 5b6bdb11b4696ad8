"""What every mutation promises. A schema with one that does not cannot be made."""

from collections.abc import Iterator
from typing import Final

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.utils.str_converters import to_camel_case

from countersign.kit.access import POLICY
from countersign.reads.authority import authorized
from countersign.reads.bindings import BACKREF, METADATA, Entity, Told, binding_of
from countersign.reads.errors import BindingMistake
from countersign.schema.base import LOCK_FIELDS, Command

TOLD: Final = {"errors": "list", "clientMutationId": "String"}


def command_of(definition: GraphQLField) -> Command | None:
    """The command behind a mutation's field; None for a field that was not made by `command`."""
    found = getattr(definition.extensions.get(BACKREF), "metadata", {}).get(METADATA)
    return found if isinstance(found, Command) else None


def require_promises(schema: GraphQLSchema) -> None:
    """Raise BindingMistake (a TypeError) that names every promise that a mutation of the schema breaks."""
    mutations = schema.mutation_type.fields if schema.mutation_type is not None else {}
    broken = [f"{name}: {what}" for name, definition in mutations.items() for what in _broken(definition)]
    if broken:
        raise BindingMistake("; ".join(broken))


def _broken(definition: GraphQLField) -> Iterator[str]:
    command = command_of(definition)
    if command is None:
        yield "make it with command()"
        return
    if command.permission not in POLICY:
        yield f"{command.permission} has no rule in the policy"
    if authorized(command.permission) not in getattr(definition.extensions[BACKREF], "directives", ()):
        yield "print its permission with the directive @authorized"
    yield from _broken_input(definition, command)
    yield from _broken_payload(definition, command)


def _broken_input(definition: GraphQLField, command: Command) -> Iterator[str]:
    given = get_named_type(definition.args["input"].type) if list(definition.args) == ["input"] else None
    if not isinstance(given, GraphQLInputObjectType):
        yield "take one argument, `input`"
        return
    needed = {"idempotencyKey": "IdempotencyKey!", "clientMutationId": "String"}
    if command.lock in LOCK_FIELDS:
        field, type_ = LOCK_FIELDS[command.lock]
        needed[to_camel_case(field)] = {"datetime": "DateTime!", "str": "String!"}[type_.__name__]
    for name, type_name in needed.items():
        if name not in given.fields or str(given.fields[name].type) != type_name:
            yield f"{given.name} needs `{name}: {type_name}`"


def _broken_payload(definition: GraphQLField, command: Command) -> Iterator[str]:
    payload = definition.type
    if not isinstance(payload, GraphQLObjectType):
        yield "answer a payload that may be null, so that one failure does not hide the other mutations"
        return
    bindings = {name: binding_of(payload, name, field) for name, field in payload.fields.items()}
    if not any(isinstance(binding, Entity) for binding in bindings.values()):
        yield f"{payload.name} shows no entity"
    if {name for name, binding in bindings.items() if isinstance(binding, Told)} != set(TOLD):
        yield f"make {payload.name} with @payload: it needs `errors` and `clientMutationId`"
        return
    union = get_named_type(payload.fields["errors"].type)
    members = {type_.name for type_ in union.types} if isinstance(union, GraphQLUnionType) else set()
    if str(payload.fields["errors"].type) != f"[{union.name}!]!" or not members:
        yield f"{payload.name}.errors must be a list of a union"
    rule = POLICY.get(command.permission)
    if rule is not None and rule.fresh != ("StepUpRequiredError" in members):
        yield f"{union.name} must hold StepUpRequiredError exactly when the rule asks for a fresh sign-in"
    if (command.lock in LOCK_FIELDS) != ("StaleVersionError" in members):
        yield f"{union.name} must hold StaleVersionError exactly when the lock is a digest or a moment"
