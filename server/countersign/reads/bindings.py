"""The values that a binding is made of, and how compiler and executor find them in a GraphQL schema."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import strawberry
from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, GraphQLSchema

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.sight import Sight
from countersign.kit.view import View
from countersign.reads.args import Args, Predicates
from countersign.reads.errors import BindingMistake
from countersign.reads.identity import Identity
from countersign.reads.orders import Orders
from countersign.reads.slots import Maker

METADATA: Final = "countersign-binding"
BACKREF: Final = "strawberry-definition"
Reveal = Callable[[Tx, Actor, Sequence[Any]], Awaitable[bool]]
Where = Mapping[str, str] | Callable[[Args, Predicates], None]


@dataclass(frozen=True, slots=True)
class Bound:
    """An object type's view, and how its things are known from outside.

    `keys` are the fields by any of which other subgraphs of a federation may name one: `id` first, then columns of the
    view that are unique in the database.
    """

    view: View
    identity: Identity
    key_type: str = "uuid"
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: its Python annotation, what it is for, and its default when it has one."""

    annotation: Any
    description: str
    default: Any = strawberry.UNSET
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A value of the row; `sql` replaces the view's column of the field's name.

    `requires` is what the whole question needs for it; `seen` who gets the value where not everyone does who sees the
    row: null for the others. `instant` names the argument that the SQL knows as `{at}`: the present when it is not
    given.
    """

    sql: str | None = None
    requires: Permission | None = None
    seen: tuple[Sight, ...] = ()
    instant: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """The public id of the row."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that only Python can make, from bytes that SQL selects.

    `personal` names the sealed column behind it, where there is one: who selects the field reads personal data.
    """

    payload: str
    maker: Maker
    personal: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """How a relation to a union or interface chooses: `tag` over `{child}` names for each row the member's key.

    `view` is entered; the member types read the same row with the columns of their own views.
    """

    view: View
    tag: str
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that a connection takes from sub-queries of its own, made once for page, count and facets.

    `ctes` answers pairs of name and SQL for the field's arguments (`sql.render` fills placeholders); later ones, the
    other members and the connection type's own fields refer to an earlier one as `{name}`. `rows` is a FROM item with
    alias `{t}` that offers the columns of the node type's view. `count` is the SQL of `totalCount`. `reveals`, over
    `{t}`, is what a shown row reveals (bigint, or bigint[] of fixed length); after the statement, `reveal` gets those
    of the page, in a transaction that commits before the answer leaves. It answers False when the facts have changed
    since; the answer is then made once more. It may refuse.
    """

    ctes: Callable[[Args, Predicates], Sequence[tuple[str, str]]]
    rows: str
    count: str | None = None
    reveals: str | None = None
    reveal: Reveal | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A way from a row to other rows: `one`, `many` or `connection`; a root field is one without parent.

    `visible` is what is left of the target's visibility where the parent is seen; None: the whole of it. `instant`
    names the argument that the view's source knows as `{at}`: the present when it is not given.
    """

    kind: str
    on: str = "true"
    where: Where = field(default_factory=dict)
    order: str = "{key}"
    orders: Orders | None = None
    members: Members | None = None
    alternatives: Mapping[str, str] | None = None
    by_id: bool = False
    limit: int | None = None
    source: Source | None = None
    requires: Permission | None = None
    visible: str | None = None
    instant: str | None = None

    @property
    def reveals(self) -> bool:
        """Whether what it shows is revealed, one look at a time."""
        return self.source is not None and self.source.reveals is not None


@dataclass(frozen=True, slots=True)
class Lookup:
    """`node` or `nodes`."""

    many: bool


@dataclass(frozen=True, slots=True)
class Entities:
    """`_entities`: things as other subgraphs of a federation name them."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A text that the product knows by itself, made from the schema when a document that asks for it is compiled."""

    text: Callable[[GraphQLSchema], str]


@dataclass(frozen=True, slots=True)
class PagePart:
    """A field of a connection, edge or page-info type, known by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A field of a mutation's payload: the thing that the command made or changed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A field of a mutation's payload that Python writes: `errors` or `clientMutationId`."""

    name: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A field of a mutation's payload that is shown once: a text that the command made and nobody keeps."""


Binding = Column | Key | Slot | Relation | Lookup | Entities | Constant | PagePart | Entity | Told | Secret


def binding_of(type_: GraphQLNamedType, name: str, definition: GraphQLField) -> Binding:
    """The binding of a field. Raises BindingMistake for a field that was not made by `bind`."""
    declared = definition.extensions.get(BACKREF)
    binding = getattr(declared, "metadata", {}).get(METADATA)
    if binding is None:
        raise BindingMistake(f"{type_.name}.{name} has no binding: make it with a function of reads/bind.py")
    return binding  # type: ignore[no-any-return] # metadata is untyped


def python_name(definition: GraphQLField) -> str:
    """The field's name as the view spells it."""
    return str(definition.extensions[BACKREF].python_name)


def bound_of(type_: GraphQLNamedType) -> Bound | None:
    """The binding of an object type, or None for types without rows of their own (connections, roots, payloads)."""
    declared = type_.extensions.get(BACKREF)
    origin = getattr(declared, "origin", None)
    return getattr(origin, "__bound__", None)


def needed_bound(type_: GraphQLNamedType) -> Bound:
    """As `bound_of`, for a type that must be bound."""
    found = bound_of(type_)
    if found is None:
        raise BindingMistake(f"{type_.name} is the target of a relation and must be @bound to a view")
    return found


def node_types(schema: GraphQLSchema) -> dict[str, tuple[GraphQLObjectType, Bound]]:
    """Every type that implements Node, by the tag of its ids."""
    found: dict[str, tuple[GraphQLObjectType, Bound]] = {}
    interface = schema.type_map.get("Node")
    if interface is None:
        return found
    for type_ in schema.get_possible_types(interface):  # type: ignore[arg-type] # Node is an interface
        bound = needed_bound(type_)
        if bound.view.tag in found:
            raise BindingMistake(f"{type_.name} and {found[bound.view.tag][0].name} share the tag {bound.view.tag}")
        found[bound.view.tag] = (type_, bound)
    return found


def entity_types(schema: GraphQLSchema) -> dict[str, tuple[GraphQLObjectType, Bound]]:
    """Every type that other subgraphs may name by a key, by its name."""
    found: dict[str, tuple[GraphQLObjectType, Bound]] = {}
    for name, type_ in schema.type_map.items():
        bound = bound_of(type_)
        if isinstance(type_, GraphQLObjectType) and bound is not None and bound.keys:
            found[name] = (type_, bound)
    return found
