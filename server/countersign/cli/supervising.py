"""Several workers under one parent: uvicorn's way, with patience for workers that have only begun."""

from __future__ import annotations

import time
from typing import Final

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

    def init_processes(self) -> None:
        """Start the workers, and wait until they have begun."""
        super().init_processes()
        self._begin(self.processes)

    def keep_subprocess_alive(self) -> None:
        """Put another worker in the place of one that died or hangs, and wait until it has begun."""
        before = set(map(id, self.processes))
        super().keep_subprocess_alive()
        self._begin([process for process in self.processes if id(process) not in before])

    def _begin(self, workers: list[Process]) -> None:
        """Wait until each of these answers or has ended, at most so long; or until the parent gets a signal."""
        until = time.monotonic() + STARTING_SECONDS
        for worker in workers:
            worker.parent_conn.send(b"ping")
        for worker in workers:
            while worker.process.is_alive() and not self.signal_queue and time.monotonic() < until:
                if worker.parent_conn.poll(LOOK_SECONDS):
                    worker.parent_conn.recv()
                    break
