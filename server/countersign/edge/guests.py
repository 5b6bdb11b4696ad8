"""Who stays longer than a request: sockets and streams, counted for each user, seen off when the process goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from countersign.kit.access import Actor


class Guests:
    """The sockets or streams of one process; at most `most` of one user, of one address when nobody signed in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._present: set[Callable[[], None]] = set()
        self._of: Counter[str] = Counter()
        self._watch: asyncio.Task[None] | None = None

    def come(self, goodbye: Callable[[], None], stopping: asyncio.Event) -> None:
        """Be told by `goodbye` when the process stops."""
        self._present.add(goodbye)
        if self._watch is None:
            self._watch = asyncio.create_task(self._see_off(stopping))
        if stopping.is_set():
            goodbye()

    def has_room(self, user: str) -> bool:
        """Whether the user has a place left."""
        return self._of[user] < self.most

    def sit(self, user: str) -> bool:
        """Take one of the user's places; False when all are taken."""
        if not self.has_room(user):
            return False
        self._of[user] += 1
        return True

    def go(self, goodbye: Callable[[], None], user: str | None) -> None:
        """Be gone, and give back the place."""
        self._present.discard(goodbye)
        if user is not None:
            self._of[user] -= 1
            self._of += Counter()  # forgets those without any
        if not self._present and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _see_off(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        for goodbye in tuple(self._present):
            goodbye()


def user_of(actor: Actor, address: str) -> str:
    """Under which name guests are counted."""
    return f"{actor.organization_id}/{actor.identity}" if actor.known else f"address {address}"
