"""SIGTERM: first the readiness turns, then what runs ends, then we go."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from countersign.edge.connections import Connections
from countersign.kit.logs import logger

SECONDS: Final = 2.0
GOODBYE: Final = 0.3
"""Seconds in which streams and sockets end themselves."""

log = logger("edge")


class Draining:
    """Whether this process is on its way out.

    `begun` is set when SIGTERM comes: readiness answers 503 and answers close their connections, while requests are
    still taken. `seconds` later `closing` is set (streams and sockets end themselves), and the server stops.
    """

    def __init__(self, connections: Connections, seconds: float = SECONDS) -> None:
        self.begun = asyncio.Event()
        self.closing = asyncio.Event()
        self.serves = False
        """Whether the application has started: the start sets it."""
        self._connections = connections
        connections.stopping = self.close
        self._seconds = seconds

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Put the draining before whatever SIGTERM did, on the running loop of the main thread.

        Before `serves` there is nothing to drain: it leaves at once, and the loop's end ends what has begun. uvicorn
        would note the signal, and look at it when the application has started.
        """
        loop = asyncio.get_running_loop()
        then = signal.getsignal(signal.SIGTERM)

        def begin() -> None:
            if not self.serves:
                sys.exit(128 + signal.SIGTERM)
            if not self.begun.is_set():
                log.info("draining", seconds=self._seconds)
                self.begun.set()
                self._connections.draining = True
                loop.call_later(self._seconds, end)

        def end() -> None:
            self.closing.set()
            loop.call_later(GOODBYE, stop)

        def stop() -> None:
            if callable(then):
                then(signal.SIGTERM, None)

        loop.add_signal_handler(signal.SIGTERM, begin)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, then)

    def close(self) -> None:
        """Say the same to streams and sockets when the server stops for another reason."""
        self.begun.set()
        self.closing.set()
