"""A subscription's plan: an event becomes one statement, and its answer the bytes of a `next`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)

from countersign.kit.db import Connection
from countersign.kit.ids import public_id
from countersign.kit.walls import behind
from countersign.reads import lookups
from countersign.reads.args import Args, Call
from countersign.reads.bindings import (
    BACKREF,
    METADATA,
    Entity,
    Relation,
    Told,
    binding_of,
    needed_bound,
    python_name,
)
from countersign.reads.compile import Compiler, argument_values
from countersign.reads.errors import BindingMistake, Unreadable
from countersign.reads.plan import Plan, finish
from countersign.reads.scope import ROOT, Place
from countersign.reads.selection import Selections
from countersign.schema.answer import to_json
from countersign.schema.problems import Fault, fault
from countersign.schema.subscriptions_base import SINCE, Happening, Stream

PERSON: Final = "actor_person"


@dataclass(frozen=True, slots=True)
class EventPlan:
    """How one selection tells of an event.

    `entities`: fact → the tag of its ids, for everything that must be visible before the event is told; `members`:
    the selected members in order, each with what it is. `personal`: whether the answer depends on the very person.
    `beginning`: the variables that say where to begin and nothing else.
    """

    stream: Stream
    plan: Plan
    entities: Mapping[str, str]
    members: tuple[tuple[str, str], ...]
    opening: bytes
    type_name: str
    personal: bool
    beginning: frozenset[str]

    async def tell(
        self, connection: Connection, call: Call, happening: Happening, selections: Selections
    ) -> str | None:
        """The body of the `next` for an event, by one statement; None for an event that the actor may not see."""
        call.entities = {
            fact: public_id(tag, happening.facts[fact])
            for fact, tag in self.entities.items()
            if fact in happening.facts
        }
        if not call.entities:
            return None
        parameters = self.plan.bind(call, selections.variables)
        async with behind(connection, self.plan.wall, call.actor):
            found = await connection.fetchval(self.plan.sql, *parameters)
        return None if found is None else self._text(found, call, happening)

    def _text(self, found: list[bytes | None], call: Call, happening: Happening) -> str:
        values = iter(found)
        members = []
        for key, name in self.members:
            if name == "entity":
                value = next(values)
                data = b"null" if value is None else self.plan.complete(value, call)
            else:
                data = to_json(self._told(name, happening))
            members.append(to_json(key) + b":" + data)
        return (self.opening + b",".join(members) + b"}}}").decode()

    def _told(self, name: str, happening: Happening) -> str | None:
        match name:
            case "eventId":
                return happening.event.public_id
            case "at":
                return happening.at
            case "kind":
                return self.stream.kind(happening.event)
            case _:
                return self.type_name


def root_field(
    root: GraphQLObjectType, operation: OperationDefinitionNode, selections: Selections
) -> tuple[str, GraphQLField, Mapping[str, Any]]:
    """The one field of a subscription: its response key, definition and coerced arguments. Raises Unreadable."""
    fields = selections.of(root, [operation.selection_set])
    if len(fields) != 1:
        raise Unreadable(fault(Fault.GRAPHQL_VALIDATION_FAILED, "A subscription selects exactly one field"))
    ((key, nodes),) = fields.items()
    definition = root.fields[nodes[0].name.value]
    return key, definition, argument_values(definition, nodes[0], selections.variables, (key,))


def compile_event(root: GraphQLObjectType, operation: OperationDefinitionNode, selections: Selections) -> EventPlan:
    """The plan of a subscription's selection."""
    ((key, nodes),) = selections.of(root, [operation.selection_set]).items()
    definition = root.fields[nodes[0].name.value]
    stream = definition.extensions[BACKREF].metadata[METADATA]
    type_ = get_named_type(definition.type)
    if not isinstance(stream, Stream) or not isinstance(type_, GraphQLObjectType):
        raise BindingMistake(f"{root.name}.{nodes[0].name.value} must be made with stream() and answer an event type")
    compiler = Compiler(selections)
    if stream.requires is not None:
        compiler.requirements.append((stream.requires, (key,)))
    entities = {
        python_name(field): field
        for name, field in type_.fields.items()
        if isinstance(binding_of(type_, name, field), Entity)
    }
    guards = [_guard(compiler, fact, field) for fact, field in entities.items()]
    members, columns = [], []
    for name, inner in selections.below(type_, nodes).items():
        field = inner[0].name.value
        binding = None if field == "__typename" else binding_of(type_, field, type_.fields[field])
        if isinstance(binding, Entity):
            place = compiler.place(type_, field, type_.fields[field], inner, (key, name))
            columns.append(_column(compiler, place))
            members.append((name, "entity"))
        else:
            members.append((name, binding.name if isinstance(binding, Told) else field))
    answer = f"case when {' and '.join(guards)} then array[{', '.join(columns)}]::bytea[] end"
    plan = finish(compiler, answer)
    if plan.reveals:
        raise BindingMistake(f"{type_.name} reaches what is revealed one look at a time; an event cannot charge for it")
    return EventPlan(
        stream,
        plan,
        {fact: needed_bound(get_named_type(field.type)).view.tag for fact, field in entities.items()},
        tuple(members),
        b'{"data":{' + to_json(key) + b":{",
        type_.name,
        compiler.parameters.uses(PERSON),
        _beginning(nodes, operation, selections),
    )


def _beginning(nodes: list[FieldNode], operation: OperationDefinitionNode, selections: Selections) -> frozenset[str]:
    used = _Variables()
    for part in (operation.selection_set, *(operation.directives or ()), *selections.fragments.values()):
        visit(part, used)
    given = [argument.value for node in nodes for argument in node.arguments or () if argument.name.value == SINCE]
    names = [value.name.value for value in given if isinstance(value, VariableNode)]
    return frozenset(name for name in names if used.count[name] == len(names))


class _Variables(Visitor):
    """Counts where variables are used."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        """One use."""
        self.count[node.name.value] += 1


def _column(compiler: Compiler, place: Place) -> str:
    target = get_named_type(place.definition.type)
    bound = needed_bound(target)
    child, entry = compiler.enter(bound.view, bound, Relation("one"), place, ROOT)
    getter = partial(_subject, python_name(place.definition))
    entry.predicates.where(lookups.locate_one(compiler.parameters, bound, getter))
    return f"convert_to(({compiler.selected(target, None, place, child, entry.rows())})::text, 'UTF8')"


def _guard(compiler: Compiler, fact: str, definition: GraphQLField) -> str:
    """Whether the event is not about such a thing, or the actor may see it now."""
    bound = needed_bound(get_named_type(definition.type))
    nowhere = Place([], definition, Args(compiler.parameters, 0, {}), {}, 0, fact, ())
    _, entry = compiler.enter(bound.view, bound, Relation("one"), nowhere, ROOT)
    entry.predicates.where(lookups.locate_one(compiler.parameters, bound, partial(_subject, fact)))
    absent = compiler.parameters.bind(partial(_lacks, fact), "boolean")
    return f"({absent} or exists (select {entry.rows()}))"


def _subject(fact: str, call: Call) -> str | None:
    return call.entities.get(fact)


def _lacks(fact: str, call: Call) -> bool:
    return fact not in call.entities
