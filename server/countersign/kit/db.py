"""The database: pools, transactions, time. PostgreSQL through asyncpg, SQL as text."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import inspect

from countersign.kit import codecs, outbox
from countersign.kit.clock import Clock, DatabaseClock
from countersign.kit.losses import BROKEN, Unreachable
from countersign.kit.placement import APP_ROLE, SEARCH_ROLE, Table, table_name
from countersign.kit.shelf import Pool, Pools, Shelf, end, is_lost
from countersign.kit.statements import OPTIONS, Session
from countersign.kit.vault import NO_VAULT, Vault
from countersign.kit.waiting import FOR_A_CONNECTION, to_the_end

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 2_000
LOOK_SECONDS = 1
CLOSE_SECONDS = 2

# The text of a compiled read says what its plan must do, and planning it anew would cost more than running it. A search
# sorts and groups tens of thousands of postings, which PostgreSQL's 4 MB would send to the disk.
READS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_read_only": "on",
    "work_mem": "32MB",
}
SEARCHES: Final = {**READS, "role": SEARCH_ROLE}


class Reader(Protocol):
    """What a read needs: rows for a statement."""

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row or None."""

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row or None."""


class Tx:
    """One transaction on one connection. Everything a command does goes through it."""

    def __init__(self, connection: Connection, clock: Clock, vault: Vault = NO_VAULT) -> None:
        self.connection = connection
        self.clock = clock
        self.vault = vault
        self.has_emitted = False
        self.noted: dict[str, str] = {}
        """What the audit event of the command says beside its outcome: digest, before, after (`audit.record`)."""
        self._now: datetime | None = None

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows of a statement."""
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows that it touched."""
        status = await self.connection.execute(sql, *args)
        tail = status.rsplit(" ", 1)[-1]
        return int(tail) if tail.isdigit() else 0

    async def insert(self, *rows: Table) -> None:
        """Insert rows, one statement per table, in the order in which the tables first appear.

        Columns that have a default in the database are left to it.
        """
        by_table: dict[type[Table], list[Table]] = {}
        for row in rows:
            by_table.setdefault(type(row), []).append(row)
        for cls, members in by_table.items():
            columns = [c.key for c in inspect(cls).columns if c.server_default is None]
            pick = operator.attrgetter(*columns)
            many = [pick(m) if len(columns) > 1 else (pick(m),) for m in members]
            names = ", ".join(f'"{c}"' for c in columns)
            # PostgreSQL copies into no table that has row-level security.
            marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
            statement = f"insert into {table_name(cls)} ({names}) values ({marks})"
            if len(many) == 1:
                await self.connection.execute(statement, *many[0])
            elif cls.__owners__:
                await self.connection.executemany(statement, many)
            else:
                await self.copy(table_name(cls), columns, many)

    async def copy(
        self,
        table: str,
        columns: Sequence[str],
        records: Iterable[Sequence[object]] | AsyncIterable[Sequence[object]],
    ) -> int:
        """COPY records into a table; the number of rows.

        Many records that cost work to make come as an asynchronous iterable that lets others run in between: COPY
        itself hardly ever waits.
        """
        copying = asyncio.ensure_future(
            self.connection.copy_records_to_table(table, records=records, columns=list(columns))
        )
        try:
            # A COPY whose server dies while it waits to write would wait for ever (asyncpg 0.32).
            while not (await asyncio.wait({copying}, timeout=LOOK_SECONDS))[0]:
                if self.connection.is_closed():
                    raise asyncpg.ConnectionDoesNotExistError("the connection was lost while rows were sent")
            status = await copying
        finally:
            copying.cancel()
        return int(str(status).rsplit(" ", 1)[-1])

    def it_is(self, at: datetime) -> None:
        """The database's time, as a statement of this transaction told it: nobody need ask again."""
        self._now = self._now or at.astimezone(UTC)

    async def now(self) -> datetime:
        """The transaction's time, aware UTC: the given clock's, else the database's; the same at every call."""
        if self._now is None:
            given = self.clock.now()
            self._now = given or (await self.connection.fetchval("select statement_timestamp()")).astimezone(UTC)
        return self._now

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only what happens inside when it raises."""
        async with self.connection.transaction():
            yield

    async def emit(self, topic: str, subject: str, **payload: object) -> None:
        """Write an event to the outbox; it exists for others only after the commit."""
        await self.emit_all([(topic, subject, payload)])

    async def emit_all(self, events: Iterable[tuple[str, str, Mapping[str, object]]]) -> None:
        """As `emit`, for any number of events (topic, subject, payload) in one statement."""
        rows = [outbox.event(*event, await self.now()) for event in events]
        await self.insert(*rows)
        self.has_emitted |= bool(rows)


async def _leave_as_it_is(_connection: object) -> None:
    """Nothing changes a pooled session. asyncpg ends an open transaction; its reset would be one more round trip."""


class Database:
    """The pools of one process: writes on the primary, reads there too unless `read_dsn` names a standby.

    The candidate search has a pool of its own, whose role reads the projection and the public catalogue alone.
    """

    def __init__(
        self,
        pools: Pools,
        clock: Clock,
        connect: Callable[..., Awaitable[asyncpg.Connection[asyncpg.Record]]],
        make: Callable[[], Awaitable[Pools]] | None = None,
        vault: Vault = NO_VAULT,
        wait_seconds: float = FOR_A_CONNECTION,
    ) -> None:
        self._make = make
        self._wait_seconds = wait_seconds
        self.vault = vault
        self._lost = False
        self._held: dict[Connection, float] = {}
        self._pools = pools
        self._connect = connect
        self.clock = clock
        self.answered_at = 0.0
        """When PostgreSQL last answered somebody (monotonic)."""
        self.emitted = asyncio.Event()
        """Set after each commit of this process that wrote events; whoever waits for it clears it."""

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        read_dsn: str | None = None,
        clock: Clock | None = None,
        pool_size: int = 10,
        wait_seconds: float = FOR_A_CONNECTION,
        role: str = APP_ROLE,
        vault: Vault = NO_VAULT,
    ) -> Database:
        """Connect. Every connection works as the application's role, which owns nothing and cannot alter content.

        Raises OSError or asyncpg.PostgresError when the server cannot be reached or the role is missing (`migrate`
        makes it).
        """

        def options(extra: Mapping[str, str]) -> dict[str, Any]:
            settings = {
                "role": role,
                **extra,
                "application_name": "countersign",
                "timezone": "UTC",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "10000",
                "jit": "off",
            }
            return {"server_settings": settings, "timeout": 5, "connection_class": Session, **OPTIONS}

        async def pool(url: str, extra: Mapping[str, str]) -> Shelf:
            made: Pool | None = await asyncpg.create_pool(
                url, min_size=1, max_size=pool_size, init=codecs.set_up, reset=_leave_as_it_is, **options(extra)
            )
            if made is None:
                raise OSError("no connection pool")
            return Shelf(made)

        async def connect(extra: Mapping[str, str]) -> asyncpg.Connection[asyncpg.Record]:
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, **options(extra))
            await codecs.set_up(connection)
            return connection

        async def pools() -> Pools:
            # Side by side: when the database is back, everybody waits for these.
            wanted: tuple[tuple[str, Mapping[str, str]], ...] = (
                (dsn, {}),
                (read_dsn or dsn, READS),
                (read_dsn or dsn, SEARCHES),
            )
            opening = [asyncio.ensure_future(pool(url, extra)) for url, extra in wanted]
            try:
                return Pools(*await asyncio.gather(*opening))
            except BaseException:
                for task in opening:
                    task.cancel()
                for made in await asyncio.gather(*opening, return_exceptions=True):
                    if isinstance(made, Shelf):
                        made.terminate()
                raise

        return cls(await pools(), clock or DatabaseClock(), connect, pools, vault, wait_seconds)

    async def close(self) -> None:
        """Close the pools after what runs has finished; what does not finish within two seconds is ended."""
        if self._lost:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for shelf in self._pools:
                    await shelf.close()
        except TimeoutError:
            self._pools.terminate()

    @property
    def lost(self) -> bool:
        """Whether it was given up, until `renew`."""
        return self._lost

    def give_up(self) -> None:
        """End every connection, so that nobody waits for an answer that does not come; refuse new ones at once."""
        self._lost = True
        self._pools.terminate()

    async def give_up_since(self, moment: float) -> None:
        """End what has waited on its connection since before a moment (monotonic), and use no connection of before."""
        for connection, since in list(self._held.items()):
            if since < moment and not is_lost(connection):
                connection.terminate()
        for shelf in self._pools:
            await shelf.expire()

    async def renew(self) -> None:
        """Connect anew after `give_up`. Raises OSError, TimeoutError or asyncpg.PostgresError while it is gone."""
        if self._make is not None:
            self._pools = await self._make()
            self._lost = False

    @asynccontextmanager
    async def _connection(self, shelf: Shelf) -> AsyncIterator[Connection]:
        """A connection of a pool, closed afterwards when it keeps too many statements.

        Raises Unreachable: none in time, or it was lost while in use.
        """
        if self._lost:
            raise Unreachable("the database is out of reach")
        try:
            connection = await shelf.take(self._wait_seconds)
        except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
            raise Unreachable("no connection in time") from error
        self._held[connection] = monotonic()
        clean = False
        try:
            yield connection
            self.answered_at = monotonic()
            session: Any = connection
            if session.is_full():
                await connection.close()  # and the pool opens another
            clean = not (is_lost(connection) or connection.is_in_transaction())
        except asyncpg.InterfaceError as error:
            if not is_lost(connection):
                raise
            raise Unreachable("the connection was lost") from error
        except asyncpg.InternalClientError as error:
            # What asyncpg 0.32 says when the server's last words were read while nobody asked it anything.
            end(connection)
            raise Unreachable("the connection was lost") from error
        except BROKEN:
            end(connection)
            raise
        finally:
            del self._held[connection]
            try:
                await shelf.give(connection, clean=clean)
            except asyncpg.InterfaceError as error:
                if not is_lost(connection):
                    raise
                raise Unreachable("the connection was lost") from error

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """A connection that only reads, for one statement (without a block: a statement is its own snapshot)."""
        async with self._connection(self._pools.replica) as connection:
            yield connection

    @asynccontextmanager
    async def searcher(self) -> AsyncIterator[Connection]:
        """As `reader`, for the candidate search alone: it reads the projection and the public catalogue."""
        async with self._connection(self._pools.search) as connection:
            yield connection

    @asynccontextmanager
    async def fresh_reader(self) -> AsyncIterator[Connection]:
        """As `reader`, on the primary: for a read that must see what was committed a moment ago."""
        async with self._connection(self._pools.primary) as connection:
            yield connection

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Tx]:
        """One transaction on the primary; committed when the block ends, rolled back when it raises.

        A commit that has begun is not cancelled: whoever is told of a time-out knows that nothing happened.
        """
        async with self._connection(self._pools.primary) as connection:
            transaction = connection.transaction()
            await transaction.start()
            tx = Tx(connection, self.clock, self.vault)
            try:
                yield tx
            except BaseException:
                if not is_lost(connection):
                    await transaction.rollback()
                raise
            await to_the_end(transaction.commit())
        if tx.has_emitted:
            self.emitted.set()

    @asynccontextmanager
    async def alone(self, settings: Mapping[str, str] | None = None) -> AsyncIterator[Connection]:
        """A connection to the primary beside the pools, for what runs as long as the process: relay and listener.

        Raises what `open` raises; the connection may be lost at any time.
        """
        connection = await self._connect(settings or {})
        try:
            yield connection
        finally:
            # Whoever leaves because the server is gone must not wait for it.
            connection.terminate()

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[Connection]:
        """A connection outside any transaction, for LISTEN and advisory work."""
        async with self._connection(self._pools.primary) as connection:
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute("unlisten *; select pg_advisory_unlock_all()")
