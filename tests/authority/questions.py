"""The questions of the matrix: every field of every type, below a thing that is named by its id, or below a root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from countersign.kit.access import Permission
from countersign.reads.bindings import binding_of
from tests.reads.test_every_field import literal

DEEPEST: Final = 7
PAGE: Final = 10
LARGEST: Final = 20
"""How many fields of a thing one question asks for."""
HEAVIEST: Final = 170
"""How many selections one question has at most, but for a field that has more by itself."""


@dataclass(frozen=True, repr=False)
class Chosen:
    """A field that is asked for, and what of its answer: by the type of the object that comes."""

    type_name: str
    name: str
    text: str
    requires: Permission | None
    below: Mapping[str, Sequence[Chosen]] = field(default_factory=dict)

    @property
    def coordinate(self) -> str:
        """`Type.field`."""
        return f"{self.type_name}.{self.name}"

    def written(self) -> str:
        """As it stands in the document."""
        if not self.below:
            return self.text
        inner = " ".join(
            f"... on {name} {{ {' '.join(c.written() for c in chosen)} }}" for name, chosen in self.below.items()
        )
        return f"{self.text} {{ __typename {inner} }}"

    def every(self) -> Iterator[Chosen]:
        """Itself and all below."""
        yield self
        for chosen in self.below.values():
            for each in chosen:
                yield from each.every()


class Questions:
    """Writes the questions of one schema."""

    def __init__(self, schema: GraphQLSchema, given: Mapping[str, str]) -> None:
        """`given` are the arguments of fields that need values which mean something, by coordinate."""
        self._schema = schema
        self._given = given
        node = schema.type_map["Node"]
        assert isinstance(node, GraphQLInterfaceType)
        self.nodes = {type_.name for type_ in schema.get_possible_types(node)}

    def of(self, type_: GraphQLObjectType) -> list[Chosen]:
        """Every field of a type, each with all that is part of it; other things below by id alone."""
        return [self._chosen(type_, name, d, 0, frozenset()) for name, d in type_.fields.items()]

    def _chosen(
        self, type_: GraphQLObjectType, name: str, definition: GraphQLField, depth: int, above: frozenset[str]
    ) -> Chosen:
        arguments = self._given.get(f"{type_.name}.{name}", self._arguments(definition))
        below = {}
        for member in self._members(get_named_type(definition.type)):
            if member.name in self.nodes:
                below[member.name] = [Chosen(member.name, "id", "id", None)]
            elif depth < DEEPEST and member.name not in above:
                inside = above | {type_.name}
                below[member.name] = [
                    self._chosen(member, n, d, depth + 1, inside)
                    for n, d in member.fields.items()
                    if is_leaf_type(get_named_type(d.type)) or depth + 1 < DEEPEST
                ]
        binding = binding_of(type_, name, definition)
        return Chosen(type_.name, name, f"{name}{arguments}", getattr(binding, "requires", None), below)

    def _members(self, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(type_, GraphQLObjectType):
            return [type_]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._schema.get_possible_types(type_))
        return []

    @staticmethod
    def _arguments(definition: GraphQLField) -> str:
        needed = {name: literal(a.type) for name, a in definition.args.items() if is_required_argument(a)}
        if "first" in definition.args:
            needed["first"] = str(PAGE)
        return f"({', '.join(f'{n}: {v}' for n, v in needed.items())})" if needed else ""


def below_things(type_name: str, chosen: Sequence[Chosen]) -> str:
    """The question for these fields of the things of a type, by their ids."""
    fields = " ".join(c.written() for c in chosen)
    return f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {type_name} {{ id {fields} }} }} }}"


def in_portions(chosen: Sequence[Chosen]) -> Iterator[list[Chosen]]:
    """The fields in portions that one question can hold; what asks for a permission comes alone."""
    portion: list[Chosen] = []
    size = 0
    for each in chosen:
        weight = sum(1 for _ in each.every())
        if any(c.requires is not None for c in each.every()):
            yield [each]
            continue
        if portion and (len(portion) >= LARGEST or size + weight > HEAVIEST):
            yield portion
            portion, size = [], 0
        portion.append(each)
        size += weight
    if portion:
        yield portion


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def reached(chosen: Sequence[Chosen], answer: Mapping[str, Any] | None) -> Iterator[tuple[str, bool]]:
    """For each field that was asked for: its coordinate, and whether the object was there that has it."""
    for each in chosen:
        if answer is None:
            yield from ((c.coordinate, False) for c in each.every())
            continue
        yield each.coordinate, True
        value = answer[each.name]
        for found in value if isinstance(value, list) else [value]:
            if isinstance(found, dict):
                yield from reached(each.below.get(found["__typename"], ()), found)
