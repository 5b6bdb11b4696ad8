"""Starts our verbs as a person would: as processes, with a data directory of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from countersign import config
from tests.patience import WAIT

SERVER = config.ROOT / "server"


def environment(**more: str) -> dict[str, str]:
    """Ours, without what a developer's shell may have set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COUNTERSIGN_", "DATABASE_"))}
    kept["COUNTERSIGN_DRAIN_SECONDS"] = "0.1"  # nobody waits for a balancer here
    return {**kept, "PYTHONPATH": str(SERVER), "NO_COLOR": "1", "COLUMNS": "200", **more}


def verb(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    command = [sys.executable, "-P", "-m", "countersign", *arguments]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False, timeout=WAIT)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> str:
    """The body of a GET on this machine."""
    with urlopen(f"http://localhost:{port}{path}", timeout=WAIT) as answer:  # http, on this machine
        return str(answer.read().decode())


@contextlib.contextmanager
def started(*arguments: str, port: int, errors: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A serving process, ready to answer; stopped at the end when it still runs."""
    command = [sys.executable, "-P", "-m", "countersign", *arguments, "--port", str(port)]
    with errors.open("ab") as log:
        process = subprocess.Popen(command, env=environment(**more), stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + WAIT
        while not answers(port):
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline, errors.read_text()
            time.sleep(0.05)
        yield process
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
