"""Connections: keyset pages whose nested selections run only for the rows shown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from graphql import FieldNode, GraphQLObjectType, IntValueNode, get_named_type

from countersign.reads import cursors, sql
from countersign.reads.bindings import Bound, PagePart, Relation, Source, binding_of, needed_bound
from countersign.reads.entry import Entry
from countersign.reads.errors import BadInput, BindingMistake, Path
from countersign.reads.scope import Place, Scope

if TYPE_CHECKING:
    from countersign.reads.compile import Compiler

LARGEST_PAGE: Final = 100
NUMBER: Final = '"#"'
ORDER_KEY: Final = '"#k"'


@dataclass(frozen=True, slots=True)
class Page:
    """One page while its parts are compiled.

    The sub-query `name` holds the shown rows and one more, numbered by the column `#` from the end that was asked.
    `further` is the condition that rows lie on the other side of the opposite cursor.
    """

    place: Place
    child: Scope
    entry: Entry
    name: str
    limit: str
    forward: bool
    further: str | None
    count: str
    reveals: bool

    def shown(self, *, backwards: bool = False) -> str:
        """FROM, WHERE and ORDER BY of the shown rows, in the order of the list or backwards."""
        t = self.child.t
        way = "" if self.forward != backwards else " desc"
        return f"from {self.name} {t} where {t}.{NUMBER} <= {self.limit} order by {t}.{NUMBER}{way}"

    @property
    def overflows(self) -> str:
        """Whether there are more rows than are shown, beyond the end to which the page runs."""
        return f"exists (select from {self.name} x where x.{NUMBER} > {self.limit})"

    @property
    def cursor(self) -> str:
        """The content of a shown row's cursor."""
        return cursors.payload(f"{self.child.t}.{ORDER_KEY}", self.entry.render("{key}"))


def connection(compiler: "Compiler", relation: Relation, place: Place, parent: Scope) -> str:
    """The object of a connection. Raises BadInput unless exactly one of `first` and `last` is given."""
    type_ = get_named_type(place.definition.type)
    if not isinstance(type_, GraphQLObjectType):
        raise BindingMistake(f"{place.coordinate} is a connection and needs a connection type")
    node = get_named_type(type_.fields["nodes"].type)
    if ("first" in place.args) == ("last" in place.args):
        raise BadInput("Give either `first` or `last`, from 1 to 100", place.path)
    ctes: list[str] = []
    names = dict(parent.names)
    if relation.source is not None:
        _prepare(compiler, relation.source, place, names, ctes)
    page = _page(compiler, relation, place, replace(parent, names=names), needed_bound(node), ctes)
    if relation.source is not None:
        _reveal(compiler, relation.source, page, parent)
    inside = Scope("", None, names)

    def part(name: str, nodes: list[FieldNode], path: Path) -> str:
        definition = type_.fields.get(name)
        binding = binding_of(type_, name, definition) if definition is not None else None
        if definition is None or not isinstance(binding, PagePart):
            return compiler.field(type_, nodes, inside, path)
        return _part(compiler, page, binding.name, replace(place, definition=definition, nodes=nodes, path=path))

    answer = _object(compiler, type_, place, part)
    if parent.t:
        return f"(with {', '.join(ctes)} {answer})"
    compiler.ctes.extend(ctes)
    return f"({answer})"


def _object(
    compiler: "Compiler",
    type_: GraphQLObjectType,
    place: Place,
    part: Callable[[str, list[FieldNode], Path], str],
    rows: str = "",
) -> str:
    """`select <json object> <rows>` for a type whose fields `part` compiles by name."""
    members = []
    for key, nodes in compiler.selections.below(type_, place.nodes).items():
        name = nodes[0].name.value
        expression = sql.literal(type_.name) if name == "__typename" else part(name, nodes, (*place.path, key))
        members.append(f"{expression} as {compiler.member(key)}")
    return sql.as_json(f"select {', '.join(members)} {rows}")


def _prepare(compiler: "Compiler", source: Source, place: Place, names: dict[str, str], ctes: list[str]) -> None:
    """Add the source's own sub-queries, and the names by which everything after them refers to them."""
    builder = compiler.builder(names)
    for name, text in source.ctes(place.args, builder):
        names[name] = compiler.parameters.name(f"{name}_")
        ctes.append(f"{names[name]} as materialized ({builder.render(text, **names)})")


def _reveal(compiler: "Compiler", source: Source, page: Page, parent: Scope) -> None:
    if source.reveals is None or source.reveal is None:
        return
    if parent.t:
        raise BindingMistake(f"{page.place.coordinate}: only a root field may reveal learners")
    compiler.reveals.append((f"select {compiler.render(source.reveals, page.child)} {page.shown()}", source.reveal))


def _page(compiler: "Compiler", relation: Relation, place: Place, parent: Scope, bound: Bound, ctes: list[str]) -> Page:
    forward = "first" in place.args
    child, entry = compiler.enter(bound.view, bound, relation, place, parent)
    key = entry.render("{key}")
    order_key, order_type, descending = key, bound.key_type, False
    if relation.orders is not None:
        by, way = place.args.choice("orderBy.field"), place.args.choice("orderBy.direction")
        order, descending = relation.orders.choose(by, way)
        order_key, order_type = entry.render(order.sql), order.type

    def beyond(name: str) -> str:
        path = (*place.path, name)

        def cursor(part: int, type_: str) -> str:
            read = cursors.reader(place.coordinate, place.slot, name, part, path, ends=relation.reveals)
            return f"({compiler.parameters.bind(read, 'text')})::{type_}"

        comparison = ">" if (name == "after") != descending else "<"
        if relation.orders is None:
            return f"{key} {comparison} {cursor(1, bound.key_type)}"
        return f"({order_key}, {key}) {comparison} ({cursor(0, order_type)}, {cursor(1, bound.key_type)})"

    bounds = {name: beyond(name) for name in ("after", "before") if name in place.args}
    limit = _limit(compiler, place, "first" if forward else "last")
    way = " desc" if descending == forward else ""
    ordering = f"{key}{way}" if relation.orders is None else f"{order_key}{way}, {key}{way}"
    name = compiler.parameters.name("page_")
    page_rows = f"select {child.t}.*, {order_key} as {ORDER_KEY} {entry.rows(list(bounds.values()))}"
    ctes.append(
        f"{name} as materialized (select s.*, row_number() over () as {NUMBER}"
        f" from ({page_rows} order by {ordering} limit {limit} + 1) s)"
    )
    opposite = bounds.get("after" if forward else "before")
    further = f"exists (select {entry.rows([f'not ({opposite})'])})" if opposite else None
    count = f"(select count(*) {entry.rows()})"
    if relation.source is not None and relation.source.count is not None:
        count = f"({compiler.render(relation.source.count, child)})"
    return Page(place, child, entry, name, limit, forward, further, count, relation.reveals)


def _limit(compiler: "Compiler", place: Place, name: str) -> str:
    """The page size, refused and not clamped outside of 1 to 100; as a number where the document has it as one.

    PostgreSQL plans for a size that it knows, and for a tenth of all rows when it is a parameter.
    """
    path = (*place.path, name)
    getter = place.args.getter(name)

    def checked(size: int) -> int:
        if not 1 <= size <= LARGEST_PAGE:
            raise BadInput(f"`{name}` is {size}; it must be from 1 to {LARGEST_PAGE}", path)
        return size

    written = next((a.value for a in place.nodes[0].arguments or () if a.name.value == name), None)
    if isinstance(written, IntValueNode):
        return str(checked(int(place.values[name])))
    return compiler.parameters.bind(lambda call: checked(getter(call)), "int")


def _part(compiler: "Compiler", page: Page, name: str, place: Place) -> str:
    """A part of the connection itself: its rows, its edges, where it stands in the list, how long the list is."""
    target = get_named_type(place.definition.type)
    if name == "totalCount":
        return page.count
    if not isinstance(target, GraphQLObjectType):
        raise BindingMistake(f"{place.coordinate}: {name} must be an object")
    if name == "nodes":
        return f"array_to_json(array({compiler.selected(target, None, place, page.child, page.shown())}))"

    def edge(field: str, nodes: list[FieldNode], path: Path) -> str:
        if field == "cursor":
            return _cursor(compiler, page)
        inner = replace(place, definition=target.fields[field], nodes=nodes, path=path)
        return f"({compiler.selected(get_named_type(inner.definition.type), None, inner, page.child, '')})"

    def info(field: str, _nodes: list[FieldNode], _path: Path) -> str:
        return _info(compiler, page, field)

    if name == "edges":
        return f"array_to_json(array({_object(compiler, target, place, edge, page.shown())}))"
    return f"({_object(compiler, target, place, info)})"


def _info(compiler: "Compiler", page: Page, field: str) -> str:
    match field:
        case "hasNextPage":
            return page.overflows if page.forward else page.further or "false"
        case "hasPreviousPage":
            return (page.further or "false") if page.forward else page.overflows
        case "startCursor":
            return f"(select {_cursor(compiler, page)} {page.shown()} limit 1)"
        case _:
            return f"(select {_cursor(compiler, page)} {page.shown(backwards=True)} limit 1)"


def _cursor(compiler: "Compiler", page: Page) -> str:
    make = cursors.maker(page.place.coordinate, page.place.slot, ends=page.reveals)
    return compiler.slot(page.cursor, make)
