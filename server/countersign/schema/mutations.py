"""Mutations: one after the other, each exactly once, answered at the state that they left behind."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import strawberry
import structlog
from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLUnionType,
    OperationDefinitionNode,
    get_named_type,
)
from strawberry.types.arguments import convert_argument

from countersign.kit import commands
from countersign.kit.access import Actor
from countersign.kit.commands import Made, Outcome, Problem
from countersign.kit.db import Connection, Tx
from countersign.organizations import acting
from countersign.reads import lookups
from countersign.reads.args import Call, stored
from countersign.reads.bindings import (
    BACKREF,
    METADATA,
    Entity,
    Relation,
    Secret,
    Told,
    binding_of,
    needed_bound,
    python_name,
)
from countersign.reads.cache import Effort
from countersign.reads.compile import Compiler, argument_values
from countersign.reads.errors import BindingMistake, Path
from countersign.reads.plan import Plan, finish
from countersign.reads.scope import ROOT
from countersign.reads.selection import Selections
from countersign.schema.answer import Answer, to_json
from countersign.schema.base import Command, Tools
from countersign.schema.failures import failed
from countersign.schema.problems import Fault, denials, error_type, fault

NOT_INPUT: Final = frozenset({"idempotencyKey", "clientMutationId"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """One root field of a mutation, prepared: nothing has happened yet."""

    key: str
    name: str
    command: Command | None
    payload: GraphQLObjectType
    nodes: list[FieldNode]
    input: Mapping[str, Any]
    plan: Plan | None


class Mutations:
    """Runs the mutations of one schema."""

    def __init__(self, schema: strawberry.Schema, tools: Tools) -> None:
        self._schema = schema
        self._tools = tools
        self._db = tools.db

    async def run(
        self,
        operation: OperationDefinitionNode,
        selections: Selections,
        call: Call,
        *,
        plans: dict[str, Plan],
        effort: Effort,
        request_id: str,
    ) -> Answer:
        """Prepare every field, then run them in order. Raises BadInput before anything has happened.

        `plans` are those of the payloads by response key, kept with the operation; what is missing is compiled.
        """
        root = selections.schema.mutation_type
        if root is None:
            raise BindingMistake("validation lets no mutation through without a mutation type")
        fields = selections.of(root, [operation.selection_set])
        if not call.actor.known:
            message = "Sign in to change anything"
            return Answer(b"null", [fault(Fault.UNAUTHENTICATED, message, path=[name]) for name in fields])
        steps = [self._prepare(root, name, nodes, selections, call, plans, effort) for name, nodes in fields.items()]
        needed = [need for step in steps if step.plan is not None for need in step.plan.requirements]
        if denied := denials(call.actor, needed):
            return Answer(b"null", denied)
        members: list[tuple[str, bytes]] = []
        errors: list[dict[str, Any]] = []
        replayed = False
        for step in steps:
            try:
                answer, again = await self._take(step, selections, call)
            except Exception as error:  # noqa: BLE001 - logged and answered; the steps before it stand
                errors.append(failed(error, request_id, [step.key]))
                answer, again = b"null", False
            members.append((step.key, answer))
            replayed = replayed or again
        return Answer(_object(members), errors, {"idempotency": "replayed"} if replayed else {})

    def _prepare(
        self,
        root: GraphQLObjectType,
        name: str,
        nodes: list[FieldNode],
        selections: Selections,
        call: Call,
        plans: dict[str, Plan],
        effort: Effort,
    ) -> Step:
        field = nodes[0].name.value
        if field == "__typename":
            return Step(name, field, None, root, nodes, {}, None)
        definition = root.fields[field]
        command = definition.extensions[BACKREF].metadata[METADATA]
        payload = get_named_type(definition.type)
        if not isinstance(command, Command) or not isinstance(payload, GraphQLObjectType):
            raise BindingMistake(f"{root.name}.{field} must be made with command() and answer a payload")
        given = argument_values(definition, nodes[0], selections.variables, (name,))["input"]
        plan = plans.get(name)
        if plan is None:
            with effort.measured():
                plan = _compile(payload, nodes, selections, (name,))
        if plan is not None:
            plans[name] = plan
            plan.bind(call, selections.variables)
        return Step(name, field, command, payload, nodes, given, plan)

    async def _take(self, step: Step, selections: Selections, call: Call) -> tuple[bytes, bool]:
        """Do one step; its payload's bytes, and whether it had been done before."""
        if step.command is None:
            return to_json(step.payload.name), False
        outcome = await self._perform(step.command, step, call)
        return await self._payload(step, outcome, selections, call), outcome.replayed

    async def _perform(self, command: Command, step: Step, call: Call) -> Outcome:
        canonical = {name: value for name, value in step.input.items() if name not in NOT_INPUT}
        text = json.dumps([step.name, stored(canonical)], sort_keys=True, default=stored_text)
        value = convert_argument(
            step.input, command.input, self._schema.schema_converter.scalar_registry, self._schema.config
        )

        async def work(tx: Tx) -> Mapping[str, str] | Made:
            return await command.handler(tx, call.actor, value, self._tools)

        outcome = await commands.perform(
            self._db,
            call.actor,
            permission=command.permission,
            name=step.name,
            key=step.input["idempotencyKey"],
            fingerprint=hashlib.sha256(text.encode()).digest(),
            work=work,
        )
        if command.after is not None and outcome.entities and not outcome.replayed:
            await command.after(self._tools, outcome.entities)
        return outcome

    async def _payload(self, step: Step, outcome: Outcome, selections: Selections, call: Call) -> bytes:
        entities: list[bytes | None] = []
        if step.plan is not None and outcome.entities:
            async with self._db.fresh_reader() as connection:
                if step.command is not None and step.command.own and call.actor.login_id is not None:
                    call = replace(call, actor=await _as_self(connection, call))
                call.entities = outcome.entities
                parameters = step.plan.bind(call, selections.variables)
                entities = list((await step.plan.fetch(connection, call, parameters))[0])
            entities = [step.plan.complete(e, call) if e is not None else None for e in entities]
        members = []
        for key, nodes in selections.below(step.payload, step.nodes).items():
            name = nodes[0].name.value
            if name == "__typename":
                members.append((key, to_json(step.payload.name)))
                continue
            binding = binding_of(step.payload, name, step.payload.fields[name])
            if isinstance(binding, Entity):
                members.append((key, (entities.pop(0) if entities else None) or b"null"))
            elif isinstance(binding, Told) and binding.name == "errors":
                members.append((key, _errors(step.payload, nodes, outcome.problems, selections)))
            elif isinstance(binding, Secret):
                members.append((key, to_json(outcome.secrets.get(python_name(step.payload.fields[name])))))
            else:
                members.append((key, to_json(step.input.get("clientMutationId"))))
        return _object(members)


async def _as_self(reader: Connection, call: Call) -> Actor:
    """The session's actor as the learner that its account is by now; the same actor when it is none any more."""
    if call.actor.login_id is None:
        return call.actor
    try:
        signed = await acting.actor_for(reader, call.actor.login_id, acting.Choice(own=True), call.now)
    except acting.NoLearner:
        return call.actor
    return call.actor if signed is None else signed.actor


def _compile(payload: GraphQLObjectType, nodes: list[FieldNode], selections: Selections, path: Path) -> Plan | None:
    """The plan of the entities that are selected of a payload; None when none is."""
    compiler = Compiler(selections)
    columns = []
    for name, inner in selections.below(payload, nodes).items():
        field = inner[0].name.value
        if field == "__typename" or not isinstance(binding_of(payload, field, payload.fields[field]), Entity):
            continue
        place = compiler.place(payload, field, payload.fields[field], inner, (*path, name))
        target = needed_bound(get_named_type(place.definition.type))
        child, entry = compiler.enter(target.view, target, Relation("one"), place, ROOT)
        getter = partial(_made, python_name(place.definition))
        entry.predicates.where(lookups.locate_one(compiler.parameters, target, getter))
        text = compiler.selected(get_named_type(place.definition.type), None, place, child, entry.rows())
        columns.append(f"convert_to(({text})::text, 'UTF8')")
    if not columns:
        return None
    return finish(compiler, f"array[{', '.join(columns)}]")


def _made(field: str, call: Call) -> str | None:
    """The public id of what a command made for a payload field; a single unnamed one is called `entity`."""
    return call.entities.get(field) or call.entities.get("entity")


def _errors(
    payload: GraphQLObjectType, nodes: list[FieldNode], problems: tuple[Problem, ...], selections: Selections
) -> bytes:
    """The problems as the selected union members."""
    union = get_named_type(payload.fields["errors"].type)
    if not isinstance(union, GraphQLUnionType):
        raise BindingMistake(f"{payload.name}.errors must be a list of a union")
    members = {type_.name: type_ for type_ in union.types}
    shown = []
    for problem in problems:
        type_ = members[error_type(problem.code, list(members), problem.kind)]
        values = {
            "__typename": type_.name,
            "message": problem.message,
            "path": [str(part) for part in problem.path],
            "code": problem.code.value,
        }
        fields = selections.below(type_, nodes)
        shown.append({key: values[inner[0].name.value] for key, inner in fields.items()})
    return to_json(shown)


def stored_text(value: object) -> str:
    """A value inside an input, as text that is the same for equal inputs."""
    return str(stored(value))


def _object(members: list[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(to_json(key) + b":" + value for key, value in members) + b"}"
