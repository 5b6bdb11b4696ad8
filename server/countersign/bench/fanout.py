"""One event to hundreds of subscribers: the product's way beside a Strawberry subscription for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from countersign.bench.data import Data
from countersign.bench.processes import BARE, NOTHING, OURS, Asker, Meter, NotStarted, Side, Used
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.specs import service as specs

SOCKETS: Final = 5
EACH: Final = 100
EVENTS: Final = 12
PATIENCE: Final = 30.0
SETTLING: Final = 2.0
"""Seconds after which those who were not told yet may have missed an event that came before they were subscribed."""
QUERY: Final = """subscription {
  specChanged { eventId kind spec { id slug title school { displayName } } version { semver state digest } }
}"""


@dataclass(slots=True)
class Told:
    """What one side needed: CPU seconds for all deliveries, milliseconds until an event had reached everybody."""

    deliveries: int = 0
    used: Used = NOTHING
    milliseconds: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for each delivery."""
        server = None if self.used.server is None else self.used.server * 1e6 / max(1, self.deliveries)
        ordered = sorted(self.milliseconds)
        return {
            "deliveries": self.deliveries,
            "cpu_microseconds": None if server is None else round(server, 1),
            "all_told_p50_ms": round(ordered[len(ordered) // 2], 2),
        }


async def measure(
    data: Data,
    sides: Mapping[str, Side],
    meter: Meter,
    listeners: Asker,
    token: str,
    fire: Callable[[dict[str, Any]], Any],
    tell: Callable[[int, int], None],
) -> dict[str, Told]:
    """Publish and end versions one by one and wait until every subscriber of both sides knows.

    `fire` hands an event's facts to the other side. Raises NotStarted when an event does not arrive.
    """
    each, events = max(2, EACH // data.made.scale), max(2, EVENTS // data.made.scale)
    for name, path in ((OURS, "/graphql"), (BARE, "/graphql/")):
        order = {"do": "follow", "crowd": name, "port": sides[name].port, "path": path}
        await listeners.order(**order, token=token, query=QUERY, sockets=SOCKETS, each=each)
    told = {OURS: Told(), BARE: Told()}
    db = await Database.open(data.dsn, pool_size=1)
    numbers = count()
    try:
        for side in (OURS, BARE):
            await _settle(db, data, listeners, fire, side, each * SOCKETS, numbers)
        for done in range(1, events + 1):
            number = next(numbers)
            for side in (OURS, BARE):
                mine = told[side]
                before, begun = await meter.read(sides[side]), time.perf_counter()
                await _happen(db, data, fire, side, number)
                await _until(listeners, side, data, number, each * SOCKETS)
                mine.milliseconds.append((time.perf_counter() - begun) * 1000)
                mine.used = mine.used.plus((await meter.read(sides[side])).since(before))
                mine.deliveries += each * SOCKETS
            tell(done, events)
    finally:
        await db.close()
    return told


async def _settle(
    db: Database,
    data: Data,
    listeners: Asker,
    fire: Callable[[dict[str, Any]], Any],
    side: str,
    subscribers: int,
    numbers: Iterator[int],
) -> None:
    """Events that do not count, until one reaches everybody: nobody is told when a subscription has begun."""
    ends = time.monotonic() + PATIENCE
    while True:
        number = next(numbers)
        await _happen(db, data, fire, side, number)
        seconds = SETTLING if time.monotonic() < ends else 0.0
        slug = data.market.specs[number].slug
        answer = await listeners.order(do="until", crowd=side, slug=slug, told=subscribers, seconds=seconds)
        if answer["in_time"]:
            return
        if not seconds:
            raise NotStarted(f"{side} told {answer['told']} of {subscribers} subscribers: {answer['sample']}")


async def _happen(db: Database, data: Data, fire: Callable[[dict[str, Any]], Any], side: str, number: int) -> None:
    if side == OURS:
        await _change(db, data, number)
    else:
        await fire(_facts(data, number))


async def _until(listeners: Asker, side: str, data: Data, number: int, subscribers: int) -> None:
    slug = data.market.specs[number].slug
    answer = await listeners.order(do="until", crowd=side, slug=slug, told=subscribers, seconds=PATIENCE)
    if not answer["in_time"]:
        raise NotStarted(f"{side} told {answer['told']} of {subscribers} subscribers: {answer['sample']}")


async def _change(db: Database, data: Data, number: int) -> None:
    spec = data.market.specs[number]
    school = data.market.schools[spec.school]
    author = Actor(
        school.id,
        OrganizationKind.SCHOOL,
        school.person,
        token_id=new_id(),
        roles=frozenset({Role.AUTHOR}),
        scopes=frozenset({Scope.SPEC_WRITE}),
    )
    async with db.writer() as tx:
        await specs.deprecate(tx, author, spec.version_id)


def _facts(data: Data, number: int) -> dict[str, Any]:
    spec = data.market.specs[number]
    return {
        "eventId": str(new_id()),
        "kind": "DEPRECATED",
        "at": datetime.now(tz=UTC).isoformat(),
        "spec": {
            "id": f"spec_{spec.id}",
            "slug": spec.slug,
            "title": spec.title,
            "school": data.market.schools[spec.school].name,
        },
        "version": {"semver": "1.0.0", "state": "DEPRECATED", "digest": spec.frozen.digest},
    }
