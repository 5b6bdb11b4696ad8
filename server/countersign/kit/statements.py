"""Prepared statements: kept only for texts that have proven themselves, and never more than a server has room for.

A text of a client's making costs PostgreSQL about 150 bytes of memory for each of its characters, in every session
that keeps it prepared. So a text that is seen for the first time is prepared without a name, which the next one
replaces; only one that comes again is kept. A session that has kept too many characters is closed and opened anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from countersign.kit.db import Connection

    Base = asyncpg.Connection[asyncpg.Record]
else:
    Base = asyncpg.Connection  # it cannot be subscripted at run time

KEPT_STATEMENTS: Final = 200
LONGEST_KEPT: Final = 65_536  # characters; a longer text is planned each time
KEPT_CHARACTERS: Final = 500_000  # of one session: about 75 MB in PostgreSQL
OPTIONS: Final = {"statement_cache_size": KEPT_STATEMENTS, "max_cacheable_statement_size": LONGEST_KEPT}


class Session(Base):
    """A connection that knows how much text of clients' making it has kept prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: set[int] = set()
        self._characters = 0

    def keep(self, sql: str) -> None:
        """Note that a text will be kept prepared here."""
        number = hash(sql)
        if number not in self._kept:
            self._kept.add(number)
            self._characters += len(sql)

    def kept_characters(self) -> int:
        """How many characters of texts were kept since it was opened."""
        return self._characters

    def is_full(self) -> bool:
        """Whether it must be opened anew before it keeps more."""
        return self._characters > KEPT_CHARACTERS


async def first_row(
    connection: Connection, sql: str, parameters: Sequence[object], *, keep: bool
) -> asyncpg.Record | None:
    """The first row of a compiled text; `keep` says that it came before and is worth keeping prepared."""
    if keep:
        session: Any = connection
        if len(sql) <= LONGEST_KEPT:
            session.keep(sql)
        return await connection.fetchrow(sql, *parameters)
    statement = await connection.prepare(sql, name="")
    return await statement.fetchrow(*parameters)
