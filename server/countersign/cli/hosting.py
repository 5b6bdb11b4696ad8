"""The life of the process: the port first, PostgreSQL second, the application third; all gone when we go."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import asyncpg
import uvicorn
from pydantic import SecretStr

from countersign import app, config
from countersign.cli.sealing import check_key, seal_plain
from countersign.cli.supervising import ANSWER_SECONDS, Supervisor
from countersign.config import Mode, Settings, UnsafeSettings
from countersign.edge.connection import Connection
from countersign.edge.door import Door
from countersign.kit import embedded, login
from countersign.kit.db import Database
from countersign.kit.embedded import EmbeddedPostgres
from countersign.kit.embedded_programs import EmbeddedPostgresError
from countersign.kit.errors import Refusal
from countersign.kit.installation import fix_origin
from countersign.kit.logs import configure, logger
from countersign.kit.migrate import is_at_head, login_of, migrate
from countersign.kit.vault import Vault
from countersign.specs import comparing

DATABASE = "countersign"
BAD_DATA, BAD_USAGE = 1, 2
LAST_SECONDS = 6  # for what runs when we stop; no operation may take so long
MIGRATING = "DATABASE_OWNER_URL=postgresql://… python3 server migrate"
MOST_FILES = 16_384
LARGEST_MESSAGE = 64 * 1024  # of a socket
PING_SECONDS = 15.0
_PARENT = "COUNTERSIGN_PARENT"

log = logger("hosting")


def say(text: str) -> None:
    """One line of progress, on stderr."""
    sys.stderr.write(f"countersign: {text}\n")
    sys.stderr.flush()


def load(**overrides: Any) -> Settings:
    """The settings of this process with logs configured; leaves with exit 2 and every remedy when they are unsafe."""
    try:
        settings = config.load(**overrides)
    except UnsafeSettings as unsafe:
        for problem in unsafe.problems:
            say(problem)
        sys.exit(BAD_USAGE)
    except OSError as error:
        say(f"data directory {error.filename} is not writable ({error.strerror}) — choose another: --data DIR")
        sys.exit(BAD_USAGE)
    configure(settings.log_format)
    return settings


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what the environment lacks into one sentence and exit 2."""
    try:
        yield
    except (UnsafeSettings, EmbeddedPostgresError, Refusal) as error:
        say(str(error))
        sys.exit(BAD_USAGE)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"the database cannot be used: {error} — check it: python3 server doctor")
        sys.exit(BAD_USAGE)


def leave_on_sigterm() -> None:
    """Make SIGTERM unwind the stack: uvicorn raises it again when it is done, which would skip our clean-up."""

    def leave(*_: object) -> NoReturn:
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)


@contextlib.contextmanager
def listening(settings: Settings, verb: str) -> Iterator[socket.socket]:
    """The bound port; exit 2 with the next free one when it is in use."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, or asyncio would not switch Nagle off: every answer on a kept connection would wait 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((settings.host, settings.port))
        except OSError:
            say(f"port {settings.port} is in use — try: python3 server {verb} --port {settings.port + 1}")
            sys.exit(BAD_USAGE)
        bound.listen(1024)
        bound.set_inheritable(True)
        yield bound


@contextlib.contextmanager
def database(settings: Settings, *, attach: bool = False) -> Iterator[Settings]:
    """The settings with a database in them: DATABASE_URL, else the embedded one over the data directory.

    With `attach`, the server of another process that runs over the same directory is used when there is one.
    """
    folder = settings.data / "postgres"
    found = embedded.running(folder, DATABASE) if attach and settings.database_url is None else None
    if settings.database_url is not None:
        yield settings
    elif found:
        yield settings.model_copy(update={"database_url": SecretStr(found)})
    else:
        with EmbeddedPostgres(folder) as server:
            dsn = asyncio.run(server.create_database(DATABASE))
            with _watched(server):
                yield settings.model_copy(update={"database_url": SecretStr(dsn)})


@contextlib.contextmanager
def _watched(server: EmbeddedPostgres) -> Iterator[None]:
    """End this process when its PostgreSQL ends: a portal without its database serves nobody."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            if not server.is_running:
                say(f"PostgreSQL has ended (see {server.data_dir / 'log'}) — start again: the data recover alone")
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = threading.Thread(target=watch, name="postgres-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def prepare(settings: Settings) -> None:
    """Check the database, migrate it, seal what is plain, compare versions, fix the public origin.

    In production the owner of the tables migrates, by DATABASE_OWNER_URL, and the login that serves owns nothing;
    without that address the database must be at this version's schema already. Raises UnsafeSettings, Refusal (another
    origin, another key-encryption key).
    """
    await check_database(settings)
    production = settings.mode is Mode.PRODUCTION
    vault = Vault(settings.key_encryption_bytes)
    if settings.owner_dsn is not None:
        await migrate(settings.owner_dsn, login=await login_of(settings.dsn))
    elif not production:
        await migrate(settings.dsn)
    elif not await is_at_head(settings.dsn):
        raise UnsafeSettings([f"the database is not at this version's schema — run once, with its owner: {MIGRATING}"])
    if settings.owner_dsn is not None or not production:
        await seal_plain(settings.owner_dsn or settings.dsn, vault)
    if production:
        await check_database(settings)  # once more: who owns the tables is known only now
    pools = await Database.open(settings.dsn, pool_size=1, vault=vault)
    try:
        async with pools.writer() as tx:
            await check_key(tx)
            await fix_origin(tx, settings.public_origin)
        await compare_all(pools)
    finally:
        await pools.close()


async def compare_all(db: Database) -> int:
    """Write down the differences between versions that are missing, or classed by an earlier table; how many.

    Small transactions, safe to repeat and to break off; when nothing is missing it is one look.
    """
    done = 0
    while True:
        async with db.writer() as tx:
            made = await comparing.fill(tx)
        if not made:
            return done
        done += made


async def check_database(settings: Settings) -> None:
    """Refuse a database that is too old; in production also one that may lose commits, and logins that may too much."""
    problems = await _problems(settings.dsn, "DATABASE_URL", production=settings.mode is Mode.PRODUCTION)
    if settings.read_dsn is not None:
        problems += await _problems(settings.read_dsn, "DATABASE_READ_URL", production=settings.mode is Mode.PRODUCTION)
    if problems:
        raise UnsafeSettings(problems)


async def _problems(dsn: str, name: str, *, production: bool) -> list[str]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        version = await connection.fetchval("select current_setting('server_version_num')::int / 10000")
        durable = await connection.fetchval("select current_setting('synchronous_commit')")
        too_much = await login.faults(connection) if production else []
    finally:
        await connection.close()
    problems = [f"{name} {fault}" for fault in too_much]
    if version < 15:  # noqa: PLR2004 # the oldest whose SQL we write
        problems.append(f"PostgreSQL {version} is too old — use 15 or newer")
    if production and durable == "off":
        problems.append("synchronous_commit is off, so acknowledged work may be lost — set it to on in PostgreSQL")
    return problems


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready."""

    def __init__(self, given: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(given)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def allow_many_files() -> None:
    """Take as many open files, and so connections, as this process may have; the usual first limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run_application(settings: Settings, bound: socket.socket, ready: Callable[[], None], workers: int = 1) -> int:
    """Serve until a signal; the exit code. `ready` is called when requests are answered."""
    os.environ.update(settings.environment())
    allow_many_files()
    given = served(settings, workers)
    with contextlib.suppress(KeyboardInterrupt):
        if workers == 1:
            server = _Server(given, ready)
            server.run(sockets=[bound])
            return 0 if server.started else BAD_DATA
        os.environ[_PARENT] = str(os.getpid())
        threading.Thread(target=_tell_when_answered, args=(settings, ready), daemon=True).start()
        Supervisor(given, sockets=[bound]).run()
    return 0


def served(settings: Settings, workers: int = 1) -> uvicorn.Config:
    """What uvicorn serves, and how.

    The function itself and not its name: a worker then has read all its modules before uvicorn takes SIGTERM, at which
    it looks only once the application is made and has begun.
    """
    return uvicorn.Config(application, factory=True, workers=workers, **server_options(settings))


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves the application: our HTTP, WebSockets of at most 64 KiB a message, no compression."""
    return {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "http": Connection,
        "ws": "websockets-sansio",
        "ws_max_size": LARGEST_MESSAGE,
        "ws_per_message_deflate": False,  # a compressed message could be a thousand times its size
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_graceful_shutdown": LAST_SECONDS,
        "timeout_worker_healthcheck": ANSWER_SECONDS,
        "lifespan": "on",
    }


def application() -> Door:
    """The application of this (worker) process, from the environment that its parent set."""
    settings = config.load()
    taken = signal.getsignal(signal.SIGTERM)
    if os.environ.get(_PARENT, str(os.getpid())) != str(os.getpid()):
        configure(settings.log_format)
        _end_with_parent()
        # uvicorn takes SIGTERM already, and would read it when all is made: there is nothing yet that has to be ended.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    else:
        leave_on_sigterm()  # what is below us has to be ended
    try:
        return app.create_app(settings, drain_on_sigterm=True)
    finally:
        signal.signal(signal.SIGTERM, taken)


def _end_with_parent() -> None:
    """A worker whose parent was killed would hold the port for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _tell_when_answered(settings: Settings, ready: Callable[[], None]) -> None:
    """With many workers: ready means that one of them answers."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 # compared, not bound
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, settings.port), timeout=30) as probe:
            probe.sendall(f"GET /livez HTTP/1.0\r\nHost: localhost:{settings.port}\r\n\r\n".encode())
            if probe.recv(12).startswith(b"HTTP/"):
                ready()
                return
        time.sleep(0.05)
