"""Tells a story through GraphQL over HTTP and keeps its transcript, readable by who never saw the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from countersign.kit.access import Actor
from countersign.kit.clock import FrozenClock
from tests.api import Api

NINE: Final = time(9, 0, tzinfo=UTC)


@dataclass
class Telling:
    """Who acts, what day it is, and what was written down so far."""

    api: Api
    clock: FrozenClock
    people: Mapping[str, Actor]
    lines: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    """The notices that were written down."""

    def chapter(self, title: str, day: date) -> None:
        """Begin a chapter on a day, at nine in the morning (UTC)."""
        self.lines += ["", title, "=" * len(title)]
        self.on(day)

    def on(self, day: date) -> None:
        """Have it be another day; time only goes forward."""
        at = datetime.combine(day, NINE)
        assert at >= self.clock.at, "a story is told in the order of time"
        self.clock.at = at
        self.api.sign_in_anew()
        self.lines += ["", f"{day:%-d %B %Y}"]

    def news(self, person: str, notices: Sequence[Mapping[str, Any]]) -> None:
        """What somebody found in the inbox and was not written down yet, oldest first; there must be something."""
        fresh = [notice for notice in reversed(notices) if notice["id"] not in self.heard]
        assert fresh, f"nobody told {person} anything"
        self.heard |= {notice["id"] for notice in fresh}
        self.lines += [f"  {person} is told: {notice['sentence']}" for notice in fresh]

    def say(self, sentence: str) -> None:
        """What happens outside the portal, or by itself."""
        self.lines.append(f"  {sentence}")

    async def do(self, person: str, sentence: str, change: str, selection: str, /, **given: Any) -> dict[str, Any]:
        """A change that must happen; its payload."""
        self.clock.move(timedelta(minutes=5))
        payload = await self.api.do(change, selection, self.people[person], **given)
        assert payload.get("errors") == [], (change, payload)
        self.lines.append(f"  {person}: {sentence}  [{change}]")
        return payload

    async def do_each(
        self, person: str, sentence: str, change: str, selection: str, given: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """A change that happens several times, told once; the last payload."""
        payload: dict[str, Any] = {}
        for one in given:
            self.clock.move(timedelta(minutes=5))
            payload = await self.api.do(change, selection, self.people[person], **one)
            assert payload.get("errors") == [], (change, payload)
        self.lines.append(f"  {person}: {sentence}  [{change}, {len(given)} times]")
        return payload

    async def refused(self, person: str, sentence: str, change: str, /, **given: Any) -> list[dict[str, Any]]:
        """A change that must not happen; what is said about it is written down."""
        self.clock.move(timedelta(minutes=5))
        payload = await self.api.do(change, "", self.people[person], **given)
        assert payload.get("errors"), (change, payload)
        errors: list[dict[str, Any]] = payload["errors"]
        self.lines.append(f"  {person}: {sentence}  [{change}: refused]")
        self.lines += [f"      {error['code']}: {error['message']}" for error in errors]
        return errors

    async def ask(self, person: str | None, query: str, /, **variables: Any) -> Any:
        """What somebody reads; written down by `read`."""
        return await self.api.ask(query, None if person is None else self.people[person], **variables)

    def read(self, person: str, *facts: str) -> None:
        """What somebody read, in words."""
        self.lines += [f"  {person} reads: {facts[0]}", *(f"      {fact}" for fact in facts[1:])]

    @property
    def transcript(self) -> str:
        """The whole of it."""
        return "\n".join(self.lines).strip() + "\n"
