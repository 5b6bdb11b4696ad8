"""Every field × everybody × an own, a foreign and a public thing: what each one gets, and that no mark leaks.

A cell is one field, one who asks, and one place of the thing: `own` (what ties them to it), `public` (everybody sees
it), `foreign` (neither) or `root` (a field that needs no thing). What is expected comes from `policy`, which is no part
of the product. A field that no cell has reached, and a type about which nobody has said who sees it, fail.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type

from countersign.kit.access import Actor
from countersign.reads.bindings import bound_of
from tests.authority import policy
from tests.authority.place import CORE, MARK, NODES, Place
from tests.authority.policy import Thing
from tests.authority.questions import Chosen, Questions, below_things, in_portions, objects, reached

REFUSED: Final = {"FORBIDDEN", "UNAUTHENTICATED"}
NAMES: Final = ("handle", "slug", "digest", "uri")
SHOWN, HIDDEN, DENIED = "shown", "hidden", "denied"
ENOUGH_ACTORS: Final = 12
ENOUGH_NAMES: Final = 4
ENOUGH_DRAFTS = 6
"""Three marks stand in each draft; of each school the first and the last that it sees are asked for."""
QUESTIONS: Final = Questions(CORE, {})
assert CORE.query_type is not None
ROOTS: Final = {chosen.coordinate: chosen for chosen in QUESTIONS.of(CORE.query_type)}
Cell = tuple[str, str, str]
"""A field, who asks, and the place of the thing."""


@dataclass(repr=False)
class Matrix:
    """What was found: for each cell what happened and what should have."""

    cells: dict[Cell, tuple[str, str]] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)

    def put(self, cell: Cell, found: str, expected: str) -> None:
        """Keep what a cell says; what is wrong once stays."""
        before = self.cells.get(cell)
        if before is None or before[0] == before[1]:
            self.cells[cell] = (found, expected)

    @property
    def wrong(self) -> list[str]:
        """The cells that say something else than they should."""
        return [
            f"{' × '.join(cell)}: {found}, not {right}" for cell, (found, right) in self.cells.items() if found != right
        ]


@dataclass(repr=False)
class Guest:
    """Somebody who asks, with what they may see."""

    name: str
    actor: Actor
    ids: set[str]
    marks: set[str]


class Filling:
    """Asks everything of everybody."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.matrix = Matrix()
        skill = place.book.things["Skill"][0].key
        employer = place.world.first.employer["reviewer"].organization_id
        judged = next(v["id"] for v in place.book.tables["spec_versions"] if v["state"] == "published")
        given = {
            "Query.searchCandidates": f'(skills: ["skill_{skill}"], first: 10)',
            "Query.labourMarketEvidence": '(corpus: "Invented vacancies", query: "python")',
            "Query.conflictCheck": f'(organizationId: "org_{employer}", specVersionId: "version_{judged}")',
        }
        self.roots = Questions(CORE, given)

    async def fill(self) -> Matrix:
        """The whole matrix."""
        for name, actor in self.place.world.actors.items():
            guest = Guest(name, actor, self.place.seen_ids(actor), self.place.allowed_marks(actor))
            for type_name in NODES:
                things = self.place.by_place(actor, type_name)
                type_ = CORE.type_map[type_name]
                assert isinstance(type_, GraphQLObjectType)
                for portion in in_portions(QUESTIONS.of(type_)):
                    await self.below(guest, portion, type_name, things)
                await self.named(guest, type_name, things)
            await self.at_the_root(guest)
        return self.matrix

    async def below(
        self, guest: Guest, portion: Sequence[Chosen], type_name: str, things: dict[str, list[Thing]]
    ) -> None:
        """Ask a portion of a type's fields, of its things at each place."""
        asked = [(where, thing) for where, found in things.items() for thing in found]
        text = below_things(type_name, portion)
        body = await self.place.ask(text, guest.actor, ids=[self.place.id(thing, guest.actor) for _, thing in asked])
        if not self.permitted(guest, portion):
            for where, _ in asked:
                for each in portion:
                    self.matrix.put((each.coordinate, guest.name, where), refusal(body), DENIED)
            return
        assert "errors" not in body, (text, body)
        for (where, _), found in zip(asked, body["data"]["nodes"], strict=True):
            for coordinate, there in reached(portion, found):
                expected = HIDDEN if where == "foreign" else SHOWN
                self.matrix.put((coordinate, guest.name, where), SHOWN if there else HIDDEN, expected)
        self.check(guest, body)

    async def named(self, guest: Guest, type_name: str, things: dict[str, list[Thing]]) -> None:
        """Ask every root field for things of a type by each of the names that they have."""
        bound = self.place.book.bounds[type_name]
        for where, found in things.items():
            for thing in found[:1]:
                expected = HIDDEN if where == "foreign" else SHOWN
                id_ = self.place.id(thing, guest.actor)
                for coordinate, text, value in finders(type_name, id_, thing, bound.keys):
                    body = await self.place.ask(text, guest.actor, v=value)
                    if not self.permitted(guest, [ROOTS[coordinate]]):
                        self.matrix.put((coordinate, guest.name, where), refusal(body), DENIED)
                        continue
                    assert "errors" not in body, (text, body)
                    answer = body["data"]["found"]
                    there = answer[0] is not None if isinstance(answer, list) else answer is not None
                    self.matrix.put((coordinate, guest.name, where), SHOWN if there else HIDDEN, expected)
                    self.check(guest, body)

    async def at_the_root(self, guest: Guest) -> None:
        """Ask every root field that needs no thing: what it leads to must be what the actor may see."""
        assert CORE.query_type is not None
        for chosen in self.roots.of(CORE.query_type):
            if chosen.name in {"node", "nodes", "_entities"}:
                continue
            body = await self.place.ask(f"{{ {chosen.written()} }}", guest.actor)
            if not self.permitted(guest, [chosen]):
                self.matrix.put((chosen.coordinate, guest.name, "root"), refusal(body), DENIED)
                continue
            assert "errors" not in body, (chosen.written(), body)
            for coordinate, there in reached([chosen], body["data"]):
                self.matrix.put((coordinate, guest.name, "root"), SHOWN if there else HIDDEN, SHOWN)
            self.check(guest, body)

    def check(self, guest: Guest, body: Any) -> None:
        """Note every thing and every mark in an answer that its reader may not see."""
        for found in objects(body):
            if found.get("__typename") in NODES and "id" in found and found["id"] not in guest.ids:
                self.matrix.leaks.append(f"{guest.name} was shown {found['__typename']} {found['id']}")
        marks = set(MARK.findall(json.dumps(body)))
        self.matrix.marks |= marks
        leaked = marks - guest.marks
        self.matrix.leaks += [f"{guest.name} was shown {mark} of {sorted(self.place.marks[mark])}" for mark in leaked]

    @staticmethod
    def permitted(guest: Guest, portion: Sequence[Chosen]) -> bool:
        """Whether the guest holds every permission that these fields ask for."""
        needs = {c.requires for each in portion for c in each.every() if c.requires is not None}
        return all(policy.may(guest.actor, permission) for permission in needs)


def refusal(body: dict[str, Any]) -> str:
    """Whether an answer is a refusal for want of authority; else what it is."""
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    return DENIED if codes and codes <= REFUSED and body.get("data") is None else f"answered {sorted(codes)}"


def finders(type_name: str, id_: str, thing: Thing, keys: Sequence[str]) -> Iterator[tuple[str, str, Any]]:
    """Every root field that finds one thing of a type, by each name of it: its coordinate, the question, its `$v`."""
    shown = f"{{ __typename ... on {type_name} {{ id }} }}"
    yield "Query.node", f"query ($v: ID!) {{ found: node(id: $v) {shown} }}", id_
    yield "Query.nodes", f"query ($v: [ID!]!) {{ found: nodes(ids: $v) {shown} }}", [id_]
    names = {key: thing.row[key] for key in NAMES if key in thing.row} | {"id": id_}
    for key in keys:
        if key in names:
            text = f"query ($v: [_Any!]!) {{ found: _entities(representations: $v) {shown} }}"
            yield "Query._entities", text, [{"__typename": type_name, key: names[key]}]
    assert CORE.query_type is not None
    for name, definition in CORE.query_type.fields.items():
        if get_named_type(definition.type).name == type_name:
            for argument, value in _named(definition, names):
                given = definition.args[argument].type
                text = f"query ($v: {given}) {{ found: {name}({argument}: $v) {{ __typename id }} }}"
                yield f"Query.{name}", text, value


def _named(definition: GraphQLField, names: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if "id" in definition.args:
        yield "id", names["id"]
    by = definition.args.get("by")
    if by is not None:
        yield from (("by", {key: names[key]}) for key in getattr(get_named_type(by.type), "fields", {}) if key in names)


def fields() -> Iterator[str]:
    """Every field that a query can show."""
    for type_ in CORE.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        paged = type_.name == "PageInfo" or type_.name.endswith(("Connection", "Edge"))
        if bound_of(type_) is not None or paged or type_ is CORE.query_type:
            yield from (f"{type_.name}.{name}" for name in type_.fields)


async def test_every_field_shows_to_everybody_what_the_policy_says_and_nothing_else(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = await Filling(place).fill()
    actors = {actor for _, actor, _ in matrix.cells}
    counted = Counter(found for found, _ in matrix.cells.values())
    with capsys.disabled():
        sys.stdout.write(f" {len(matrix.cells)} cells, {len(actors)} actors: {dict(counted)} ")
    assert matrix.wrong == []
    assert matrix.leaks == []
    seen = {coordinate for (coordinate, _, _), (found, _) in matrix.cells.items() if found == SHOWN}
    assert sorted(set(fields()) - seen) == [], "give tests/authority/world.py something that these fields show"
    assert len(actors) >= ENOUGH_ACTORS
    # The marks are there to be found: the registrars read the holders' names, the schools their drafts.
    names = set(place.world.personal) & matrix.marks
    drafts = {mark for mark, at in place.marks.items() if {table for table, _ in at} == {"spec_drafts"}}
    assert len(names) >= ENOUGH_NAMES
    assert len(drafts & matrix.marks) >= ENOUGH_DRAFTS


def test_of_every_type_somebody_has_said_who_sees_it(place: Place) -> None:
    for name, things in place.book.things.items():
        for thing in things[:1]:
            place.book.sees(place.world.first.school["author"], thing)
        assert name in policy.LISTED or place.book.bounds[name].view.seen
