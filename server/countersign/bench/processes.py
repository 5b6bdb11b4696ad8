"""Both servers and the client as processes, and the CPU time that each of them and PostgreSQL has used."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from countersign.bench import bare
from countersign.bench.data import KEY_ENCRYPTION_KEY, ORIGIN

PATIENCE: Final = 60.0
OURS: Final = "ours"
BARE: Final = "bare"
PACKAGES: Final = Path(__file__).parents[2]
CONNECTIONS: Final = {OURS: "countersign", BARE: bare.NAME}
"""Under which name the connections of each side go."""


class NotStarted(Exception):
    """A process of the bench ended, or did not answer in time; the message holds its last lines."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server of one of the sides."""

    name: str
    port: int
    pid: int
    database: str


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds so far: of the server's process, of the processes that it started, of its PostgreSQL backends.

    None where this machine does not tell (no /proc, or PostgreSQL elsewhere).
    """

    server: float | None
    helpers: float | None
    postgres: float | None

    def since(self, before: Used) -> Used:
        """What was used between."""
        return Used(
            _minus(self.server, before.server),
            _minus(self.helpers, before.helpers),
            _minus(self.postgres, before.postgres),
        )

    def plus(self, other: Used) -> Used:
        """Both together."""
        return Used(
            _plus(self.server, other.server), _plus(self.helpers, other.helpers), _plus(self.postgres, other.postgres)
        )


NOTHING: Final = Used(0.0, 0.0, 0.0)


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _plus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def both(
    dsns: Mapping[str, str], folder: Path, secret: str, other: str = "countersign.bench.bare"
) -> AsyncIterator[dict[str, Side]]:
    """Both servers, each over its database, ready to answer; ended with the block. Logs go to `folder`.

    `other` is the module of the other side.
    """
    async with (
        _server(OURS, ["countersign", "serve", "--port"], _environment(dsns[OURS], folder, secret), folder) as ours,
        _server(BARE, [other], _environment(dsns[BARE], folder, secret), folder) as theirs,
    ):
        yield {OURS: ours, BARE: theirs}


@asynccontextmanager
async def _server(name: str, module: list[str], environment: dict[str, str], folder: Path) -> AsyncIterator[Side]:
    port = free_port()
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own modules, before anything is timed
            [sys.executable, "-m", *module, str(port)],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not await _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            await asyncio.sleep(0.05)
        yield Side(name, port, process.pid, urlsplit(environment["DATABASE_URL"]).path.lstrip("/"))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(dsn: str, folder: Path, secret: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COUNTERSIGN_") and k != "DATABASE_READ_URL"}
    return kept | {
        "DATABASE_URL": dsn,
        "PYTHONPATH": str(PACKAGES),
        "COUNTERSIGN_MODE": "dev",
        "COUNTERSIGN_PUBLIC_ORIGIN": ORIGIN,
        "COUNTERSIGN_DATA": str(folder),
        "COUNTERSIGN_SECRET": secret,
        "COUNTERSIGN_KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        "COUNTERSIGN_LOG_FORMAT": "json",
        "COUNTERSIGN_BUDGET_POINTS": str(bare.CAPACITY),
        "COUNTERSIGN_BUDGET_RESTORED": str(bare.CAPACITY),
    }


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(f"GET /livez HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
    with contextlib.suppress(OSError):
        answered = (await reader.read(12)).startswith(b"HTTP/")
        writer.close()
        return answered
    return False


class Asker:
    """The client's process: orders go in, results come out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def order(self, **order: Any) -> dict[str, Any]:
        """Have one order done. Raises NotStarted when the process has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise NotStarted("a client without pipes")
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise NotStarted("the client has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def asker(module: str = "countersign.bench.client") -> AsyncIterator[Asker]:
    """The client's process; ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        limit=1 << 30,
        start_new_session=True,
    )
    try:
        yield Asker(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


class Meter:
    """Reads what each side has used so far."""

    def __init__(self, owner: asyncpg.Connection[asyncpg.Record]) -> None:
        self._owner = owner

    async def read(self, side: Side) -> Used:
        """CPU seconds of a side until now."""
        rows = await self._owner.fetch(
            "select pid from pg_stat_activity where datname = $1 and application_name = $2",
            side.database,
            CONNECTIONS[side.name],
        )
        backends = [row["pid"] for row in rows]
        here = all(_command(pid).startswith("postgres") for pid in backends)
        return Used(_seconds([side.pid]), _seconds(_below(side.pid)), _seconds(backends) if here else None)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _seconds(pids: Iterable[int]) -> float | None:
    """CPU seconds of processes with all their threads, by the kernel's own count in nanoseconds; None without it."""
    if not Path("/proc/self/schedstat").exists():
        return None
    spent = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                spent += int(thread.read_text().split()[0])
    return spent / 1e9


def _below(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                found += [int(child), *_below(int(child))]
    return found
