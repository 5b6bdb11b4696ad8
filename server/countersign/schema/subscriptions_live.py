"""Who follows what in this process: each event is read once, told once for each selection and authority, sent to all.

Subscribers with the same document, variables and authority are a group. An event costs one statement for each group
that it concerns, however many are in it. Before anything is told, every token is looked at again.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import asyncpg
import structlog

from countersign.kit import outbox
from countersign.kit.access import Actor
from countersign.kit.db import READS, Connection, Database
from countersign.kit.ids import Sealer
from countersign.kit.relay import LOST
from countersign.kit.waiting import either
from countersign.organizations import acting
from countersign.organizations import service as organizations
from countersign.reads.args import Call
from countersign.reads.errors import Unreadable
from countersign.reads.selection import Selections
from countersign.schema.answer import to_json
from countersign.schema.failures import failed
from countersign.schema.problems import Fault, denials, fault
from countersign.schema.subscriptions_base import FactsOf, Happening, Wish, with_facts
from countersign.schema.subscriptions_plan import EventPlan

POLL: Final = 0.3
"""Seconds between two looks, whatever the wake-ups say; so long an ended token may stay at most."""
IDLE: Final = 30.0
RETRY: Final = 0.5
BATCH: Final = 200
REPLAY_BATCH: Final = 100
REPLAYS_AT_ONCE: Final = 4
NEVER: Final = 2**62
GONE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Where a subscription's events go. None of the plain functions may wait."""

    def news(self, text: str, event_id: str) -> None:
        """An event: the JSON of the `payload` of a `next`."""

    def ended(self, errors: list[dict[str, Any]]) -> None:
        """Nothing more will come, because of these errors."""

    async def room(self) -> None:
        """Wait until what was sent so far is mostly taken; for the past, which has no hurry."""


@dataclass(slots=True, eq=False)
class Visit:
    """A connection of an actor, for as long as it is there; `gone` is called once when the actor's token ends."""

    actor: Actor
    gone: Callable[[], None]
    members: set["Member"] = field(default_factory=set)
    left: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What one subscription selects. `key` is equal for those that any actor would be told the same way."""

    key: object
    plan: EventPlan
    selections: Selections
    wish: Wish
    path: str

    def concerns(self, actor: Actor, happening: Happening) -> bool:
        """Whether the event was asked for and may be for this actor; nothing about who may see it."""
        stream = self.plan.stream
        return self.wish.takes(stream, happening) and stream.reaches(actor, happening)

    def authority(self, actor: Actor) -> Actor:
        """What of an actor decides what is told."""
        person = actor.person_id if self.plan.personal else None
        return replace(actor, token_id=None, login_id=None, account_id=None, authenticated_at=None, person_id=person)


@dataclass(slots=True, eq=False)
class Group:
    """Subscribers who are told the same."""

    key: object
    selection: Selection
    actor: Actor
    members: set["Member"] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Member:
    """One subscription. It is told the events whose numbers are above `joined`, in their order."""

    visit: Visit
    listener: Listener
    selection: Selection
    joined: int = NEVER
    group: Group | None = None
    past: asyncio.Task[None] | None = None


class Live:
    """The subscriptions of one process."""

    def __init__(self, db: Database, sealer: Sealer, sources: FactsOf) -> None:
        self._db = db
        self._sealer = sealer
        self._sources = sources
        self._visits: set[Visit] = set()
        self._members: set[Member] = set()
        self._groups: dict[object, Group] = {}
        self._position: int | None = None
        self._wake = asyncio.Event()
        self._replays = asyncio.Semaphore(REPLAYS_AT_ONCE)
        self.statements = 0
        """How many statements have told an event, since the start."""

    def enter(self, actor: Actor, gone: Callable[[], None]) -> Visit:
        """Begin a visit: from now on `gone` is called within a second after the actor's token or membership ends."""
        visit = Visit(actor, gone)
        self._visits.add(visit)
        self._wake.set()
        return visit

    def leave(self, visit: Visit) -> None:
        """End a visit with all its subscriptions; ending it twice changes nothing."""
        if visit.left:
            return
        visit.left = True
        for member in tuple(visit.members):
            self.cancel(member)
        self._visits.discard(visit)

    async def subscribe(self, visit: Visit, listener: Listener, selection: Selection, since: str | None) -> Member:
        """Begin a subscription: what is committed from now on, or after the event `since`, reaches the listener.

        Raises Unreadable when the actor may not, or when the event is unknown or too old.
        """
        if denied := denials(visit.actor, selection.plan.plan.requirements):
            raise Unreadable(*denied)
        async with self._db.fresh_reader() as reader:
            newest = await outbox.head(reader)
            start = newest if since is None else await _known(reader, since)
        if visit.left:
            raise Unreadable(fault(Fault.UNAUTHENTICATED, "The token has ended"))
        member = Member(visit, listener, selection)
        visit.members.add(member)
        self._members.add(member)
        self._wake.set()
        if self._position is None:
            self._position = newest
        if start >= self._position:
            self._join(member, start)
        else:
            member.past = asyncio.create_task(self._catch_up(member, start))
        return member

    def cancel(self, member: Member) -> None:
        """End a subscription; nothing is told after this."""
        member.visit.members.discard(member)
        self._members.discard(member)
        self._part(member)
        if member.past is not None and member.past is not asyncio.current_task():
            member.past.cancel()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell events as they are numbered until told to stop; a lost connection is made anew, and nothing is lost."""
        while not stop.is_set():
            if not self._visits:
                self._wake.clear()
                await either(None, self._wake, stop)
                continue
            try:
                async with self._db.alone(READS) as connection:
                    await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
                    await self._serve(connection, stop)
            except LOST as lost:
                log.warning("subscriptions lost their connection", error=type(lost).__name__)
                await either(RETRY, stop)
            except Exception:
                # Nothing is told before it is whole, so the next look begins where this one failed.
                log.exception("subscriptions failed")
                await either(RETRY, stop)

    async def _serve(self, connection: Connection, stop: asyncio.Event) -> None:
        now = asyncio.get_running_loop().time
        needed = now()
        while not stop.is_set() and now() - needed < IDLE:
            self._wake.clear()
            if self._visits:
                needed = now()
            if not await self._look(connection):
                await either(POLL if self._visits else IDLE, self._wake, stop)

    async def _look(self, connection: Connection) -> bool:
        """Tell the next events to everybody; whether there may be more at once."""
        happenings: list[Happening] = []
        if self._position is not None and self._members:
            events = await outbox.after(connection, self._position, NEVER, BATCH)
            happenings = await with_facts(connection, self._sources, events)
        else:
            self._position = None
        # After the events were read: a token that ended before one of them is known to have ended.
        await self._check(connection, self._visits)
        now = asyncio.get_running_loop().time
        checked = now()
        for happening in happenings:
            if now() - checked > POLL:
                await self._check(connection, self._visits)
                checked = now()
            await self._tell(connection, happening)
        return len(happenings) == BATCH

    async def _check(self, connection: Connection, visits: Iterable[Visit]) -> None:
        """Look at the tokens of visits again: whose ended is gone, whose authority changed is told accordingly."""
        known = [visit for visit in visits if visit.actor.known]
        tokens = {visit.actor.token_id for visit in known if visit.actor.token_id is not None}
        logins = [visit.actor for visit in known if visit.actor.login_id is not None]
        now = self._db.clock.now()
        by_token = await organizations.still(connection, tokens, now) if tokens else {}
        by_login = await acting.still(connection, logins, now) if logins else {}
        for visit in known:
            before = visit.actor
            if before.login_id is not None:
                actor = by_login.get((before.login_id, acting.choice_of(before)))
            else:
                actor = by_token.get(before.token_id) if before.token_id is not None else before
            if actor is None and not visit.left:
                self.leave(visit)
                visit.gone()
            elif actor is not None and actor != visit.actor:
                self._change(visit, actor)

    def _change(self, visit: Visit, actor: Actor) -> None:
        visit.actor = actor
        for member in tuple(visit.members):
            if denied := denials(actor, member.selection.plan.plan.requirements):
                self.cancel(member)
                member.listener.ended(denied)
            elif member.group is not None:
                self._part(member)
                self._join(member, member.joined)

    async def _tell(self, connection: Connection, happening: Happening) -> None:
        """Tell one event to all who wait for it: worked out first for every group, then handed out in one go."""
        told: dict[Group, str | None] = {}
        while waiting := [
            group
            for group in self._groups.values()
            if group not in told and group.selection.concerns(group.actor, happening)
        ]:
            for group in waiting:
                told[group] = await self._text(connection, group.selection, group.actor, happening)
        sequence, event_id = happening.event.sequence, happening.event.public_id
        for group, text in told.items():
            if text is not None:
                for member in tuple(group.members):
                    if member.joined < sequence:
                        member.listener.news(text, event_id)
        self._position = sequence

    async def _text(
        self, connection: Connection, selection: Selection, actor: Actor, happening: Happening
    ) -> str | None:
        """What those with this selection and authority are told of an event; None when they may not see it."""
        call = Call(actor, self._sealer, secrets.token_hex(16), self._db.clock.now(), vault=self._db.vault)
        self.statements += 1
        try:
            return await selection.plan.tell(connection, call, happening, selection.selections)
        except Exception as error:
            if connection.is_closed() or isinstance(error, GONE):
                raise  # it is told again over the next connection
            wrong = failed(error, happening.event.public_id, [selection.path])
            return to_json({"errors": [wrong], "data": None}).decode()

    async def _catch_up(self, member: Member, start: int) -> None:
        """Tell a subscriber the past, then let it join the present; one that cannot be told ends with an error."""
        try:
            await self._replay(member, start)
        except Exception as error:  # noqa: BLE001 - as in `_text`
            self.cancel(member)
            member.listener.ended([failed(error, "", [member.selection.path])])

    async def _replay(self, member: Member, start: int) -> None:
        while member in self._members and self._position is not None and start < self._position:
            async with self._replays:
                try:
                    until, past = await self._past(member, start, self._position)
                except LOST:
                    await asyncio.sleep(RETRY)
                    continue
            for text, event_id in past:
                await member.listener.room()
                if member in self._members:
                    member.listener.news(text, event_id)
            start = until
        # No waiting between the look at the position and the joining, so nothing falls between them or comes twice.
        self._join(member, start)

    async def _past(self, member: Member, start: int, position: int) -> tuple[int, Sequence[tuple[str, str]]]:
        """The next of the past, and the number up to which it goes."""
        async with self._db.fresh_reader() as reader:
            events = await outbox.after(reader, start, position, REPLAY_BATCH)
            happenings = await with_facts(reader, self._sources, events)
            await self._check(reader, [member.visit])
            selection = member.selection
            found = []
            for happening in happenings:
                actor = selection.authority(member.visit.actor)
                if selection.concerns(actor, happening):
                    text = await self._text(reader, selection, actor, happening)
                    if text is not None:
                        found.append((text, happening.event.public_id))
        return (events[-1].sequence if len(events) == REPLAY_BATCH else position), found

    def _join(self, member: Member, at: int) -> None:
        if member not in self._members:
            return
        actor = member.selection.authority(member.visit.actor)
        key = (member.selection.key, actor)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, member.selection, actor)
        group.members.add(member)
        member.group, member.joined = group, at

    def _part(self, member: Member) -> None:
        group, member.group = member.group, None
        if group is not None:
            group.members.discard(member)
            if not group.members:
                self._groups.pop(group.key, None)


async def _known(reader: Connection, since: str) -> int:
    try:
        return await outbox.sequence_of(reader, since)
    except outbox.EventExpired as expired:
        raise Unreadable(
            fault(Fault.BAD_USER_INPUT, expired.message, reason="EVENT_EXPIRED", keptDays=outbox.KEPT.days)
        ) from None
    except outbox.EventUnknown as unknown:
        raise Unreadable(fault(Fault.BAD_USER_INPUT, unknown.message, reason="EVENT_UNKNOWN")) from None
