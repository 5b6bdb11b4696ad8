"""Worker processes for what would hold the event loop: pyld keeps the GIL for 3 to 15 ms at a time.

Processes start when first needed and end with `close` (or with this process: their standard input ends).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from countersign.trust.verify import Material
from countersign.trust.verify_findings import Report, report_from_json
from countersign.trust.verify_reading import Needs
from countersign.trust.worker import LENGTH_BYTES

_SECONDS = 60.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPYCACHEPREFIX")
_MOST_WAITING = 32
_PACKAGE_PARENT = str(Path(__file__).parents[2])


class WorkerFailed(Exception):
    """A worker process ended, or gave no answer, in the middle of a job."""


class Crowded(Exception):
    """Too many already wait for a process; the asker may come again in a moment."""


class Lane:
    """At most `count` processes; a job waits for a free one, unless `most_waiting` wait already."""

    def __init__(self, count: int, most_waiting: int | None = None) -> None:
        self._places = asyncio.Semaphore(count)
        self._most_waiting = most_waiting
        self._waiting = 0
        self._idle: list[asyncio.subprocess.Process] = []

    async def do(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Have one job done; WorkerFailed when its process ends or gives no answer within a minute, Crowded."""
        if self._most_waiting is not None and self._places.locked() and self._waiting >= self._most_waiting:
            raise Crowded
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._done(job)
        finally:
            self._places.release()

    async def close(self) -> None:
        """End the processes that wait for jobs."""
        while self._idle:
            await _stop(self._idle.pop())

    async def _done(self, job: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._process()
        try:
            answer = await asyncio.wait_for(_exchange(process, json.dumps(job).encode()), _SECONDS)
        except (OSError, EOFError, TimeoutError) as error:
            await _stop(process)
            raise WorkerFailed("a worker process gave no answer") from error
        except BaseException:  # cancelled in the middle: what it answers later belongs to nobody
            await _stop(process)
            raise
        self._idle.append(process)
        return answer

    async def _process(self) -> asyncio.subprocess.Process:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await _stop(process)  # it ended while nobody used it
        # Only what an interpreter needs: secrets in the environment stay with this process.
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "countersign.trust.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment | {"PYTHONPATH": _PACKAGE_PARENT},
        )


class Workers:
    """Two lanes, so that strangers who have documents judged never keep signatures waiting."""

    def __init__(self, signing: int | None = None, judging: int = 1) -> None:
        self.signing = Lane(signing or max(1, min(4, (os.cpu_count() or 2) - 1)))
        self.judging = Lane(judging, most_waiting=_MOST_WAITING)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def needs(self, text: str) -> Needs:
        """Name what must be at hand to judge a pasted text; nothing when it cannot be read. Raises Crowded."""
        found = await self.judging.do({"do": "needs", "text": text})
        return Needs(tuple(found["issuers"]), tuple(found["status_lists"]), tuple(found["resources"]))

    async def verify(self, text: str, material: Material, now: datetime) -> Report:
        """Judge a pasted text within one second of CPU time (see `verify.verify`). Raises Crowded."""
        job = {"do": "verify", "text": text, "material": asdict(material), "now": now.isoformat()}
        return report_from_json((await self.judging.do(job))["report"])

    async def close(self) -> None:
        """End the processes that wait for jobs."""
        await self.signing.close()
        await self.judging.close()


async def _exchange(process: asyncio.subprocess.Process, body: bytes) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise OSError("a worker without pipes")
    process.stdin.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
    answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return answer


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
