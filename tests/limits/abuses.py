"""Thirty-nine ways to make a GraphQL server work for nothing, each beside an honest request of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

HONEST = "{ organizations(first: 2) { nodes { id handle } } }"
A = 'organization(by: {handle: "a"})'
PAGES = "query ($n: Int!, $m: Int!) { organizations(first: $n) { nodes { subsidiaries(first: $m) { nodes { id } } } } }"
DOCUMENT, COST = "DOCUMENT_LIMIT_EXCEEDED", "OPERATION_TOO_COMPLEX"
PARSE, VALIDATION, INPUT = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"


@dataclass(frozen=True)
class Abuse:
    """A hostile request, the code of its refusal, what the refusal says, and what must go on working beside it.

    `code` None means that it may run, and must be answered by one statement at most.
    """

    name: str
    query: str
    code: str | None
    says: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    honest: str = HONEST
    honest_variables: dict[str, Any] = field(default_factory=dict)
    body: Callable[[str], bytes] | None = None


def chain(links: int, link: Callable[[int], str], last: str, type_: str = "Query") -> str:
    """Fragments F0 … Fn, each made by `link` from the number of the next one."""
    made = [f"fragment F{n} on {type_} {{ {link(n + 1)} }}" for n in range(links)]
    return " ".join([*made, f"fragment F{links} on {type_} {{ {last} }}"])


def each(count: int, make: Callable[[int], str]) -> str:
    """`count` texts, one after the other."""
    return " ".join(make(n) for n in range(count))


def nested(count: int, opening: str, middle: str) -> str:
    """`middle` inside `count` pairs of braces."""
    return opening * count + middle + "}" * count


def twice(link: int) -> str:
    """The link that makes a chain double at each step."""
    return f"...F{link} ...F{link}"


ABUSES: tuple[Abuse, ...] = (
    Abuse(
        "fragments that double 18 times",
        "{ ...F0 } " + chain(18, twice, "__typename"),
        DOCUMENT,
        "selected fields",
        honest="{ ...F0 } " + chain(3, twice, "__typename"),
    ),
    Abuse("fragments that double 50 times", "{ ...F0 } " + chain(50, twice, "__typename"), DOCUMENT, "selected fields"),
    Abuse(
        "fragments that double through fields",
        f"{{ {A} {{ ...F0 }} }} "
        + chain(11, lambda n: f"a: parent {{ ...F{n} }} b: parent {{ ...F{n} }}", "id", "Organization"),
        DOCUMENT,
        "selected fields",
    ),
    Abuse(
        "fragments that double through inline fragments",
        "{ ...F0 } " + chain(24, lambda n: f"... {{ ...F{n} }} ... on Query {{ ...F{n} }}", "__typename"),
        DOCUMENT,
        "selected fields",
    ),
    Abuse(
        "aliases that triple in fragments",
        "{ ...F0 } " + chain(12, lambda n: f"a{n}: __typename ...F{n} ...F{n} ...F{n}", "__typename"),
        DOCUMENT,
        "selected fields",
    ),
    Abuse(
        "a chain of 200 fragments",
        "{ ...F0 } " + chain(200, lambda n: f"...F{n}", "__typename"),
        DOCUMENT,
        "levels of nesting",
        honest="{ ...F0 } " + chain(20, lambda n: f"...F{n}", "__typename"),
    ),
    Abuse("fragments in a circle", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", VALIDATION),
    Abuse(
        "a circle through a field",
        f"{{ {A} {{ ...A }} }} fragment A on Organization {{ parent {{ ...A }} }}",
        VALIDATION,
        "within itself",
    ),
    Abuse(
        "a mesh of circles",
        "{ ...F0 } " + each(16, lambda n: f"fragment F{n} on Query {{ {each(16, lambda m: f'...F{m}')} }}"),
        DOCUMENT,
        "selected fields",
    ),
    Abuse("fragments that nobody wrote", f"{{ {each(200, lambda n: f'...U{n}')} }}", VALIDATION, "Unknown fragment"),
    Abuse(
        "fragments that nobody uses",
        "{ __typename } " + each(100, lambda n: f"fragment F{n} on Query {{ rubric {{ code }} }}"),
        VALIDATION,
        "never used",
    ),
    Abuse(
        "aliases at the root",
        f"{{ {each(100, lambda n: f'a{n}: __typename')} }}",
        DOCUMENT,
        "aliases",
        honest=f"{{ {each(10, lambda n: f'a{n}: __typename')} }}",
    ),
    Abuse(
        "aliases in a list",
        f"{{ organizations(first: 100) {{ nodes {{ {each(31, lambda n: f'a{n}: handle')} }} }} }}",
        DOCUMENT,
        "31 aliases",
        honest=f"{{ organizations(first: 100) {{ nodes {{ {each(30, lambda n: f'a{n}: handle')} }} }} }}",
    ),
    Abuse(
        "aliases behind fragments",
        f"{{ {A} {{ {'p: parent { ...F } ' * 16} }} }} fragment F on Organization {{ a: id b: handle }}",
        DOCUMENT,
        "48 aliases",
    ),
    Abuse(
        "root fields",
        f"{{ {'rubric { code } ' * 11} }}",
        DOCUMENT,
        "11 root fields",
        honest=f"{{ {'rubric { code } ' * 10} }}",
    ),
    Abuse(
        "the same field 290 times",
        f"{{ {A} {{ {'id ' * 290} }} }}",
        DOCUMENT,
        "repetitions of the same field",
        honest=f"{{ {A} {{ {'id ' * 40} }} }}",
    ),
    Abuse(
        "the same objects 95 times, two deep",
        f"{{ {A} {{ {'parent { parent { id } } ' * 95} }} }}",
        DOCUMENT,
        "repetitions of the same field",
    ),
    Abuse(
        "fields that cannot be merged",
        f"{{ {A} {{ {each(30, lambda n: f'subsidiaries(first: {n + 1}) {{ totalCount }}')} }} }}",
        VALIDATION,
        "conflict",
    ),
    Abuse(
        "directives on one field",
        f"{{ __typename {'@include(if: true) ' * 51} }}",
        DOCUMENT,
        "51 directives",
        honest=f"{{ {A} {{ {'... @include(if: true) { id } ' * 40} }} }}",
    ),
    Abuse("directives that nobody knows", f"{{ __typename {'@a ' * 900} }}", DOCUMENT, "900 directives"),
    Abuse(
        "directives behind fragments",
        f"{{ {A} {{ {'parent { ...F } ' * 20} }} }}"
        " fragment F on Organization { id @skip(if: false) handle @skip(if: true) kind @include(if: true) }",
        DOCUMENT,
        "60 directives",
    ),
    Abuse(
        "parents of parents",
        f"{{ {A} {{ {nested(12, 'parent {', 'id')} }} }}",
        DOCUMENT,
        "13 levels of depth",
        honest=f"{{ {A} {{ {nested(11, 'parent {', 'id')} }} }}",
    ),
    Abuse(
        "lists of lists that come back to themselves",
        "{ organizations(first: 100) { nodes { subsidiaries(first: 100) { nodes { subsidiaries(first: 100) { nodes"
        " { id } } } } } } }",
        COST,
        "costs",
    ),
    Abuse("inline fragments 300 deep", f"{{ {nested(300, '... {', '__typename')} }}", DOCUMENT, "levels of nesting"),
    Abuse("a page without end", "{ organizations(first: 1000000000) { nodes { id } } }", INPUT, "1 to 100"),
    Abuse(
        "pages in pages by variables",
        PAGES,
        COST,
        "costs",
        variables={"n": 100, "m": 100},
        honest=PAGES,
        honest_variables={"n": 10, "m": 10},
    ),
    Abuse(
        "pages in pages by defaults of variables",
        "query ($n: Int = 100) { organizations(first: $n) { nodes { subsidiaries(last: $n) {"
        " edges { node { id } } } } } }",
        COST,
        "costs",
    ),
    Abuse(
        "counts in every row",
        "{ organizations(first: 100) { nodes { "
        + each(12, lambda n: f"c{n}: subsidiaries(first: 1) {{ totalCount }}")
        + " } } }",
        COST,
        "costs",
        honest="{ organizations(first: 20) { totalCount nodes { subsidiaries(first: 1) { totalCount } } } }",
    ),
    Abuse(
        "ten thousand ids",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        COST,
        "more than 5000 values",
        variables={"ids": ["x"] * 10_000},
        honest="query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        honest_variables={"ids": ["x"] * 100},
    ),
    Abuse(
        "a hundred ids with lists behind each",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Organization { subsidiaries(first: 100) {"
        " nodes { id } } } } }",
        COST,
        "costs",
        variables={"ids": ["x"] * 100},
    ),
    Abuse(
        "an input object 600 deep",
        f"{{ organizations(first: 1, filter: {nested(600, '{kind: ', '1')}) {{ totalCount }} }}",
        DOCUMENT,
        "levels of nesting",
    ),
    Abuse(
        "a value of variables 40 deep",
        "query ($f: OrganizationFilter) { organizations(first: 1, filter: $f) { totalCount } }",
        "BAD_REQUEST",
        "32",
        body=lambda query: (
            b'{"query": "%s", "variables": {"f": %s}}' % (query.encode(), b'{"kind": ' * 40 + b"1" + b"}" * 40)
        ),
    ),
    Abuse(
        "names of 300 letters",
        "{ " + "a" * 300 + " }",
        DOCUMENT,
        "300 characters in a name",
        honest='{ nodes(ids: ["' + "a" * 300 + '"]) { id } }',
    ),
    Abuse("a document of 120,000 characters", "{ __typename } #" + "x" * 120_000, DOCUMENT, "characters"),
    Abuse("tokens without end", "{ " + "__typename " * 2_100 + "}", DOCUMENT, "tokens"),
    Abuse(
        "operations without end",
        each(11, lambda n: f"query Q{n} {{ __typename }}"),
        DOCUMENT,
        "11 operations",
    ),
    Abuse(
        "a batch",
        "",
        "BAD_REQUEST",
        "batches",
        body=lambda _query: b"[" + b", ".join([b'{"query": "{ __typename }"}'] * 100) + b"]",
    ),
    Abuse(
        "introspection in circles",
        "{ __schema { types { "
        + each(20, lambda n: f"a{n}: fields {{ type {{ ofType {{ fields {{ type {{ ofType {{ name }} }} }} }} }} }}")
        + " } } }",
        COST,
        "costs",
        honest="{ __schema { queryType { name } } }",
    ),
    Abuse(
        "an error for each of 400 fields",
        f"{{ {A} {{ {each(280, lambda n: f'no{n}')} }} }}",
        VALIDATION,
        "Cannot query field",
    ),
)


def names(abuses: Iterable[Abuse]) -> list[str]:
    """What the checks are called."""
    return [abuse.name for abuse in abuses]
