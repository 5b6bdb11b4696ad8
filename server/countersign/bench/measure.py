"""Turns: both sides are asked in short batches one after the other, so that whatever the machine does hits both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Final

from countersign.bench.processes import BARE, NOTHING, OURS, Asker, Meter, Side, Used

TURNS: Final = 12
"""Batches of each side in a row; fewer in less than two seconds."""
SETTLING: Final = 90
"""Seconds after which a server that does not come to rest is measured as it is."""
IDLE: Final = 0.1
"""CPU seconds in a second of both sides together, below which nothing but looking for work goes on."""
WARMING: Final = 0.3
"""Seconds for which each side is asked before anything counts: plans are made, connections opened."""


class NotEqual(Exception):
    """The two sides answered differently; the message names the first difference."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one side is asked: the path, and for each request a token and a body."""

    path: str
    requests: Sequence[tuple[str, str]]


@dataclass(slots=True)
class Figures:
    """What one side needed: milliseconds of each request, CPU seconds of all; how many were refused, the first so."""

    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    bytes: int = 0
    bad: int = 0
    fault: str | None = None
    used: Used = NOTHING

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return len(self.milliseconds)

    def percentile(self, share: int) -> float:
        """The latency below which `share` of a hundred requests stayed, in milliseconds."""
        if len(self.milliseconds) == 1:
            return self.milliseconds[0]
        return quantiles(self.milliseconds, n=100, method="inclusive")[share - 1]

    def each(self, seconds: float | None) -> float | None:
        """CPU milliseconds a request."""
        return None if seconds is None or not self.requests else seconds * 1000 / self.requests

    @property
    def rate(self) -> float:
        """Requests a second that were not refused, while this side was asked."""
        return (self.requests - self.bad) / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "requests": self.requests,
            "bad": self.bad,
            "fault": self.fault,
            "p50_ms": round(self.percentile(50), 3),
            "p95_ms": round(self.percentile(95), 3),
            "per_second": round(self.rate, 1),
            "cpu_server_ms": _rounded(self.each(self.used.server)),
            "cpu_helpers_ms": _rounded(self.each(self.used.helpers)),
            "cpu_postgres_ms": _rounded(self.each(self.used.postgres)),
            "bytes": self.bytes // max(1, self.requests),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


class Arena:
    """Both servers, the client and the meter, for one database."""

    def __init__(self, asker: Asker, meter: Meter, sides: Mapping[str, Side]) -> None:
        self._asker = asker
        self._meter = meter
        self._sides = sides

    async def settle(self) -> None:
        """Wait until both sides do next to nothing by themselves; a minute and a half at most.

        What a server does once when it first meets data (it takes thousands of them into its log) is no request's.
        """
        quiet = 0
        for _ in range(SETTLING):
            before = {name: await self._meter.read(side) for name, side in self._sides.items()}
            await asyncio.sleep(1)
            spent = [(await self._meter.read(side)).since(before[name]) for name, side in self._sides.items()]
            busy = sum((one.server or 0) + (one.helpers or 0) + (one.postgres or 0) for one in spent)
            quiet = quiet + 1 if busy < IDLE else 0
            if quiet == 2:  # noqa: PLR2004 - jobs that look every two seconds had their turn
                return

    async def load(self, name: str, loads: Mapping[str, Load]) -> None:
        """Hand the requests of a row to the client."""
        for side, given in loads.items():
            await self._asker.order(
                do="load", load=f"{side}/{name}", port=self._sides[side].port, path=given.path, requests=given.requests
            )

    async def answers(self, name: str, side: str) -> tuple[int, str]:
        """The status and body of a side's next request."""
        found = await self._asker.order(do="once", load=f"{side}/{name}")
        return found["status"], found["body"]

    async def compare(
        self, name: str, *, seconds: float, callers: int = 1, tell: Callable[[int, int], None] = lambda _done, _of: None
    ) -> dict[str, Figures]:
        """Ask both sides in turns, `seconds` each in all; what each of them needed."""
        figures = {OURS: Figures(), BARE: Figures()}
        for side in figures:
            await self._ask(side, name, callers, min(WARMING, seconds))
        turns = max(2, min(TURNS, int(seconds * TURNS / 2)))
        for turn in range(turns):
            # Who comes second finds warm caches: they take turns in that too.
            for side in (OURS, BARE) if turn % 2 else (BARE, OURS):
                before = await self._meter.read(self._sides[side])
                found = await self._ask(side, name, callers, seconds / turns)
                after = await self._meter.read(self._sides[side])
                mine = figures[side]
                mine.milliseconds += [spent / 1000 for spent in found["microseconds"]]
                mine.seconds += found["seconds"]
                mine.bytes += found["bytes"]
                mine.bad += found["bad"]
                mine.fault = mine.fault or found["fault"]
                mine.used = mine.used.plus(after.since(before))
            tell(turn + 1, turns)
        return figures

    async def _ask(self, side: str, name: str, callers: int, seconds: float) -> dict[str, Any]:
        return await self._asker.order(do="run", load=f"{side}/{name}", callers=callers, seconds=seconds)


def difference(ours: object, other: object, at: str = "data") -> str | None:
    """The first place where two JSON values differ, in words; None when their content is equal.

    Ids of candidates are not compared: each side has pseudonyms of its own.
    """
    if isinstance(ours, dict) and isinstance(other, dict):
        if list(ours) != list(other):
            return f"{at}: members {list(ours)} and {list(other)}"
        return _first(difference(ours[key], other[key], f"{at}.{key}") for key in ours)
    if isinstance(ours, list) and isinstance(other, list):
        if len(ours) != len(other):
            return f"{at}: {len(ours)} and {len(other)} items"
        return _first(difference(a, b, f"{at}.{n}") for n, (a, b) in enumerate(zip(ours, other, strict=True)))
    if isinstance(ours, str) and isinstance(other, str) and ours.startswith("cand_") and other.startswith("cand_"):
        return None
    return None if ours == other and type(ours) is type(other) else f"{at}: {ours!r} and {other!r}"


def _first(found: Any) -> str | None:
    return next((text for text in found if text is not None), None)
