"""Budgets: how much work an organization may ask for, in points; kept in PostgreSQL, leased by workers in blocks.

A budget is a leaky bucket: it holds at most `capacity` points and is restored at `restored` points a second. A worker
leases a block and charges it without any statement; what it leased stops counting as restorable until it is spent,
given back or expired, so all workers together never spend more than capacity plus what was restored. A worker that
dies loses its lease, nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final

import asyncpg
from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.kit.placement import Placement, Table

CAPACITY: Final = 10_000
RESTORED: Final = 100.0
BLOCKS: Final = 20  # a lease is this part of the capacity, or what the operation needs
LEASE_SECONDS: Final = 10.0
MARGIN: Final = 1.0  # seconds by which a worker ends its lease before the database does
LOOK_AGAIN: Final = 1.0  # seconds for which a refusal stands without asking the database again
MOST_HOLDERS: Final = 50_000
SITE: Final = 64  # bits of an IPv6 address that are one customer


class Budget(Table, table=True):
    """What a holder has left. UNLOGGED: after a crash of the server everybody has a full bucket again."""

    __tablename__ = "budgets"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it from the class
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"available", "at", "granted", "leases"})

    holder: str = Field(primary_key=True)
    available: float
    at: datetime = Field(sa_type=DateTime(timezone=True))
    granted: float
    leases: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


# $1 holder, $2 capacity, $3 restored a second, $4 worker, $5 what is left of its lease, $6 the least it needs,
# $7 what it would like, $8 seconds of the lease, $9 the time when a clock says it. A lease is [points, until].
_LEASE: Final = """
insert into budgets as b (holder, available, at, granted, leases)
select $1, $2::float8 - first.points, first.at, first.points,
       case when first.points > 0 then
         jsonb_build_object($4::text, jsonb_build_array(first.points, extract(epoch from first.at) + $8::float8))
       else '{}' end
from (select coalesce($9::timestamptz, clock_timestamp()) as at,
             case when $6::float8 <= $2::float8 then least(greatest($6, $7::float8), $2) else 0 end as points) first
on conflict (holder) do update set (available, at, granted, leases) = (
  select pool.points - given.points, clock.at, given.points,
         others.leases || case when given.points > 0
           then jsonb_build_object($4::text, jsonb_build_array(given.points, clock.now + $8::float8)) else '{}' end
  from (select greatest(b.at, excluded.at) as at, extract(epoch from greatest(b.at, excluded.at)) as now) clock
  cross join lateral (
    select coalesce(jsonb_object_agg(l.key, l.value), '{}') as leases,
           coalesce(sum((l.value ->> 0)::float8), 0) as points
    from jsonb_each(b.leases) l where l.key <> $4 and (l.value ->> 1)::float8 > clock.now) others
  cross join lateral (
    select case when (b.leases -> $4 ->> 1)::float8 > clock.now
                then least($5::float8, (b.leases -> $4 ->> 0)::float8) else 0 end as points) mine
  cross join lateral (
    select mine.points + least(b.available + extract(epoch from clock.at - b.at) * $3::float8,
                               $2 - others.points - mine.points) as points) pool
  cross join lateral (
    select case when pool.points >= $6 then least(greatest($6, $7), pool.points) else 0 end as points) given)
returning available, granted
"""


@dataclass(frozen=True, slots=True)
class Charge:
    """Whether an operation may run, and how the budget stands; points are whole, times are whole seconds."""

    allowed: bool
    points: int
    limit: int
    remaining: int
    reset_seconds: int  # until the budget is full again
    retry_after: int | None = None  # until this operation could run; only when it may not


@dataclass(slots=True)
class _Account:
    """What this worker knows of one holder: its lease, and what the bucket held when it last looked."""

    lease: float = 0.0
    leased: float = 0.0
    until: float = 0.0
    pool: float = 0.0
    seen: float = -math.inf
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def left(self, now: float) -> float:
        """What is left of the lease."""
        return self.lease if now < self.until else 0.0


class Budgets:
    """The budgets as one worker charges them. Close it to give back what it leased."""

    def __init__(
        self,
        db: Database,
        *,
        capacity: int = CAPACITY,
        restored: float = RESTORED,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.capacity = capacity
        self.restored = restored
        self._db = db
        self._block = capacity / BLOCKS
        self._worker = uuid.uuid4().hex
        self._monotonic = monotonic
        self._accounts: dict[str, _Account] = {}
        self._strangers: dict[str, tuple[float, float]] = {}

    async def charge(self, who: Actor | str, points: int) -> Charge:
        """Take points from the budget of an actor's organization (a learner's token), or of an address.

        An address is counted in this process alone (an IPv6 address by its /64). With a lease in hand there is no
        statement. Raises what the database raises when it is out of reach.
        """
        if isinstance(who, str):
            return self._charge_stranger(site(who), points)
        holder = holder_of(who)
        if holder is None:
            return self._charge(True, points, float(self.capacity))
        account = self._account(holder)
        now = self._monotonic()
        if account.left(now) < points:
            async with account.lock:
                now = self._monotonic()
                if account.left(now) < points and not self._lately_refused(account, points, now):
                    await self._lease(holder, account, points)
                    now = self._monotonic()
        if account.left(now) >= points:
            account.lease -= points
            return self._charge(True, points, self._held(account, now))
        return self._charge(False, points, self._held(account, now))

    def settle(self, who: Actor | str, charge: Charge, spent: int) -> Charge:
        """Give back what an operation was charged and did not spend; the charge as it stands then. No statement."""
        back = charge.points - spent
        if not charge.allowed or back <= 0:
            return charge
        now = self._monotonic()
        if isinstance(who, str):
            key = site(who)
            held = min(float(self.capacity), self._stranger(key, now) + back)
            self._strangers[key] = (held, now)
        else:
            account = self._accounts.get(holder_of(who) or "")
            if account is None:
                return charge
            if now < account.until:
                account.lease = min(account.leased, account.lease + back)
            held = self._held(account, now)
        return replace(self._charge(True, charge.points, held), points=spent)

    async def close(self) -> None:
        """Give back every lease."""
        now = self._monotonic()
        for holder, account in self._accounts.items():
            async with account.lock:
                if account.left(now) > 0:
                    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                        await self._ask(holder, account, 0, 0)  # else it expires
        self._accounts.clear()

    async def _lease(self, holder: str, account: _Account, points: int) -> None:
        """Exchange what is left of the lease for a new one that is enough for `points`, if the bucket allows it."""
        await self._ask(holder, account, points, max(points, self._block))

    async def _ask(self, holder: str, account: _Account, need: float, want: float) -> None:
        before = self._monotonic()
        left, account.lease = account.left(before), 0.0
        async with self._db.writer() as tx:
            row = await tx.fetchrow(
                _LEASE,
                holder,
                float(self.capacity),
                self.restored,
                self._worker,
                left,
                float(need),
                float(want),
                LEASE_SECONDS,
                self._db.clock.now(),
            )
        if row is None:
            raise LookupError("the statement of a lease answers one row")
        account.pool, account.lease, account.leased = row["available"], row["granted"], row["granted"]
        account.until = before + LEASE_SECONDS - MARGIN
        account.seen = self._monotonic()

    def _lately_refused(self, account: _Account, points: int, now: float) -> bool:
        """Whether the database said a moment ago that there is not so much."""
        return now - account.seen < LOOK_AGAIN and self._held(account, now) < points

    def _held(self, account: _Account, now: float) -> float:
        """What the holder has left as far as this worker knows: the bucket as it would be now, and the lease."""
        left = account.left(now)
        restored = (now - account.seen) * self.restored if account.seen > -math.inf else 0.0
        return min(account.pool + restored, self.capacity - left) + left

    def _charge_stranger(self, key: str, points: int) -> Charge:
        now = self._monotonic()
        held = self._stranger(key, now)
        allowed = held >= points
        held -= points if allowed else 0
        self._strangers.pop(key, None)  # the one who asked last stands last
        self._strangers[key] = (held, now)
        if len(self._strangers) > MOST_HOLDERS:
            del self._strangers[next(iter(self._strangers))]
        return self._charge(allowed, points, held)

    def _stranger(self, key: str, now: float) -> float:
        held, at = self._strangers.get(key, (float(self.capacity), now))
        return min(float(self.capacity), held + (now - at) * self.restored)

    def _account(self, holder: str) -> _Account:
        account = self._accounts.pop(holder, None) or _Account()
        self._accounts[holder] = account
        if len(self._accounts) > MOST_HOLDERS:
            del self._accounts[next(iter(self._accounts))]  # its lease runs out by itself
        return account

    def _charge(self, allowed: bool, points: int, held: float) -> Charge:
        full = math.ceil((self.capacity - held) / self.restored)
        wait = None if allowed else max(1, math.ceil((points - held) / self.restored))
        return Charge(allowed, points, self.capacity, int(held), full, wait)


def holder_of(actor: Actor) -> str | None:
    """Under which name an actor's budget is kept; None for the system, which has none. No personal data."""
    if actor.organization_id is not None:
        return f"org:{actor.organization_id}"
    if actor.token_id is not None:
        return f"token:{actor.token_id}"
    if actor.account_id is not None:
        return f"account:{actor.account_id}"
    return None


def site(address: str) -> str:
    """The network that counts as one stranger: the address, or the /64 of an IPv6 address; any other text as it is."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((int(known) >> SITE << SITE, SITE)))
    return address
