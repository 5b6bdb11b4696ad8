"""Clients of a portal that is told to go, and what they saw."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.cli.running import Process
from tests.patience import WAIT

QUERY = json.dumps({"query": "{ skillFrameworks { id } }"})
HEADERS = {"content-type": "application/json"}


@dataclass
class Caller:
    """Asks again and again, and remembers when it asked for what was not answered."""

    port: int
    answered: int = 0
    statuses: set[int] = field(default_factory=set)
    dropped: list[float] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        """Ask until told to stop, or until nobody listens."""
        connection = HTTPConnection("localhost", self.port, timeout=WAIT)
        while not stop.is_set():
            asked_at = time.monotonic()
            try:
                connection.request("POST", "/graphql", QUERY, HEADERS)
                answer = connection.getresponse()
                answer.read()
            except ConnectionRefusedError:
                return
            except (OSError, HTTPException):
                self.dropped.append(asked_at)
                connection.close()
                continue
            self.answered += 1
            time.sleep(0.005)  # the processor is also for whoever leaves
            self.statuses.add(answer.status)


def readiness(port: int) -> int:
    """The status of `/readyz`; 0 when nobody listens."""
    connection = HTTPConnection("localhost", port, timeout=WAIT)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def told_to_go(process: Process, port: int, callers: int = 4) -> dict[str, Any]:
    """Send SIGTERM under load; what was seen from then on."""
    working = [Caller(port) for _ in range(callers)]
    stop = threading.Event()
    threads = [threading.Thread(target=caller.work, args=(stop,)) for caller in working]
    for thread in threads:
        thread.start()
    while any(caller.answered < 5 for caller in working):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    at = time.monotonic()
    turned, seen = 0.0, set()
    while process.poll() is None and time.monotonic() < at + WAIT:
        status = readiness(port)
        seen.add(status)
        if status == 503 and not turned:
            turned = time.monotonic() - at
        time.sleep(0.02)
    took = time.monotonic() - at
    stop.set()
    for thread in threads:
        thread.join()
    return {
        "exit": process.poll(),
        "seconds": took,
        "readiness turned after": turned,
        "readiness": seen,
        "answered": sum(caller.answered for caller in working),
        "statuses": set[int]().union(*(caller.statuses for caller in working)),
        "dropped": [moment - at for caller in working for moment in caller.dropped],
    }
