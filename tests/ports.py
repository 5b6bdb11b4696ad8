"""Ports for the servers that tests start: nobody else on this machine is given the same, and no client gets one."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Sequence
from typing import Final

BELOW_WHAT_CLIENTS_GET: Final = range(12_000, 32_000)
"""The system hands out ports from 32,768 on: to connections too, of other tests, while a server is still starting."""
TRIES: Final = 1_000
_held: list[socket.socket] = []


def free_port(among: Sequence[int] = BELOW_WHAT_CLIENTS_GET) -> int:
    """A port that nobody listens on, for as long as this process lives; two runs side by side never share one."""
    for _ in range(TRIES):
        port = secrets.choice(among)  # the tests' own chance is the same in every process of a run
        held = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), socket.socket() as probe:
            held.bind(f"\0countersign-test-port-{port}")  # a name without a file: it goes with the process
            probe.bind(("127.0.0.1", port))
            _held.append(held)
            return port
        held.close()
    raise OSError("no port is free")
