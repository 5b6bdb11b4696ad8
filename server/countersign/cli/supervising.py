"""Several workers under one parent: uvicorn's way, with patience for workers that have only begun."""

from __future__ import annotations

import time
from socket import socket
from typing import Final

from uvicorn.config import Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

STARTING_SECONDS: Final = 300.0
"""In which a worker has to begin to answer its parent: on a busy machine it reads for long what it consists of."""
ANSWER_SECONDS: Final = 15
"""In which a worker that has begun answers its parent, else it hangs and another takes its place."""
LOOK_SECONDS: Final = 0.1


class Supervisor(Multiprocess):
    """Keeps so many workers alive. uvicorn's own kills a worker that takes more than five seconds to begin.

    The next one would take no less: on a busy machine no worker ever began, again and again.
    """

    def __init__(self, given: Config, sockets: list[socket]) -> None:
        super().__init__(given, sockets)
        self._begun: set[Process] = set()

    def init_processes(self) -> None:
        """Start the workers, and wait until they have begun."""
        super().init_processes()
        self._have_begun()

    def keep_subprocess_alive(self) -> None:
        """Put another worker in the place of one that died or hangs, and wait until it has begun."""
        if self._have_begun():
            super().keep_subprocess_alive()
            self._have_begun()

    def _have_begun(self) -> bool:
        """Wait until every worker has answered once or has ended, at most so long; False when a signal came before.

        Some signals (a terminal of another size) end nothing: who has not begun then is waited for anew.
        """
        self._begun.intersection_update(self.processes)
        until = time.monotonic() + STARTING_SECONDS
        waited_for = [worker for worker in self.processes if worker not in self._begun]
        for worker in waited_for:
            worker.parent_conn.send(b"ping")
        for worker in waited_for:
            while worker.process.is_alive() and time.monotonic() < until:
                if self.signal_queue:
                    return False
                if worker.parent_conn.poll(LOOK_SECONDS):
                    worker.parent_conn.recv()
                    break
            self._begun.add(worker)
        return True
