"""Entities of a federation: what other subgraphs name by a type and one of its keys, as a part of the one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from graphql import GraphQLObjectType

from countersign.kit.ids import parse_public_id
from countersign.reads import lookups
from countersign.reads.args import Call
from countersign.reads.bindings import Bound, Relation, entity_types
from countersign.reads.errors import BadInput, Path
from countersign.reads.scope import ROOT, Place

if TYPE_CHECKING:
    from countersign.reads.compile import Compiler

ID: Final = "id"
TYPENAME: Final = "__typename"
Types = Mapping[str, tuple[GraphQLObjectType, Bound]]


@dataclass(frozen=True, slots=True)
class Named:
    """What a representation says: the type, and the public id's uuid or another key with its value.

    A malformed id has no uuid: it finds nothing, as an unknown one does.
    """

    type: str
    key: str
    id: UUID | None = None
    value: str | None = None


def read(representation: Any, types: Types, path: Path, number: int) -> Named:
    """What one representation says; the first declared key that it gives decides, the rest of it is not looked at.

    Raises BadInput when it names no entity type, or none of the type's keys as a text.
    """
    where = f"representations[{number}]"
    name = representation.get(TYPENAME) if isinstance(representation, Mapping) else None
    if not isinstance(name, str) or name not in types:
        raise BadInput(f"{where}: __typename is not an entity of this subgraph", path)
    bound = types[name][1]
    for key in bound.keys:
        value = representation.get(key)
        if not isinstance(value, str):
            continue
        if key != ID:
            return Named(name, key, value=value)
        found = parse_public_id(value)
        return Named(name, key, found[1] if found is not None and found[0] == bound.view.tag else None)
    raise BadInput(f"{where}: {name} is named by {' or '.join(bound.keys)}, as a text", path)


def read_all(representations: list[Any], types: Types, path: Path) -> list[Named]:
    """What the representations say. Raises BadInput for more than 100 and for those that say nothing."""
    if len(representations) > lookups.LOOKUP_LIMIT:
        raise BadInput(f"At most {lookups.LOOKUP_LIMIT} representations at once", path)
    return [read(representation, types, path, number) for number, representation in enumerate(representations)]


def resolve(compiler: "Compiler", place: Place) -> str:
    """The list of entities in the order of their representations, null for each that the actor may not see."""
    types = entity_types(compiler.schema)
    n = compiler.parameters.name("n")
    branches = []
    for name, (type_, bound) in types.items():
        child, entry = compiler.enter(bound.view, bound, Relation("one"), place, ROOT)
        entry.predicates.where(lookups.match(bound, _located(compiler, bound, n), ""))
        selected = compiler.selected(type_, None, place, child, entry.rows())
        branches.append(f"when '{name}' then ({selected})")
    rows = _rows(compiler, types, place)
    return (
        f"array_to_json(array(select case {n}.type {' '.join(branches)} end"
        f" from {rows} {n}(type, key, id, value, no) order by {n}.no))"
    )


def _located(compiler: "Compiler", bound: Bound, n: str) -> str:
    """The uuid of the thing that a row names: given, or found by the unique column that is its other key."""
    k = compiler.parameters.name("k")
    by_key = []
    for key in bound.keys:
        if key != ID:
            builder = compiler.builder({"t": k, "child": k})
            source, found, column = (
                builder.render(template) for template in (bound.view.source, bound.view.key, bound.view.column(key))
            )
            by_key.append(f"when '{key}' then (select {found} from {source} where {column} = {n}.value)")
    return f"case {n}.key {' '.join(by_key)} else {n}.id end" if by_key else f"{n}.id"


def _rows(compiler: "Compiler", types: Types, place: Place) -> str:
    getter = place.args.getter("representations")

    def named(call: Call) -> list[Named]:
        return read_all(getter(call), types, place.path)

    columns = [
        compiler.parameters.bind(lambda call: [one.type for one in named(call)], "text[]"),
        compiler.parameters.bind(lambda call: [one.key for one in named(call)], "text[]"),
        compiler.parameters.bind(lambda call: [one.id for one in named(call)], "uuid[]"),
        compiler.parameters.bind(lambda call: [one.value for one in named(call)], "text[]"),
    ]
    return f"unnest({', '.join(columns)}) with ordinality"
