"""The same views read naively: graphql-core's executor, one statement for every value. Slow, plain, and the judge.

It shares with the compiler what a binding says (templates, filters, leaf forms) and nothing of how it is compiled:
no nesting of statements, no pages in SQL, no markers, no merging of selections.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    execute,
    get_named_type,
    parse,
)

from countersign.kit.access import ANONYMOUS
from countersign.kit.db import Connection
from countersign.kit.errors import Code
from countersign.kit.sight import EVERYONE, predicate
from countersign.reads import cursors, entities, sql
from countersign.reads.args import Args, Call, Parameters, Predicates
from countersign.reads.bindings import (
    Bound,
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
    binding_of,
    entity_types,
    needed_bound,
    node_types,
    python_name,
)
from countersign.reads.identity import Located, Public, Sealed, locate
from countersign.reads.lookups import locate_any, match
from countersign.schema.base import Command
from countersign.schema.contents import make_schema
from countersign.schema.problems import error_type

Info = GraphQLResolveInfo[Any]


@dataclass(frozen=True)
class Step:
    """One entered view on the way to a row, with the arguments by which it was entered.

    Without `bound` it only offers the sub-queries of its relation's source.
    """

    bound: Bound | None
    relation: Relation
    values: Mapping[str, Any]
    alias: str = ""
    parent: str = ""
    located: Located | None = None
    key: str | None = None


@dataclass(frozen=True)
class Row:
    """A row: its type and the way to it. A value object shares its parent's alias."""

    type_name: str
    bound: Bound | None
    alias: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Edge:
    """A row with its cursor."""

    row: Row
    cursor: str


@dataclass(frozen=True)
class Page:
    """A page: its rows with their cursors, and what is known of the rest."""

    edges: Sequence[Edge]
    before: bool
    after: bool
    step: Step
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Made:
    """What came of a mutation that was done before, as it is kept under its key."""

    entities: Mapping[str, str]
    problems: Sequence[Mapping[str, Any]]
    client_mutation_id: str | None


@dataclass(frozen=True)
class Shown:
    """A problem as a member of the payload's union of errors."""

    type_name: str
    message: str
    path: Sequence[str]
    code: str


def _moment(values: Mapping[str, Any], argument: str | None) -> str:
    """The moment that an argument says, in SQL."""
    given = values.get(argument) if argument is not None else None
    return f"'{given.isoformat()}'::timestamptz" if isinstance(given, datetime) else "{now}"


class Oracle:
    """Answers one operation after the other over one connection.

    `hits` gathers the coordinates of the fields that were resolved, each on a thing that is really there.
    """

    def __init__(self, schema: strawberry.Schema) -> None:
        self.schema: GraphQLSchema = schema._schema
        self.hits: set[str] = set()
        self._asker = ANONYMOUS
        self._lock = asyncio.Lock()
        for type_ in self.schema.type_map.values():
            if type_.name.startswith("__"):
                continue
            if isinstance(type_, GraphQLObjectType):
                type_.is_type_of = None
                for name, definition in type_.fields.items():
                    definition.resolve = partial(self._resolve, type_, name, definition)
            elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
                type_.resolve_type = _type_name

    async def ask(self, connection: Connection, call: Call, query: str, variables: Mapping[str, Any]) -> Any:
        """The data of a valid query."""
        self._asker = call.actor
        result = execute(self.schema, parse(query), None, (connection, call), dict(variables))
        if not isinstance(result, ExecutionResult):
            result = await result
        if result.errors:
            raise result.errors[0]
        return result.data

    async def _resolve(
        self,
        type_: GraphQLObjectType,
        name: str,
        definition: GraphQLField,
        value: Any,
        info: Info,
        **values: Any,
    ) -> Any:
        self.hits.add(f"{type_.name}.{name}")
        if isinstance(value, Shown):
            return value.code if name == "code" else getattr(value, name)
        binding = binding_of(type_, name, definition)
        if isinstance(binding, Command):
            made = await self._made(info, values["input"])
            if binding.own:
                await self._as_self(info)
            return made
        if isinstance(value, Made):
            return await self._payload(info, type_, name, definition, value)
        return await self._read(info, type_, name, definition, value, values)

    async def _read(  # noqa: PLR0911 - one for each sort of binding
        self,
        info: Info,
        type_: GraphQLObjectType,
        name: str,
        definition: GraphQLField,
        value: Any,
        values: Mapping[str, Any],
    ) -> Any:
        binding = binding_of(type_, name, definition)
        if isinstance(binding, PagePart):
            return await self._part(info, binding.name, value)
        row = value if isinstance(value, Row) else Row("", None, "", value.steps if isinstance(value, Page) else ())
        if isinstance(binding, Relation):
            read = self._page if binding.kind == "connection" else self._relation
            return await read(info, row, binding, definition, values, f"{type_.name}.{name}")
        if isinstance(binding, Entities):
            return [await self._entity(info, given) for given in values["representations"]]
        match binding:
            case Constant(text):
                return text(self.schema)
            case Column(template, _, seen, instant):
                expression = template or needed_bound(type_).view.column(python_name(definition))
                expression = expression.replace("{at}", _moment(values, instant))
                if seen:
                    expression = f"case when {predicate(seen)} then {expression} end"
                form = sql.encode(expression, definition.type)
                return _leaf(await self._one(info, row, f"to_json({form})::text"), definition.type)
            case Key():
                return await self._identity(info, row, needed_bound(type_))
            case Slot(payload, maker):
                found = await self._one(info, row, payload)
                return None if found is None else maker(found, info.context[1])
            case Lookup(many):
                nodes = [await self._node(info, text) for text in (values["ids"] if many else [values["id"]])]
                return nodes if many else nodes[0]
        raise TypeError(f"{type_.name}.{name}: no query reads this")

    async def _fetch(self, info: Info, steps: Sequence[Step], columns: Sequence[str], tail: str = "") -> list[Any]:
        """`select columns` from the steps joined one after the other, every condition of every step holding."""
        connection, call = info.context
        parameters = Parameters()
        names: dict[str, str] = {}
        ctes: list[str] = []
        items: list[str] = []
        conditions: list[str] = []
        last = Predicates(parameters, names)
        for n, step in enumerate(steps):
            args = Args(parameters, n, step.values)
            source = step.relation.source
            if source is not None and step.bound is None:
                builder = Predicates(parameters, names)
                for name, text in source.ctes(args, builder):
                    names[name] = f"s{n}_{name}"
                    ctes.append(f"{names[name]} as materialized ({builder.render(text, **names)})")
            if step.bound is None:
                continue
            view = step.bound.view
            last = Predicates(parameters, {**names, "t": step.alias, "child": step.alias, "parent": step.parent})
            instant = step.relation.instant
            last.names["at"] = last.render(_moment(step.values, instant)) if instant is not None else ""
            last.where(step.relation.on)
            last.where(view.visible)
            if callable(step.relation.where):
                step.relation.where(args, last)
            else:
                last.apply(step.relation.where, args)
            if source is not None or view.source:  # after the filters, which may name what the source knows
                item = last.render(source.rows if source is not None else view.source)
                items.append(f"lateral {item}" if item.startswith("(") else item)
            if step.located is not None:
                last.where(_located(step.bound, step.located))
            if step.key is not None:
                last.where(f"({view.key})::text = {parameters.bind(partial(_given, step.key), 'text')}")
            conditions += last.all
        last.names.update(names)
        text = f"select {', '.join(last.render(column) for column in columns)}"
        text += f" from {' cross join '.join(items)}" if items else ""
        text += f" where {' and '.join(f'({c})' for c in conditions)}" if conditions else ""
        text += last.render(tail)
        if ctes:
            text = f"with {', '.join(ctes)} {text}"
        at = replace(call, values=[step.values for step in steps], scopes={})
        async with self._lock:
            return list(await connection.fetch(text, *(getter(at) for getter in parameters.getters)))

    async def _one(self, info: Info, row: Row, column: str) -> Any:
        """One value of a row."""
        steps = row.steps
        if row.bound is not None and (not steps or steps[-1].bound is not row.bound):
            # A value object or a member of a union: the parent's row under its own view.
            steps = (*steps, Step(row.bound, Relation("one"), {}, row.alias, row.alias))
            steps = (*steps[:-1], replace(steps[-1], bound=_without_rows(row.bound)))
        found = await self._fetch(info, steps, [column])
        return found[0][0]

    async def _identity(self, info: Info, row: Row, bound: Bound) -> str:
        _, call = info.context
        match bound.identity:
            case Public():
                return f"{bound.view.tag}_{await self._one(info, row, bound.view.key)}"
            case Sealed() as sealed:
                payload = await self._one(info, row, sealed.payload())
                return sealed.seal(call.sealer, call.actor, bound.view.tag, payload)

    async def _made(self, info: Info, given: Mapping[str, Any]) -> Made:
        connection, _ = info.context
        kept = await connection.fetchval(
            "select outcome from idempotency_keys where scope = $1 and key = $2",
            f"{self._asker.organization_id}/{self._asker.identity}",
            given["idempotencyKey"],
        )
        return Made(kept["entities"], kept["problems"], given.get("clientMutationId"))

    async def _as_self(self, info: Info) -> None:
        """From here on a session's actor is the learner that its account is."""
        connection, call = info.context
        if call.actor.login_id is not None:
            learner = await connection.fetchval(
                "select learner_id from account_learners where account_id = $1", call.actor.account_id
            )
            call.actor = replace(call.actor, learner_id=learner)

    async def _payload(
        self, info: Info, payload: GraphQLObjectType, name: str, definition: GraphQLField, made: Made
    ) -> Any:
        if name == "clientMutationId":
            return made.client_mutation_id
        if name == "errors":
            union = get_named_type(definition.type)
            assert isinstance(union, GraphQLUnionType)
            members = [type_.name for type_ in union.types]
            return [
                Shown(error_type(Code(p["code"]), members, p["kind"]), p["message"], [*map(str, p["path"])], p["code"])
                for p in made.problems
            ]
        binding = binding_of(payload, name, definition)
        if isinstance(binding, Secret):
            return None  # shown once, kept nowhere
        assert isinstance(binding, Entity)
        key = made.entities.get(python_name(definition)) or made.entities.get("entity")
        target = get_named_type(definition.type)
        assert isinstance(target, GraphQLObjectType)
        bound = needed_bound(target)
        _, call = info.context
        located = locate(key, bound.view.tag, bound.identity, call.actor, call.sealer)
        if located.tag is None:
            return None
        rows = await self._rows(info, (), Step(bound, Relation("one"), {}, "a0", "", located), target, None, "")
        return rows[0] if rows else None

    async def _node(self, info: Info, text: str) -> Row | None:
        _, call = info.context
        tags = node_types(self.schema)
        located = locate_any(text, tags, call)
        if located.tag is None:
            return None
        type_, bound = tags[located.tag]
        step = Step(bound, Relation("one"), {}, "a0", "", located)
        rows = await self._rows(info, (), step, type_, None, "")
        return rows[0] if rows else None

    async def _entity(self, info: Info, given: Any) -> Row | None:
        """What a representation names: by its id, or by its other key as a filter over all rows."""
        types = entity_types(self.schema)
        named = entities.read(given, types, (), 0)
        type_, bound = types[named.type]
        step = Step(bound, Relation("one"), {}, "a0", "", Located(bound.view.tag, named.id))
        if named.key != entities.ID:
            same = f"{bound.view.column(named.key)} = {sql.literal(named.value or '')}"
            step = Step(bound, Relation("one", same), {}, "a0", "")
        rows = await self._rows(info, (), step, type_, None, "")
        return rows[0] if rows else None

    async def _relation(
        self,
        info: Info,
        row: Row,
        relation: Relation,
        definition: GraphQLField,
        values: Mapping[str, Any],
        _coordinate: str,
    ) -> Any:
        _, call = info.context
        target = get_named_type(definition.type)
        alias = f"a{len(row.steps)}"
        if relation.alternatives is not None:
            for type_name, on in relation.alternatives.items():
                type_ = self.schema.type_map[type_name]
                step = Step(needed_bound(type_), Relation("one", on, relation.where), values, alias, row.alias)
                if found := await self._rows(info, row.steps, step, type_, None, ""):
                    return found[0]
            return None
        bound = Bound(relation.members.view, Public()) if relation.members else needed_bound(target)
        located = None
        if relation.by_id:
            located = locate(values["id"], bound.view.tag, bound.identity, call.actor, call.sealer)
            if located.tag is None:
                return None
        if not bound.view.source:
            inside = Step(bound, replace(relation, source=None), values, row.alias, row.alias)
            return (
                Row(target.name, bound, row.alias, row.steps)
                if await self._fetch(info, (*row.steps, inside), ["1"])
                else None
            )
        step = Step(bound, relation, values, alias, row.alias, located)
        rows = await self._rows(info, row.steps, step, target, relation, relation.order)
        if relation.kind == "many":
            return rows[: relation.limit]
        return rows[0] if rows else None

    async def _rows(
        self,
        info: Info,
        way: tuple[Step, ...],
        step: Step,
        target: GraphQLNamedType,
        relation: Relation | None,
        order: str,
    ) -> list[Row]:
        """The rows of one step, in order."""
        assert step.bound is not None
        members = relation.members if relation is not None else None
        columns = [f"({step.bound.view.key})::text", members.tag if members else "null"]
        tail = " order by " + order.replace("{key}", step.bound.view.key) if order else ""
        rows = []
        for key, tag in await self._fetch(info, (*way, step), columns, tail):
            name = members.types[tag] if members else target.name
            bound = needed_bound(self.schema.type_map[name]) if members else step.bound
            rows.append(Row(name, bound, step.alias, (*way, replace(step, key=key))))
        return rows

    async def _page(
        self,
        info: Info,
        row: Row,
        relation: Relation,
        definition: GraphQLField,
        values: Mapping[str, Any],
        coordinate: str,
    ) -> Page:
        _, call = info.context
        type_ = get_named_type(definition.type)
        assert isinstance(type_, GraphQLObjectType)
        node = get_named_type(type_.fields["nodes"].type)
        bound = needed_bound(node)
        way = (*row.steps, Step(None, relation, values)) if relation.source is not None else row.steps
        step = Step(bound, relation, values, f"a{len(way)}", row.alias)
        order_key, order_type, descending = bound.view.key, bound.key_type, False
        if relation.orders is not None:
            given = values.get("orderBy") or {}
            order, descending = relation.orders.choose(given.get("field"), given.get("direction"))
            order_key, order_type = order.sql, order.type
        beyond = []
        at = replace(call, values=[values], scopes={})
        for name in ("after", "before"):
            if values.get(name) is None:
                beyond.append("true")
                continue
            k, key = (cursors.reader(coordinate, 0, name, part, (), ends=relation.reveals)(at) for part in (0, 1))
            sign = ">" if (name == "after") != descending else "<"
            pair = f"({sql.literal(k)}::{order_type}, {sql.literal(key)}::{bound.key_type})"
            beyond.append(f"({order_key}, {bound.view.key}) {sign} {pair}")
        way_down = " desc" if descending else ""
        found = await self._fetch(
            info,
            (*way, step),
            [f"({bound.view.key})::text", cursors.payload(order_key, bound.view.key), *beyond],
            f" order by {order_key}{way_down}, {bound.view.key}{way_down}",
        )
        inside = [f for f in found if f[2] and f[3]]
        size: int = values.get("first") or values["last"]
        forward = values.get("first") is not None
        shown = inside[:size] if forward else inside[-size:]
        more = len(inside) > len(shown)
        make = cursors.maker(coordinate, 0, ends=relation.reveals)
        return Page(
            [
                Edge(Row(node.name, bound, step.alias, (*way, replace(step, key=f[0]))), str(make(f[1], at)))
                for f in shown
            ],
            before=any(not f[2] for f in found) if forward else more,
            after=more if forward else any(not f[3] for f in found),
            step=step,
            steps=way,
        )

    async def _part(self, info: Info, name: str, value: Any) -> Any:
        if isinstance(value, Edge):
            return value.row if name == "node" else value.cursor
        if name == "totalCount":
            return await self._count(info, value)
        cursors_shown = [edge.cursor for edge in value.edges] or [None]
        parts = {
            "nodes": [edge.row for edge in value.edges],
            "edges": value.edges,
            "pageInfo": value,
            "hasNextPage": value.after,
            "hasPreviousPage": value.before,
            "startCursor": cursors_shown[0],
            "endCursor": cursors_shown[-1],
        }
        return parts[name]

    async def _count(self, info: Info, page: Page) -> Any:
        source = page.step.relation.source
        if source is not None and source.count is not None:
            return (await self._fetch(info, page.steps, [f"({source.count})"]))[0][0]
        return len(await self._fetch(info, (*page.steps, page.step), ["1"]))


def _type_name(value: Row | Shown, *_: object) -> str:
    return value.type_name


def _given(text: str, _call: Call) -> str:
    return text


def _located(bound: Bound, located: Located) -> str:
    key = f"'{located.id}'::uuid" if located.id else "null::uuid"
    return match(bound, key, f"{located.number}::bigint" if located.number is not None else "null::bigint")


@cache
def the_oracle() -> Oracle:
    """The oracle of the whole schema, of which it has a copy of its own to work in; made once."""
    return Oracle(make_schema())


def _without_rows(bound: Bound) -> Bound:
    return replace(bound, view=replace(bound.view, source="", seen=(EVERYONE,)))


def _leaf(text: str | None, type_: GraphQLOutputType) -> Any:
    """A JSON text as the executor wants a leaf: enum members by name."""
    value = None if text is None else json.loads(text)
    named = get_named_type(type_)
    if not isinstance(named, GraphQLEnumType):
        return value
    if isinstance(value, list):
        return [None if item is None else named.values[item].value for item in value]
    return None if value is None else named.values[value].value
