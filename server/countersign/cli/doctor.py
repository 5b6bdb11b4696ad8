"""`doctor`: what can go wrong, looked at one by one, each with what to type."""

from __future__ import annotations

import asyncio
import enum
import json as json_text
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from countersign import config
from countersign.app import tools_of
from countersign.awards.service import check_index
from countersign.cli.hosting import BAD_DATA, database, load
from countersign.config import Settings, UnsafeSettings
from countersign.demo import frontend
from countersign.kit.embedded_programs import EmbeddedPostgresError
from countersign.kit.migrate import alembic_config, sqlalchemy_url
from countersign.schema.contents import PUBLISHED, export, the_schema

EXTENSIONS = ("pg_trgm", "btree_gist")
OLDEST_POSTGRES = 15
LEAST_DISK = 1 << 30
LEAST_NODE_HELP = "it is installed when GraphiQL is built"


class State(enum.StrEnum):
    """How a row is: `note` is worth knowing and stops nothing."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Row:
    """One look: what was looked at, how it is, what was seen, what to type."""

    name: str
    state: State
    seen: str
    remedy: str = ""


def run(data: Path | None, port: int | None, *, json: bool) -> int:
    """Look at everything; exit 1 when something must be mended."""
    settings = load(data=data, port=port)
    rows = [*_machine(settings), *_database(settings), *_bundles()]
    if json:
        shown = [{"name": r.name, "state": r.state, "seen": r.seen, "remedy": r.remedy} for r in rows]
        sys.stdout.write(json_text.dumps(shown, ensure_ascii=False) + "\n")
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for row in rows:
            table.add_row(row.state, row.name, row.seen + (f" — {row.remedy}" if row.remedy else ""))
        Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=True).print(table)
    return BAD_DATA if any(row.state is State.PROBLEM for row in rows) else 0


def _machine(settings: Settings) -> Iterator[Row]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Row("Python", State.OK, version)
    stamp = Path(sys.prefix) / "run.stamp"
    if Path(sys.prefix) == config.ROOT / ".venv":
        whole = stamp.exists()
        yield Row(
            ".venv",
            State.OK if whole else State.PROBLEM,
            "whole" if whole else "half made",
            "" if whole else "rm -r .venv",
        )
    else:
        yield Row(".venv", State.NOTE, f"not ours: {sys.prefix}")
    with socket.socket() as probe:
        free = probe.connect_ex(("127.0.0.1", settings.port)) != 0
    seen = f"{settings.port} is {'free' if free else 'in use (by the portal itself, if it runs)'}"
    yield Row("port", State.OK if free else State.NOTE, seen)
    yield _data_directory(settings.data)
    place = next(folder for folder in (settings.data, *settings.data.parents) if folder.exists())
    left = shutil.disk_usage(place).free
    enough = left >= LEAST_DISK
    remedy = "" if enough else "make room: at least 1 GiB"
    yield Row("disk", State.OK if enough else State.PROBLEM, f"{left / (1 << 30):.1f} GiB free", remedy)


def _data_directory(folder: Path) -> Row:
    if not folder.exists():
        return Row("data directory", State.NOTE, f"{folder} is not there yet", "python3 server demo makes it")
    if not os.access(folder, os.W_OK):
        return Row("data directory", State.PROBLEM, f"{folder} is not writable", f"sudo chown -R $(id -u) '{folder}'")
    for name in config.SECRETS:
        file = folder / name
        if file.exists() and file.stat().st_mode & 0o077:
            return Row("data directory", State.PROBLEM, f"others may read {file}", f"chmod 600 '{file}'")
    return Row("data directory", State.OK, str(folder))


def _database(settings: Settings) -> list[Row]:
    if settings.database_url is None and not (settings.data / "postgres" / "pgdata").exists():
        return [Row("PostgreSQL", State.NOTE, "no data yet", "python3 server demo makes them")]
    try:
        with database(settings, attach=True) as found:
            return asyncio.run(_gather(found))
    except (EmbeddedPostgresError, UnsafeSettings) as error:
        return [Row("PostgreSQL", State.PROBLEM, str(error))]
    except (OSError, asyncpg.PostgresError) as error:
        return [Row("PostgreSQL", State.PROBLEM, f"cannot be used: {error}", "check DATABASE_URL")]


async def _gather(settings: Settings) -> list[Row]:
    return [row async for row in _look_into(settings)]


async def _look_into(settings: Settings) -> AsyncIterator[Row]:
    connection = await asyncpg.connect(settings.dsn, timeout=5)
    try:
        version = str(await connection.fetchval("show server_version"))
        number = int(await connection.fetchval("show server_version_num")) // 10_000
        new = number >= OLDEST_POSTGRES
        yield Row("PostgreSQL", State.OK if new else State.PROBLEM, version, "" if new else "use 15 or newer")
        present = {row["extname"] for row in await connection.fetch("select extname from pg_extension")}
        migrated = await connection.fetchval("select to_regclass('alembic_version') is not null")
        if not migrated:
            yield Row("migrations", State.PROBLEM, "never run", "python3 server migrate")
            return
        missing = [name for name in EXTENSIONS if name not in present]
        remedy = f"as a superuser: create extension {missing[0]}" if missing else ""
        yield Row("extensions", State.PROBLEM if missing else State.OK, ", ".join(missing or EXTENSIONS), remedy)
        kept = await connection.fetchval("select value from installation where key = 'public_origin'")
    finally:
        await connection.close()
    here, head = await _revisions(settings.dsn)
    at_head = here == head
    yield Row(
        "migrations", State.OK if at_head else State.PROBLEM, f"at {here}", "" if at_head else "python3 server migrate"
    )
    if not at_head:
        return
    same = kept in {None, settings.public_origin}
    remedy = "" if same else f"COUNTERSIGN_PUBLIC_ORIGIN={kept} python3 server serve"
    yield Row("public origin", State.OK if same else State.PROBLEM, kept or "not fixed yet", remedy)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        drift = await check_index(tx)
    seen = "equal to its recomputation" if not drift.found else f"differs: {drift}"
    yield Row("candidate index", State.PROBLEM if drift.found else State.OK, seen)


async def _revisions(dsn: str) -> tuple[str | None, str | None]:
    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    engine = create_async_engine(sqlalchemy_url(dsn), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        here = await connection.run_sync(current)
    await engine.dispose()
    return here, ScriptDirectory.from_config(alembic_config(dsn)).get_current_head()


def _bundles() -> Iterator[Row]:
    fresh = PUBLISHED.exists() and PUBLISHED.read_text() == export(the_schema())
    remedy = "" if fresh else "python3 server export-schema -o schema.graphql"
    yield Row("schema.graphql", State.OK if fresh else State.NOTE, "the code's" if fresh else "not the code's", remedy)
    built = frontend.is_fresh()
    yield Row(
        "GraphiQL",
        State.OK if built else State.NOTE,
        "built" if built else "not built",
        "" if built else "the demo does it",
    )
    node = shutil.which("node")
    yield Row("node", State.OK if node else State.NOTE, node or "not there", "" if node else LEAST_NODE_HELP)
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    hint = "" if browser else "for the tests: apt-get install chromium"
    yield Row("Chromium", State.OK if browser else State.NOTE, browser or "not there", hint)
