"""The engine over both markets, and what each one may see of them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLInterfaceType

from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.budgets import Charge
from countersign.kit.ids import Sealer
from countersign.reads.errors import Unreadable
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from tests.authority.policy import Book, Thing, table_of
from tests.authority.world import World

SEALER: Final = Sealer(b"s" * 32)
CORE: Final = the_schema()._schema
MARK: Final = re.compile(r"cnry\d{6}")
CHARGE: Final = Charge(allowed=True, points=7, limit=10_000, remaining=9_000, reset_seconds=10)
_NODE = CORE.type_map["Node"]
assert isinstance(_NODE, GraphQLInterfaceType)
NODES: Final = sorted(type_.name for type_ in CORE.get_possible_types(_NODE))


@dataclass(repr=False)
class Place:
    """The engine over both markets, and all that is known of them."""

    engine: Engine
    world: World
    book: Book
    marks: dict[str, set[tuple[str, str]]]
    """Where a mark stands: tables and keys of rows."""

    async def raw(self, text: str, actor: Actor, **variables: Any) -> bytes:
        """The bytes of an answer."""
        request = Request(text, variables)
        try:
            answer = await self.engine.execute(self.engine.prepare(request, actor), actor, "matrix", CHARGE)
        except Unreadable as unreadable:
            answer = self.engine.refused(unreadable, "matrix")
        return answer.render()

    async def ask(self, text: str, actor: Actor, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        body: dict[str, Any] = json.loads(await self.raw(text, actor, **variables))
        return body

    def id(self, thing: Thing, actor: Actor) -> str:
        """A thing's id as the actor would write it."""
        return thing.id(self.book.bounds[thing.type_name], actor, SEALER)

    def where(self, actor: Actor, thing: Thing) -> str:
        """The place of a thing for somebody: `public`, `own` or `foreign`."""
        if self.book.sees(ANONYMOUS, thing):
            return "public"
        return "own" if self.book.sees(actor, thing) else "foreign"

    def by_place(self, actor: Actor, name: str) -> dict[str, list[Thing]]:
        """Two things of a type for each place."""
        found: dict[str, list[Thing]] = defaultdict(list)
        for thing in self.book.things[name]:
            found[self.where(actor, thing)].append(thing)
        return {place: [things[0], things[-1]] for place, things in found.items()}

    def seen_ids(self, actor: Actor) -> set[str]:
        """The ids of everything that somebody may see."""
        things = (thing for name in NODES for thing in self.book.things[name])
        return {self.id(thing, actor) for thing in things if self.book.sees(actor, thing)}

    def allowed_marks(self, actor: Actor) -> set[str]:
        """The marks in what somebody may see."""
        tables: dict[str, str] = {}
        for name, bound in self.book.bounds.items():
            first = table_of(bound.view.source)
            if first in self.book.tables:
                tables[first] = name
        seen = {
            (table, key_of(thing.row))
            for table, name in tables.items()
            for thing in self.book.things[name]
            if self.book.sees(actor, thing)
        }
        awards = {row["id"]: row for row in self.book.tables["awards"]}
        names = {awards[key]["learner_id"] for table, key in seen if table == "awards"}
        allowed = {mark for mark, at in self.marks.items() if at & seen}
        return allowed | {mark for mark, learner in self.world.personal.items() if learner in names}


def key_of(row: Any) -> str:
    """By what a row is known here."""
    return str(row.get("id") or row.get("learner_id"))


def marks_of(book: Book, world: World) -> dict[str, set[tuple[str, str]]]:
    """Where every mark stands, also inside bytes and under seal."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for table, rows in book.tables.items():
        for row in rows:
            for value in row.values():
                text = value if isinstance(value, str) else json.dumps(value)
                if text.startswith("\\x"):
                    text = bytes.fromhex(text[2:]).decode("latin-1")
                for mark in MARK.findall(text):
                    found[mark].add((table, key_of(row)))
    for mark, learner in world.personal.items():
        found[mark].add(("learners", str(learner)))
    return found
