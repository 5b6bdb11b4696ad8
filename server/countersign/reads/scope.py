"""Where an SQL expression stands while a selection is compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField

from countersign.reads.args import Args
from countersign.reads.bindings import Bound
from countersign.reads.errors import Path


@dataclass(frozen=True, slots=True)
class Scope:
    """The alias of the row, its type's binding, and the names of sub-queries around it."""

    t: str = ""
    bound: Bound | None = None
    names: Mapping[str, str] = field(default_factory=dict)


ROOT = Scope()


@dataclass(frozen=True, slots=True)
class Place:
    """One selected field: its merged nodes, its definition, its arguments, its path in the answer."""

    nodes: list[FieldNode]
    definition: GraphQLField
    args: Args
    values: Mapping[str, Any]
    slot: int
    coordinate: str
    path: Path


@dataclass(frozen=True, slots=True)
class ArgumentSlot:
    """The arguments of one field of the document: constant, or evaluated in each call."""

    definition: GraphQLField
    node: FieldNode
    constant: Mapping[str, Any] | None
    path: Path
