"""Documents from the schema: operations with arguments, variables, fragments and directives; then mutations of them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from tests.fuzz.values import Values

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
LED = 0.2
INTROSPECTION = [
    "{ __schema { types { name kind fields { name type { name ofType { name } } } } } }",
    '{ __type(name: "CredentialSpec") { fields { name } } }',
    "{ __schema { directives { name locations args { name defaultValue } } } }",
    "query { __typename }",
    "mutation { __typename }",
    "subscription { __typename }",
]
WIDE = """
{ credentialSpecs(first: 100) { nodes {
  versions(first: 100) { nodes { endorsements(first: 100) { nodes { id } } } }
} } }
"""


class Enum(str):
    """A name that stands bare in a literal."""

    __slots__ = ()


@dataclass
class Drawn:
    """A document and what goes with it."""

    text: str
    variables: dict[str, Any]
    operation_name: Any = None
    kind: str = "query"


@dataclass
class Grammar:
    """Draws documents over one schema."""

    schema: GraphQLSchema
    draw: random.Random
    values: Values
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    left: int = 40  # selections that may still be made
    leads: Mapping[str, str] = field(default_factory=dict)  # of a type: the field towards what was never asked

    def document(self) -> Drawn:
        """One document: mostly one operation; sometimes several, sometimes introspection, sometimes an attack."""
        draw = self.draw
        chance = draw.random()
        if chance < 0.03:
            return Drawn(draw.choice(INTROSPECTION), {})
        if chance < 0.07:
            return Drawn(self.attack(), {})
        kind = draw.choices(["query", "mutation", "subscription"], [70, 26, 4])[0]
        text = self.operation(kind)
        name: Any = None
        if self.values.odd() and draw.random() < 0.3:
            text += "\nquery Other { __typename }"
            name = draw.choice([None, "Other", "", "nothing", 3])
        return Drawn("\n".join([text, *self.fragments]), self.variables, name, kind)

    def operation(self, kind: str) -> str:
        """An operation on one to three root fields."""
        root = {
            "query": self.schema.query_type,
            "mutation": self.schema.mutation_type,
            "subscription": self.schema.subscription_type,
        }[kind]
        if root is None:
            return f"{kind} {{ __typename }}"
        many = 1 if kind == "subscription" else self.draw.choice([1, 1, 1, 2, 3])
        chosen = [self.selection(*pair, 0) for pair in self.some(root, many)]
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        name = self.draw.choice(["", f" {kind.title()}Of", " é"[: self.values.odd() * 2]])
        return f"{kind}{name}{declared} {{ {' '.join(chosen)} }}"

    def some(self, owner: GraphQLObjectType | GraphQLInterfaceType, many: int) -> list[tuple[str, GraphQLField]]:
        """That many fields of a type, each at most once; now and then the one towards what was never asked."""
        chosen = self.draw.sample(list(owner.fields.items()), min(many, len(owner.fields)))
        lead = self.leads.get(owner.name)
        if lead and self.draw.random() < LED and lead not in dict(chosen):
            chosen[0] = (lead, owner.fields[lead])
        return chosen

    def selection(self, name: str, made: GraphQLField, depth: int) -> str:
        """One field with its arguments and what is selected below."""
        self.left -= 1
        alias = (
            f"{self.draw.choice(['a', 'b', 'x1', '_'])}{depth}{self.left % 97}: " if self.draw.random() < 0.35 else ""
        )
        if self.values.odd() and self.draw.random() < 0.1:
            name = self.draw.choice([name + "x", "__typename", "nothing", name[:-1]])
        return f"{alias}{name}{self.arguments(made)}{self.directive()}{self.below(made.type, depth)}"

    def below(self, type_: GraphQLOutputType, depth: int) -> str:
        """The selection set that a field's type needs; none for a leaf."""
        named = get_named_type(type_)
        if not is_composite_type(named):
            return "" if not (self.values.odd() and self.draw.random() < 0.05) else " { id }"
        return f" {{ {self.inside(named, depth + 1)} }}"

    def inside(self, owner: Composite, depth: int) -> str:
        """What is selected of a composite type."""
        draw = self.draw
        if isinstance(owner, GraphQLUnionType) or (isinstance(owner, GraphQLInterfaceType) and draw.random() < 0.6):
            possible = list(self.schema.get_possible_types(owner))
            chosen = draw.sample(possible, min(len(possible), draw.choice([1, 2, 3])))
            parts = [f"... on {each.name}{self.directive()} {{ {self.inside(each, depth)} }}" for each in chosen]
            return " ".join(["__typename", *parts])
        fields = self.some(owner, draw.choice([1, 2, 3, 5]))
        deep = depth > draw.choice([3, 4, 5, 6, 11]) or self.left <= 0
        parts = []
        for name, made in fields:
            if deep and is_composite_type(get_named_type(made.type)):
                continue
            parts.append(self.selection(name, made, depth))
        whole = " ".join(parts) or "__typename"
        if draw.random() < 0.06:
            called = f"F{len(self.fragments)}{depth}"
            self.fragments.append(f"fragment {called} on {owner.name} {{ {whole} }}")
            return f"...{called}{self.directive()}"
        if draw.random() < 0.04:
            return f"... {{ {whole} }} {whole}"
        return whole

    def arguments(self, made: GraphQLField) -> str:
        """The arguments of a field: those it needs, some of the others; page sizes always, since lists want one."""
        given = {}
        backwards = self.draw.random() < 0.15
        for name, argument in made.args.items():
            paging = name == ("last" if backwards else "first")
            wanted = is_required_argument(argument) or paging or self.draw.random() < 0.25
            other = name == ("first" if backwards else "last") or (
                name in {"after", "before"} and self.draw.random() < 0.5
            )
            if self.values.odd() and self.draw.random() < 0.15:
                wanted = not wanted
            elif other:
                wanted = False
            if wanted:
                given[name] = self.given(name, argument)
        if self.values.odd() and self.draw.random() < 0.05:
            given["nothing"] = "1"
        return f"({', '.join(f'{name}: {text}' for name, text in given.items())})" if given else ""

    def given(self, name: str, argument: GraphQLArgument) -> str:
        """An argument's value: a literal, or a variable that is declared and given."""
        value = self.value(argument.type, name)
        if self.draw.random() < 0.4:
            variable = f"v{len(self.declared)}"
            type_ = str(argument.type)
            if self.values.odd() and self.draw.random() < 0.2:
                type_ = self.draw.choice(["String", "Int", "ID!", "[ID]", "Nothing", type_ + "!"])
            default = f" = {literal(value)}" if self.draw.random() < 0.1 else ""
            self.declared.append(f"${variable}: {type_}{default}")
            if not (self.values.odd() and self.draw.random() < 0.3):
                self.variables[variable] = value
            return f"${variable}"
        return literal(value)

    def value(self, type_: GraphQLInputType, name: str, depth: int = 0) -> Any:
        """A JSON value for an input type."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, name, depth) if not self.rarely() else None
        if self.rarely():
            return self.draw.choice([None, self.values.garbage()])
        if isinstance(type_, GraphQLList):
            many = self.draw.choice([0, 1, 1, 2, 3, 101 if self.rarely() else 2])
            return [self.value(type_.of_type, name.removesuffix("s"), depth + 1) for _ in range(many)]
        if isinstance(type_, GraphQLEnumType):
            names = list(type_.values)
            return Enum(self.draw.choice(names if not self.rarely() else [*names, "NOTHING", "null", "true"]))
        if isinstance(type_, GraphQLInputObjectType):
            return self.object(type_, depth)
        assert isinstance(type_, GraphQLScalarType)
        return self.values.scalar(type_.name, name)

    def object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        """An input object: what it needs and some of the rest; exactly one member of a @oneOf, as a rule."""
        fields = list(type_.fields.items())
        if type_.is_one_of and not self.rarely():
            name, chosen = self.draw.choice(fields)
            return {name: self.value(GraphQLNonNull(get_nullable_type(chosen.type)), name, depth + 1)}
        made = {
            name: self.value(each.type, name, depth + 1)
            for name, each in fields
            if self.is_needed(each) or self.draw.random() < (0.3 if depth < 4 else 0.0)
        }
        if self.rarely():
            made[self.draw.choice(["nothing", "__proto__", "id"])] = self.values.garbage()
        return made

    def is_needed(self, each: GraphQLInputField) -> bool:
        """Whether an object must have the member (rarely left out all the same)."""
        return is_required_input_field(each) and not self.rarely()

    def rarely(self) -> bool:
        """Whether something that is seldom wrong goes wrong here."""
        return self.values.odd() and self.draw.random() < 0.2

    def directive(self) -> str:
        """Mostly none."""
        if self.draw.random() > 0.06:
            return ""
        if self.values.odd() and self.draw.random() < 0.3:
            return self.draw.choice([" @nothing", " @skip", ' @include(if: "x")', " @skip(if: true) @skip(if: true)"])
        name = self.draw.choice(["skip", "include"])
        if self.draw.random() < 0.5:
            return f" @{name}(if: {self.draw.choice(['true', 'false'])})"
        variable = f"v{len(self.declared)}"
        self.declared.append(f"${variable}: Boolean!")
        self.variables[variable] = self.draw.choice([True, False])
        return f" @{name}(if: ${variable})"

    def attack(self) -> str:
        """A document made to be expensive or confusing."""
        many = self.draw.choice([5, 20, 200, 3_000])
        leaf = 'organization(by: {handle: "x"}) { id }'
        return self.draw.choice(
            [
                "{ " + " ".join(f"a{n}: {leaf}" for n in range(many)) + " }",
                "{ " + "skillFrameworks { " * min(many, 200) + "id" + " }" * min(many, 200) + " }",
                "query { ...F0 } "
                + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(min(many, 60)))
                + f" fragment F{min(many, 60)} on Query {{ __typename }}",
                "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
                "{ __typename" + " @skip(if: false)" * many + " }",
                "{ " + "__typename " * many + "}",
                "{ organizations(first: 100) { nodes { " + "versions: " * 3 + "id } } }",
                "query(" + ", ".join(f"$v{n}: Int = {n}" for n in range(many)) + ") { __typename }",
                "{ " + "[" * many + "]" * many + " }",
                "{ stack(by: {id: " + "{a: " * min(many, 200) + "1" + "}" * min(many, 200) + "}) { id } }",
                "#" * many + "\n{ __typename }",
                " ".join(f"query Q{n} {{ __typename }}" for n in range(many)),
                WIDE,
            ],
        )


def literal(value: Any) -> str:
    """A JSON value as GraphQL writes it."""
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        keys = [(re.sub(r"\W", "_", key, flags=re.ASCII) or "_", item) for key, item in value.items()]
        return f"{{{', '.join(f'{key}: {literal(item)}' for key, item in keys)}}}"
    return json.dumps(value)


def spoil(draw: random.Random, text: str) -> str:
    """A text with one to three small injuries, as a careless hand or a broken program makes them."""
    injuries = [
        "{",
        "}",
        "(",
        ")",
        "$",
        "@",
        "...",
        '"',
        '"""',
        ":",
        "!",
        "\\",
        "\x00",
        "\ud800",
        "é",
        "#",
        "[",
        "0",
        "\ufeff",
    ]
    for _ in range(draw.choice([1, 1, 2, 3])):
        if not text:
            return draw.choice(injuries)
        place, length = draw.randrange(len(text)), draw.choice([1, 1, 2, 5, 20])
        kind = draw.randrange(5)
        if kind == 0:
            text = text[:place] + text[place + length :]
        elif kind == 1:
            text = text[:place] + draw.choice(injuries) + text[place:]
        elif kind == 2:
            text = text[:place] + text[place : place + length] * draw.choice([2, 3, 40]) + text[place + length :]
        elif kind == 3:
            text = text[:place]
        else:
            other = draw.randrange(len(text))
            text = text[:place] + text[other : other + length] + text[place + length :]
    return text
