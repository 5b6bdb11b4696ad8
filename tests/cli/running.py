"""Starts our verbs as a person would: as processes, with a data directory of their own.

Each is a process, forked from one that had read the modules already (`zygote`): to read them is nine tenths of what a
short verb does. Where the start itself is the claim, there are `verb_anew` and `started_anew`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol
from urllib.error import URLError
from urllib.request import urlopen

from countersign import config
from tests.cli import zygote
from tests.patience import WAIT

SERVER = config.ROOT / "server"
AT_ONCE = 0.001
COMMAND = (sys.executable, "-P", "-m", "countersign")


def environment(**more: str) -> dict[str, str]:
    """Ours, without what a developer's shell may have set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COUNTERSIGN_", "DATABASE_"))}
    kept["COUNTERSIGN_DRAIN_SECONDS"] = "0.1"  # nobody waits for a balancer here
    return {**kept, "PYTHONPATH": str(SERVER), "NO_COLOR": "1", "COLUMNS": "200", **more}


class Process(Protocol):
    """What tests ask of a process, however it was started."""

    pid: int

    @property
    def returncode(self) -> int | None: ...  # noqa: D102

    def poll(self) -> int | None: ...  # noqa: D102
    def wait(self, timeout: float | None = None) -> int: ...  # noqa: D102
    def send_signal(self, sig: int) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102


class Forked:
    """A process of the zygote's, used like a `Popen`."""

    def __init__(self, reply: socket.socket, arguments: tuple[str, ...]) -> None:
        self._reply = reply
        self._said = reply.makefile("rb")
        self._arguments = arguments
        self.returncode: int | None = None
        self.pid = self._number(None)

    def poll(self) -> int | None:
        """The exit code of a process that has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(AT_ONCE)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self.leave()
        return self.returncode

    def leave(self) -> None:
        """Ask no more how it ends."""
        self._said.close()
        self._reply.close()

    def send_signal(self, sig: int) -> None:
        """Send a signal to it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _number(self, timeout: float | None) -> int:
        with selectors.DefaultSelector() as events:
            events.register(self._reply, selectors.EVENT_READ)
            if not events.select(timeout):
                raise subprocess.TimeoutExpired(self._arguments, timeout or 0.0)
        # One line at a time: a line comes whole, and the second only when the process has ended.
        return int(self._said.readline())


class Zygote:
    """The process that forks, for the tests of this one."""

    def __init__(self) -> None:
        self._asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        command = [sys.executable, "-P", zygote.__file__]
        with asked:
            self._process = subprocess.Popen(command, env=environment(), stdin=asked.fileno(), start_new_session=True)
        atexit.register(self.end)

    def end(self) -> None:
        """Hang up: it ends."""
        self._asking.close()
        self._process.wait(WAIT)

    def fork(self, arguments: tuple[str, ...], settings: dict[str, str], *streams: int, session: bool) -> Forked:
        """Have a verb started with standard input, output and error as given."""
        request = {"arguments": arguments, "environment": settings, "session": session}
        reply, theirs = socket.socketpair()
        with theirs, self._lock:
            self._asking.sendmsg([json.dumps(request).encode()], zygote.handed_over(theirs, *streams))
        return Forked(reply, arguments)


the_zygote = functools.cache(Zygote)


def verb_anew(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end, in an interpreter of its own."""
    command, settings = [*COMMAND, *arguments], environment(**more)
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=WAIT)


def verb(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), out.fileno(), err.fileno())
        process = the_zygote().fork(arguments, environment(**more), *streams, session=False)
        try:
            code = process.wait(WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def get(port: int, path: str) -> str:
    """The body of a GET on this machine."""
    with urlopen(f"http://localhost:{port}{path}", timeout=WAIT) as answer:  # http, on this machine
        return str(answer.read().decode())


@contextlib.contextmanager
def started(*arguments: str, port: int, errors: Path, **more: str) -> Iterator[Process]:
    """A serving process, ready to answer; stopped at the end when it still runs."""
    with errors.open("ab") as log, Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), log.fileno(), log.fileno())
        process = the_zygote().fork((*arguments, "--port", str(port)), environment(**more), *streams, session=True)
    with _watched(process, port, errors):
        yield process


@contextlib.contextmanager
def started_anew(*arguments: str, port: int, errors: Path, **more: str) -> Iterator[Process]:
    """The same in an interpreter of its own."""
    command, settings = [*COMMAND, *arguments, "--port", str(port)], environment(**more)
    with errors.open("ab") as log:
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, start_new_session=True)
    with _watched(process, port, errors):
        yield process


@contextlib.contextmanager
def _watched(process: Process, port: int, errors: Path) -> Iterator[None]:
    """A process until it answers, while it serves, and until it has ended."""
    try:
        deadline = time.monotonic() + WAIT
        while not answers(port):
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline, errors.read_text()
            time.sleep(0.05)
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(WAIT)


def answers(port: int) -> bool:
    """Whether the portal on this port is ready."""
    try:
        return '"ready":true' in get(port, "/readyz")
    except (URLError, OSError):
        return False


def children(pid: int) -> list[int]:
    """Every process below this one."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                child = int(stat.parent.name)
                found += [child, *children(child)]
    return found


def still_there(pids: list[int], seconds: float = WAIT) -> list[str]:
    """Those processes that do not end within some seconds, by what they are."""
    deadline = time.monotonic() + seconds
    while True:
        left = []
        for pid in pids:
            with contextlib.suppress(OSError):
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    left.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)
