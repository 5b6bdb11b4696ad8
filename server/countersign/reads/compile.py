"""The compiler: an operation's selection becomes the text of one SQL statement and the getters of its parameters."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    get_argument_values,
    get_named_type,
)
from graphql.execution.values import VariableValues
from graphql.language import Visitor, visit

from countersign.kit.access import Permission
from countersign.kit.sight import predicate
from countersign.kit.view import View
from countersign.reads import entities, lookups, pages, sql
from countersign.reads.args import Args, Call, Parameters, Predicates
from countersign.reads.bindings import (
    Bound,
    Column,
    Constant,
    Entities,
    Entity,
    Key,
    Lookup,
    Members,
    PagePart,
    Relation,
    Reveal,
    Secret,
    Slot,
    Told,
    binding_of,
    needed_bound,
    node_types,
    python_name,
)
from countersign.reads.entry import Entry
from countersign.reads.errors import BadInput, BindingMistake, Path, TooComplex
from countersign.reads.identity import Public, Sealed
from countersign.reads.lookups import LOOKUP_LIMIT
from countersign.reads.scope import ROOT, ArgumentSlot, Place, Scope
from countersign.reads.selection import Fields, Selections
from countersign.reads.slots import Maker, marker

LARGEST_SELECTION: Final = 2_000


class Compiler:
    """Compiles one operation. What it gathers beside the SQL becomes the plan."""

    def __init__(self, selections: Selections) -> None:
        self.selections = selections
        self.schema = selections.schema
        self.parameters = Parameters()
        self.arguments: list[ArgumentSlot] = []
        self.values: list[Mapping[str, Any]] = []
        self.makers: list[Maker] = []
        self.ctes: list[str] = []
        self.reveals: list[tuple[str, Reveal]] = []
        self.requirements: list[tuple[Permission, Path]] = []
        self.personal: list[str] = []
        self.renames: dict[str, str] = {}
        self._selected = 0

    def members(self, type_: GraphQLObjectType, fields: Fields, scope: Scope, path: Path, rows: str = "") -> str:
        """`select … as "key", … <rows>`: the members of one object for each row of `rows`."""
        members = [
            f"{self.field(type_, nodes, scope, (*path, key))} as {self.member(key)}" for key, nodes in fields.items()
        ]
        return f"select {', '.join(members)} {rows}".rstrip()

    def member(self, key: str) -> str:
        """A response key as a quoted column name; one that is too long for PostgreSQL is put in afterwards."""
        if sql.is_identifier(key):
            return f'"{key}"'
        self.renames.setdefault(key, f"~{len(self.renames)}")
        return f'"{self.renames[key]}"'

    def field(self, type_: GraphQLObjectType, nodes: list[FieldNode], scope: Scope, path: Path) -> str:
        """The expression of one field."""
        self._selected += 1
        if self._selected > LARGEST_SELECTION:
            raise TooComplex
        name = nodes[0].name.value
        if name == "__typename":
            return sql.literal(type_.name)
        definition = type_.fields[name]
        return self._bound_field(type_, name, definition, nodes, scope, path)

    def _bound_field(  # noqa: C901, PLR0911 - one for each sort of binding
        self,
        type_: GraphQLObjectType,
        name: str,
        definition: GraphQLField,
        nodes: list[FieldNode],
        scope: Scope,
        path: Path,
    ) -> str:
        match binding_of(type_, name, definition):
            case Column(instant=str(argument)) as column:
                at = self.place(type_, name, definition, nodes, path).args.instant(argument)
                there = replace(scope, names={**scope.names, "at": at})
                return self._column(column, type_, definition, there, path)
            case Column() as column:
                return self._column(column, type_, definition, scope, path)
            case Key():
                return self.identity(self._bound(type_, scope), scope)
            case Slot(payload, maker, personal):
                if personal is not None:
                    self.personal.append(personal)
                return self.slot(self.render(payload, scope), maker)
            case Relation() as relation:
                return self.relation(relation, self.place(type_, name, definition, nodes, path), scope)
            case Lookup() as lookup:
                return self.lookup(lookup, self.place(type_, name, definition, nodes, path))
            case Entities():
                return entities.resolve(self, self.place(type_, name, definition, nodes, path))
            case Constant(make):
                text = make(self.schema)
                return self.parameters.bind(lambda _call: text, "text")
            case PagePart() | Entity() | Told() | Secret():
                raise BindingMistake(f"{type_.name}.{name} is bound as a part of something that this is not")

    def _column(
        self, column: Column, type_: GraphQLObjectType, definition: GraphQLField, scope: Scope, path: Path
    ) -> str:
        chosen = column.sql or self._bound(type_, scope).view.column(python_name(definition))
        if column.requires is not None:
            self.requirements.append((column.requires, path))
        if column.seen:
            chosen = f"case when {predicate(column.seen)} then {chosen} end"
        return sql.encode(self.render(chosen, scope), definition.type)

    def place(
        self, type_: GraphQLObjectType, name: str, definition: GraphQLField, nodes: list[FieldNode], path: Path
    ) -> Place:
        """The field with its arguments, which become a slot of the plan."""
        node = nodes[0]
        values = read_values(definition, node, self.selections.variables, path)
        slot = len(self.arguments)
        self.arguments.append(ArgumentSlot(definition, node, None if _uses_variables(node) else values, path))
        self.values.append(values)
        args = Args(self.parameters, slot, values)
        return Place(nodes, definition, args, values, slot, f"{type_.name}.{name}", path)

    def relation(self, relation: Relation, place: Place, parent: Scope) -> str:
        """A relation: one object, a list of objects, or a page."""
        if relation.requires is not None:
            self.requirements.append((relation.requires, place.path))
        if relation.kind == "connection":
            return pages.connection(self, relation, place, parent)
        if relation.alternatives is not None:
            return self._alternatives(relation, place, parent)
        target = get_named_type(place.definition.type)
        bound = None if relation.members is not None else needed_bound(target)
        view = relation.members.view if relation.members is not None else needed_bound(target).view
        child, found = self.enter(view, bound, relation, place, parent)
        select = partial(self.selected, target, relation.members, place, child)
        if relation.kind == "many":
            limit = f" limit {relation.limit}" if relation.limit is not None else ""
            ordered = f"{found.rows()} order by {found.render(relation.order)}{limit}"
            return f"array_to_json(array({select(ordered)}))"
        if not view.source:
            return f"case when {found.condition()} then ({select('')}) end"
        order = f" order by {found.render(relation.order)}" if relation.order else ""
        return f"({select(f'{found.rows()}{order} limit 1')})"

    def selected(self, target: object, members: Members | None, place: Place, scope: Scope, rows: str) -> str:
        """`select <json object> <rows>` for the fields selected below a place."""
        if isinstance(target, GraphQLObjectType):
            fields = self.selections.below(target, place.nodes)
            return sql.as_json(self.members(target, fields, scope, place.path, rows))
        if members is None:
            raise BindingMistake(f"{place.coordinate} leads to {target}: give `members` or `alternatives`")
        branches = []
        for tag, type_name in members.types.items():
            type_ = self.object_type(type_name)
            inner = self.selected(type_, None, place, Scope(scope.t, needed_bound(type_), scope.names), "")
            branches.append(f"when {sql.literal(tag)} then ({inner})")
        return f"select case {self.render(members.tag, scope)} {' '.join(branches)} end {rows}".rstrip()

    def _alternatives(self, relation: Relation, place: Place, parent: Scope) -> str:
        options = []
        for type_name, on in (relation.alternatives or {}).items():
            type_ = self.object_type(type_name)
            bound = needed_bound(type_)
            child, found = self.enter(bound.view, bound, Relation("one", on, relation.where), place, parent)
            options.append(f"({self.selected(type_, None, place, child, f'{found.rows()} limit 1')})")
        return f"coalesce({', '.join(options)})"

    def enter(
        self, view: View, bound: Bound | None, relation: Relation, place: Place, parent: Scope
    ) -> tuple[Scope, Entry]:
        """Step into a view: a new alias, the join condition, visibility and the filters that are given."""
        alias = self.parameters.name("t") if view.source else parent.t
        # `{t}` is the entered row everywhere in an entry's templates; `{child}` is the same row by its other name.
        names = {**parent.names, "t": alias, "child": alias, "parent": parent.t}
        if relation.instant is not None:
            names["at"] = place.args.instant(relation.instant)
        child = Scope(alias, bound or Bound(view, Public()), parent.names)
        entry = Entry(view, Predicates(self.parameters, names), relation.source.rows if relation.source else None)
        if relation.on != "true":
            entry.predicates.where(relation.on)
        visible = view.visible if relation.visible is None else relation.visible
        if visible != "true":
            entry.predicates.where(visible)
        if relation.by_id and bound is not None:
            entry.predicates.where(lookups.locate_one(self.parameters, bound, place.args.getter("id")))
        if callable(relation.where):
            relation.where(place.args, entry.predicates)
        else:
            entry.predicates.apply(relation.where, place.args)
        return child, entry

    def lookup(self, lookup: Lookup, place: Place) -> str:
        """`node` and `nodes`: each kind of thing is tried by the tag of the id; anything else is null."""
        tags = node_types(self.schema)
        n = self.parameters.name("n")
        branches = []
        for tag, (type_, bound) in tags.items():
            child, entry = self.enter(bound.view, bound, Relation("one"), place, ROOT)
            entry.predicates.where(lookups.match(bound, f"{n}.id", f"{n}.number"))
            inner = self.selected(type_, None, place, child, entry.rows())
            branches.append(f"when {sql.literal(tag)} then ({inner})")
        found = f"select case {n}.tag {' '.join(branches)} end from"
        if not lookup.many:
            one = lookups.row(self.parameters, tags, place.args.getter("id"))
            return f"({found} {one} {n}(tag, id, number, no))"
        rows = lookups.rows(self.parameters, tags, place.args.getter("ids"), place.path)
        return f"array_to_json(array({found} {rows} {n}(tag, id, number, no) order by {n}.no))"

    def identity(self, bound: Bound, scope: Scope) -> str:
        """The public id of the row."""
        match bound.identity:
            case Public():
                return f"({sql.literal(bound.view.tag + '_')} || {self.render(bound.view.key, scope)})"
            case Sealed() as sealed:
                tag = bound.view.tag

                def make(payload: bytes, call: Call) -> str:
                    return sealed.seal(call.sealer, call.actor, tag, payload)

                return self.slot(self.render(sealed.payload(), scope), make)

    def slot(self, payload: str, maker: Maker) -> str:
        """The marker of a value that Python makes."""
        self.makers.append(maker)
        return marker(self.parameters, len(self.makers) - 1, payload)

    def render(self, template: str, scope: Scope) -> str:
        """A template over the row of a scope."""
        return Predicates(self.parameters, {**scope.names, "t": scope.t, "child": scope.t}).render(template)

    def builder(self, names: Mapping[str, str]) -> Predicates:
        """A builder of SQL with names."""
        return Predicates(self.parameters, names)

    def object_type(self, name: str) -> GraphQLObjectType:
        """An object type of the schema by name."""
        type_ = self.schema.type_map.get(name)
        if not isinstance(type_, GraphQLObjectType):
            raise BindingMistake(f"{name} is not an object type of the schema")
        return type_

    def _bound(self, type_: GraphQLObjectType, scope: Scope) -> Bound:
        return scope.bound or needed_bound(type_)


def argument_values(
    definition: GraphQLField, node: FieldNode, variables: VariableValues, path: Path
) -> Mapping[str, Any]:
    """The coerced arguments of a field. Raises BadInput for what validation cannot see, such as a null variable."""
    try:
        return get_argument_values(definition, node, variables)
    except GraphQLError as error:
        raise BadInput(error.message, path) from None


def read_values(definition: GraphQLField, node: FieldNode, variables: VariableValues, path: Path) -> Mapping[str, Any]:
    """As `argument_values`, for a field that is read: no list is longer than a look-up, so none costs seconds."""
    values = argument_values(definition, node, variables, path)
    for name, value in values.items():
        _require_short(name, value, path)
    return values


def _require_short(name: str, value: object, path: Path) -> None:
    if isinstance(value, list) and len(value) > LOOKUP_LIMIT:
        raise BadInput(f"At most {LOOKUP_LIMIT} {name} at once", path)
    if isinstance(value, Mapping):
        for inner, found in value.items():
            _require_short(inner, found, path)


class _Variables(Visitor):
    """Notices whether there is any variable."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, *_: object) -> None:
        self.found = True


def _uses_variables(node: FieldNode) -> bool:
    visitor = _Variables()
    for argument in node.arguments or ():
        visit(argument, visitor)
    return visitor.found
