"""Random valid queries over a whole schema, with argument values from real data."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

from countersign.reads.bindings import PagePart, binding_of

DEEPEST: Final = 6
PAGING: Final = frozenset({"first", "last", "after", "before"})
VALID: Final[Mapping[str, list[Any]]] = {
    "_Any": [
        {"__typename": "Skill", "uri": "nothing"},
        {"__typename": "Organization", "id": "nonsense"},
        {"__typename": "Listing", "id": "nonsense", "more": [1, {"a": None}]},
    ],
    "CountryCode": ["DE", "FR"],
    "CurrencyCode": ["EUR"],
    "Date": ["2026-11-22", "2020-01-01"],
    "DateTime": ["2026-11-22T12:00:00Z", "2020-01-01T00:00:00+02:00"],
    "Decimal": ["1", "2.50"],
    "Duration": ["P4W"],
    "ID": ["nonsense"],
    "LanguageTag": ["en", "ru", "de-CH"],
    "Markdown": ["*text*"],
    "String": ["nothing", "a", "data"],
    "URL": ["https://example.org/a"],
}
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(repr=False)
class Pool:
    """Values that mean something in the database, by scalar."""

    values: Mapping[str, list[Any]]

    def of(self, scalar: str) -> list[Any]:
        """Some values of a scalar."""
        return self.values.get(scalar) or VALID[scalar]


@dataclass
class Query:
    """A query and its variables."""

    text: str
    variables: dict[str, Any]


@dataclass(frozen=True, repr=False)
class Done:
    """A mutation that was done, with the input under whose key it is kept."""

    name: str
    given: Mapping[str, Any]


@dataclass
class _Writer:
    draw: Draw
    schema: GraphQLSchema
    pool: Pool
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    names: int = 0
    budget: int = 40

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def query(self) -> Query:
        root = self.schema.query_type
        assert root is not None
        return self.written("query", self.selection(root, 0))

    def mutation(self, done: Sequence[Done]) -> Query:
        """One to three mutations that were done before, asked for again with other selections."""
        root = self.schema.mutation_type
        assert root is not None
        fields = []
        for was in self.draw(st.lists(st.sampled_from(done), min_size=1, max_size=3)):
            definition = root.fields[was.name]
            given = {**was.given, **({"clientMutationId": self.name("mark")} if self.chance(50) else {})}
            value = self.variable(str(definition.args["input"].type), given)
            payload = get_named_type(definition.type)
            alias = f"{self.name('x')}: "
            fields.append(f"{alias}{was.name}(input: {value}){self.directive()} {{ {self.selection(payload, 1)} }}")
        return self.written("mutation", " ".join(fields))

    def written(self, kind: str, body: str) -> Query:
        """The whole document."""
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self.variables.items())
        head = f"{kind} Q({declared}) " if declared else f"{kind} "
        text = f"{head}{{ {body} }} {' '.join(self.fragments)}"
        return Query(text, {name: value for name, (_, value) in self.variables.items() if value is not ...})

    def selection(self, type_: GraphQLNamedType, depth: int, *, named: bool = False) -> str:
        """The inside of a selection set on a composite type; never empty.

        With `named` every field gets a name of its own, since members of an abstract type may disagree on a type.
        """
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
            shared = [] if isinstance(type_, GraphQLUnionType) else _plain(type_)
            parts = [self.draw(st.sampled_from(["__typename", *shared]))]
            possible = list(self.schema.get_possible_types(type_))
            chosen = self.draw(st.lists(st.sampled_from(possible), max_size=3, unique_by=str))
            parts += [self.condition(m, self.selection(m, depth + 1, named=True)) for m in chosen]
            wider = sorted({i.name for m in possible for i in m.interfaces if i is not type_})
            if wider and self.chance(20):
                interface = self.schema.type_map[self.draw(st.sampled_from(wider))]
                assert isinstance(interface, GraphQLInterfaceType)
                shown = self.draw(st.sampled_from([*_plain(interface), "__typename"]))
                parts.append(self.condition(interface, f"{self.name('i')}: {shown}"))
            return " ".join(parts)
        assert isinstance(type_, GraphQLObjectType)
        members = [f for f in type_.fields.items() if depth < DEEPEST or is_leaf_type(get_named_type(f[1].type))]
        count = min(len(members), self.draw(st.integers(1, 5)))
        chosen = self.draw(st.lists(st.sampled_from(members), min_size=1, max_size=max(count, 1)))
        parts = [self.field(type_, name, definition, depth, named=named) for name, definition in chosen]
        if self.chance(15):
            parts.append("__typename" if self.chance(50) else f"{self.name('n')}: __typename")
        kept = [part for part in parts if part]
        if len(kept) > 1 and self.chance(25):
            cut = self.draw(st.integers(1, len(kept) - 1))
            kept = [*kept[:cut], self.condition(type_, " ".join(kept[cut:]))]
        return " ".join(kept) or "__typename"

    def condition(self, type_: GraphQLNamedType, body: str) -> str:
        """The body inside a fragment of some sort that applies to the type."""
        directive = self.directive()
        if self.chance(50):
            return f"... on {type_.name}{directive} {{ {body} }}"
        name = self.name("F")
        self.fragments.append(f"fragment {name} on {type_.name} {{ {body} }}")
        return f"...{name}{directive}" + (f" ...{name}" if self.chance(20) else "")

    def directive(self) -> str:
        if not self.chance(15):
            return ""
        word = self.draw(st.sampled_from(["include", "skip"]))
        value = self.draw(st.booleans())
        if self.chance(50):
            return f" @{word}(if: {'true' if value else 'false'})"
        name = self.name("b")
        self.variables[name] = ("Boolean!", value)
        return f" @{word}(if: ${name})"

    def field(self, type_: GraphQLObjectType, name: str, definition: GraphQLField, depth: int, *, named: bool) -> str:
        self.budget -= 1
        target = get_named_type(definition.type)
        if self.budget < 0 and not is_leaf_type(target):
            return ""
        arguments = self.arguments(definition)
        plain = not arguments and is_leaf_type(target)
        alias = "" if plain and not named and self.chance(60) else f"{self.name('x')}: "
        head = f"{alias}{name}{arguments}{self.directive()}"
        if is_leaf_type(target):
            return head
        once = f"{head} {{ {self.selection(target, depth + 1)} }}"
        if self.chance(10) and not isinstance(binding_of(type_, name, definition), PagePart):
            once += f" {alias}{name}{arguments} {{ {self.selection(target, depth + 1)} }}"
        return once

    def arguments(self, definition: GraphQLField) -> str:
        written = []
        for name, argument in definition.args.items():
            if name in PAGING:
                continue
            if is_required_argument(argument) or self.chance(40):
                written.append(f"{name}: {self.value(argument.type)}")
        if set(definition.args) >= PAGING:
            way = self.draw(st.sampled_from(["first", "last"]))
            size = self.draw(st.integers(1, 4))
            written.append(f"{way}: {self.variable('Int', size) if self.chance(50) else size}")
        return f"({', '.join(written)})" if written else ""

    def variable(self, type_: str, value: Any) -> str:
        name = self.name("v")
        self.variables[name] = (type_, value)
        return f"${name}"

    def value(self, type_: GraphQLInputType) -> str:
        """A value as it stands in the document, which may be a variable: given, by its default, null or left out."""
        if not self.chance(35):
            return self.literal(type_)
        way = self.draw(st.sampled_from(["given", "given", "default", "overruled", "absent", "null"]))
        optional = not isinstance(type_, GraphQLNonNull)
        if way in {"default", "overruled"}:
            constant = self.literal(type_, constant=True)
            plain = str(type_).removesuffix("!") if way == "default" and self.chance(50) else str(type_)
            return self.variable(f"{plain} = {constant}", ... if way == "default" else self.json(type_))
        if way in {"absent", "null"} and optional:
            return self.variable(str(type_), ... if way == "absent" else None)
        return self.variable(str(type_), self.json(type_))

    def literal(self, type_: GraphQLInputType, *, constant: bool = False) -> str:
        again = partial(self.literal, constant=constant)
        if isinstance(type_, GraphQLNonNull):
            return again(type_.of_type)
        if isinstance(type_, GraphQLList):
            return f"[{', '.join(again(type_.of_type) for _ in range(self.draw(st.integers(0, 3))))}]"
        if isinstance(type_, GraphQLInputObjectType):
            # A variable at a field of a @oneOf input would have to be of a non-null type.
            write = again if type_.is_one_of or constant else self.value
            return f"{{{', '.join(f'{k}: {write(type_.fields[k].type)}' for k in self.keys(type_))}}}"
        value = self.json(type_)
        return str(value) if isinstance(type_, GraphQLEnumType) else written(value)

    def keys(self, type_: GraphQLInputObjectType) -> list[str]:
        if type_.is_one_of:
            return [self.draw(st.sampled_from(sorted(type_.fields)))]
        return [name for name, f in type_.fields.items() if is_required_input_field(f) or self.chance(40)]

    def json(self, type_: GraphQLInputType) -> Any:
        """A value as it stands in the variables."""
        if isinstance(type_, GraphQLNonNull):
            return self.json(type_.of_type)
        if isinstance(type_, GraphQLList):
            return [self.json(type_.of_type) for _ in range(self.draw(st.integers(0, 3)))]
        if isinstance(type_, GraphQLInputObjectType):
            return {name: self.json(type_.fields[name].type) for name in self.keys(type_)}
        known = {"Int": st.integers(0, 5), "Boolean": st.booleans()}
        if isinstance(type_, GraphQLEnumType):
            known[type_.name] = st.sampled_from(sorted(type_.values))
        if type_.name not in known:
            known[type_.name] = st.sampled_from(self.pool.of(type_.name))
        return self.draw(known[type_.name])


def written(value: Any) -> str:
    """A JSON value as GraphQL writes it: names of members stand without quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {written(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _plain(type_: GraphQLInterfaceType) -> list[str]:
    """The leaf fields of an interface."""
    return [name for name, f in type_.fields.items() if is_leaf_type(get_named_type(f.type)) and not f.args]


def repetitions(schema: GraphQLSchema, pool: Pool, done: Sequence[Done]) -> st.SearchStrategy[Query]:
    """Random documents that ask again for mutations that were done."""

    @st.composite
    def make(draw: Draw) -> Query:
        return _Writer(draw, schema, pool).mutation(done)

    return make()


def queries(schema: GraphQLSchema, pool: Pool) -> st.SearchStrategy[Query]:
    """Random valid queries."""

    @st.composite
    def make(draw: Draw) -> Query:
        return _Writer(draw, schema, pool).query()

    return make()
