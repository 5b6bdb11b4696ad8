"""The database as second wall: as whom a statement runs, and whose rows it can find, whatever its text forgot.

A compiled text is looked at once, for the tables that it names. What shows candidates runs as the search's role, which
can read the projection and the public catalogue alone; what names a table with owners runs as the reader's role, with
row-level security; the rest is public and runs as it comes, in one round trip.
"""

from __future__ import annotations

import enum
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from countersign.kit.placement import APP_ROLE, READER_ROLE, SEARCH_ROLE, placed_tables, table_name

if TYPE_CHECKING:
    from countersign.kit.access import Actor
    from countersign.kit.db import Connection

_QUOTED: Final = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'")
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
NOBODY: Final = "set local cs.org = ''; set local cs.learner = ''; set local cs.request = ''"


class Wall(enum.Enum):
    """Behind which wall a compiled text runs."""

    PUBLIC = "public"
    """It names nothing that has an owner: as the session's own role, without a transaction."""
    OWNED = "owned"
    """As the reader, who finds rows of the acting organization and the acting learner alone."""
    SEARCH = "search"
    """As the search's role."""


@cache
def _names() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    tables = placed_tables()
    return (
        frozenset(table_name(t) for t in tables),
        frozenset(table_name(t) for t in tables if t.__searchable__),
        frozenset(table_name(t) for t in tables if t.__owners__),
    )


def tables_in(sql: str) -> frozenset[str]:
    """The tables that a text may read: every word of it that is a table's name, outside of quotes."""
    return _names()[0].intersection(_WORD.findall(_QUOTED.sub(" ", sql)))


def wall_of(sql: str, *, reveals: bool) -> Wall:
    """Behind which wall a compiled text belongs; `reveals` when candidates are in its answer.

    Candidates together with what is not public are the reader's: its row-level security closes the tables of learners
    to an organization as well.
    """
    _, searchable, owned = _names()
    named = tables_in(sql)
    if reveals and named <= searchable:
        return Wall.SEARCH
    return Wall.OWNED if reveals or named & owned else Wall.PUBLIC


@asynccontextmanager
async def behind(connection: Connection, wall: Wall, actor: Actor) -> AsyncIterator[None]:
    """Run one statement behind its wall, for an actor; inside the transaction that is open, or in one of its own.

    A statement of the search runs on a connection of `Database.searcher`, which is behind its wall already.
    """
    within = connection.is_in_transaction()
    if wall is Wall.PUBLIC or (wall is Wall.SEARCH and not within):
        yield
        return
    if within:
        role = SEARCH_ROLE if wall is Wall.SEARCH else READER_ROLE
        await connection.execute(f"set local role {role}; {_whose(actor)}")
        yield
        await connection.execute(f"set local role {APP_ROLE}; {NOBODY}")
        return
    # Literals, not parameters: only so do they reach the workers of a spread-out database (scale.md, rule 9).
    await connection.execute(f"begin read only; set local role {READER_ROLE}; {_whose(actor)}")
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("rollback")
        raise
    await connection.execute("commit")


def _whose(actor: Actor) -> str:
    organization = str(actor.organization_id) if actor.organization_id is not None else ""
    learner = str(int(actor.learner_id)) if actor.learner_id is not None else ""
    request = str(actor.request_id) if actor.request_id is not None else ""
    return (
        "set local citus.propagate_set_commands = 'local'; "
        f"set local cs.org = '{organization}'; set local cs.learner = '{learner}'; "
        f"set local cs.request = '{request}'"
    )


@asynccontextmanager
async def as_role(connection: Connection, role: str) -> AsyncIterator[None]:
    """Run what is inside as another role of the same login, within the open transaction; then as the services again."""
    await connection.execute(f"set local role {role}")
    yield
    await connection.execute(f"set local role {APP_ROLE}")
