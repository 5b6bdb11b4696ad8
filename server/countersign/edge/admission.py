"""Admission: how many run at once, and nobody waits longer than is worth waiting."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from time import perf_counter
from typing import Final

from countersign.edge.responses import Refused

LONGEST_WAIT: Final = 0.3
"""Seconds that a newcomer may be expected to wait."""
LAST_RESORT: Final = 2.5 * LONGEST_WAIT
"""Seconds after which one who was expected to wait less is told so; an answer within the second is still possible."""
_WEIGHT: Final = 0.05
_WORST: Final = 1.0


class Busy(Refused):
    """There is more to do than can be done in time."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(503, "UNAVAILABLE", "The service is busy; try again", retry_after=retry_after)


class Admission:
    """Bounds the wait, not the queue. One for a process; every call is on its event loop.

    Who is inside beyond the places leaves in turn, one every `pace` seconds (measured while all places are taken), so
    a newcomer waits for as many paces as there are before it. Interactive requests are placed before bulk ones.
    """

    def __init__(self, places: int, last_resort: float = LAST_RESORT) -> None:
        self.places = places
        self._last_resort = last_resort
        self.inside = 0
        self.pace = 0.0
        self._free = places
        self._left_at = 0.0
        self._interactive: deque[asyncio.Future[None]] = deque()
        self._bulk: deque[asyncio.Future[None]] = deque()

    @property
    def wait_beyond_reason(self) -> int | None:
        """When a newcomer would have to wait for too long: after how many seconds to come again."""
        if self.inside < self.places:
            return None
        wait = (self.inside - self.places + 1) * self.pace
        return max(1, math.ceil(wait)) if wait > LONGEST_WAIT else None

    def enter(self) -> None:
        """Come in, before anything costly is done. Raises Busy, which costs next to nothing. Pair with `leave`."""
        if (wait := self.wait_beyond_reason) is not None:
            raise Busy(wait)
        self.inside += 1

    def leave(self) -> None:
        """Go, whatever came of it."""
        now = perf_counter()
        if self.inside > self.places:
            took = min(now - self._left_at, _WORST)
            self.pace += (took - self.pace) * _WEIGHT
        self._left_at = now
        self.inside -= 1

    async def take(self, *, bulk: bool = False) -> None:
        """Take one of the places; pair with `give_back`. Raises Busy after the last resort.

        Bulk work is placed after all that is interactive, and refused at once when that would be too long a wait.
        """
        if self._free > 0:
            self._free -= 1
            return
        queue = self._bulk if bulk else self._interactive
        wait = (len(self._interactive) + len(self._bulk) + 1) * self.pace
        if bulk and wait > LONGEST_WAIT:
            raise Busy(max(1, math.ceil(wait)))
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        queue.append(mine)
        timer = loop.call_later(self._last_resort, _give_up, mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled() and mine.exception() is None:
                self.give_back()
            raise
        finally:
            timer.cancel()

    def give_back(self) -> None:
        """Give a place to the next, or keep it free."""
        for queue in (self._interactive, self._bulk):
            while queue:
                following = queue.popleft()
                if not following.done():
                    following.set_result(None)
                    return
        self._free += 1


def _give_up(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(Busy(1))
