"""The way of every GraphQL operation, whatever brought it: who asks, what it costs, whether there is room, how long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Protocol

import asyncpg
from graphql import OperationType

from countersign.edge import identity
from countersign.edge.admission import Admission
from countersign.edge.body import Operation
from countersign.edge.identity import Credentials
from countersign.edge.responses import Header, Refused
from countersign.edge.trusted import Trust
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.budgets import Budgets, Charge
from countersign.kit.db import Database
from countersign.kit.logs import logger
from countersign.kit.losses import UNREACHABLE
from countersign.kit.refusals import Refusals
from countersign.organizations.usage import TokenUses
from countersign.reads.errors import Unreadable

DEADLINE: Final = 5.0
BULK_POINTS: Final = 4_000
"""An operation of this price is bulk work: it waits until what is interactive has its place."""

UNREADABLE_POINTS: Final = 5
"""What is charged for a document that cannot run: reading it is work, and nobody may make us read for ever."""

log = logger("edge")


class Answered(Protocol):
    """An answer of the engine."""

    @property
    def data(self) -> bytes | None:
        """None when nothing was executed."""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Errors with codes."""

    @property
    def spent(self) -> int:
        """What it cost, in points; at most the price."""

    def render(self) -> bytes:
        """The response's body."""


class Prepared(Protocol):
    """A request that can run."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""

    @property
    def cost(self) -> int:
        """Its price in points."""


class GraphQL(Protocol):
    """The engine as the edge needs it."""

    def prepare(self, asked: Operation, actor: Actor, /) -> Prepared:
        """Read and price a request. Raises Unreadable."""

    async def execute(self, prepared: Any, actor: Actor, request_id: str, charge: Charge, /) -> Answered:
        """Answer what was prepared."""

    def refused(self, unreadable: Unreadable, request_id: str, /) -> Answered:
        """The answer to what could not be prepared."""


class OverBudget(Refused):
    """The caller's budget does not allow the operation now."""

    def __init__(self, charge: Charge, policy: Header) -> None:
        message = f"The operation costs {charge.points} points and {charge.remaining} are left; wait, or ask for less"
        super().__init__(
            429, "RATE_LIMITED", message, policy, rate_limit(charge), retry_after=max(1, charge.retry_after or 1)
        )


class Late(Refused):
    """The operation took longer than an operation may."""

    def __init__(self) -> None:
        super().__init__(504, "TIMEOUT", "The operation took too long")


class OutOfReach(Refused):
    """The database cannot be asked now."""

    def __init__(self) -> None:
        super().__init__(503, "UNAVAILABLE", "The service is busy; try again", retry_after=1)


@dataclass(slots=True)
class Admitted:
    """An operation that may run: what it is, who asks, and what was charged (less, once it has run)."""

    prepared: Prepared
    actor: Actor
    charge: Charge
    who: Actor | str


class Pipeline:
    """Authentication, price, budget, admission, deadline. One for a process; knows nothing of HTTP messages."""

    def __init__(
        self, engine: GraphQL, db: Database, budgets: Budgets, trust: Trust, *, places: int, seconds: float
    ) -> None:
        self.engine = engine
        self.trust = trust
        self.admission = Admission(places)
        self.seconds = seconds
        self.uses = TokenUses()
        self.refusals = Refusals(db)
        self._db = db
        self._budgets = budgets
        window = max(1, round(budgets.capacity / budgets.restored))
        self.policy: Header = (b"ratelimit-policy", b'"points";q=%d;w=%d' % (budgets.capacity, window))

    async def actor(self, given: Credentials) -> Actor:
        """Who asks. Raises Refused: NotSignedIn, FromElsewhere, CannotActFor, BadRequest, OutOfReach."""
        try:
            actor = await identity.actor(self._db, given)
        except UNREACHABLE as error:
            raise _out_of_reach(error) from None
        except Refused as refused:
            await self.refusals.tell(ANONYMOUS, "authenticate", refused.message, refused.code.lower())
            raise
        if actor.request_id is None:
            self.uses.note(actor.token_id)
        return actor

    async def redeem(self, ticket: str, given: Credentials) -> Credentials:
        """The credentials of the session that a ticket stands for, in place of others. Raises Refused."""
        try:
            return await identity.redeemed(self._db, ticket, given)
        except UNREACHABLE as error:
            raise _out_of_reach(error) from None

    async def admit(self, operation: Operation, actor: Actor, address: str, *, in_address: bool = False) -> Admitted:
        """Find an operation's text, price it, charge it to the actor's organization, to the address without one.

        `in_address`: the operation came in the address of a GET.

        Raises Unreadable, and Refused: BadRequest, OverBudget, OutOfReach.
        """
        who = actor if actor.known else address
        try:
            try:
                prepared = self.engine.prepare(await self.trust.resolve(operation, in_address=in_address), actor)
            except Unreadable:
                await self._charge(who, UNREADABLE_POINTS)
                raise
            charge = await self._charge(who, prepared.cost)
        except UNREACHABLE as error:
            raise _out_of_reach(error) from None
        return Admitted(prepared, actor, charge, who)

    async def _charge(self, who: Actor | str, points: int) -> Charge:
        charge = await self._budgets.charge(who, points)
        if not charge.allowed:
            raise OverBudget(charge, self.policy)
        return charge

    async def run(self, admitted: Admitted, request_id: str) -> Answered:
        """Execute a query or a mutation in its turn, and give back what it did not spend.

        Raises Refused: Busy, and then nothing is charged.
        """
        prepared = admitted.prepared
        try:
            await self.admission.take(bulk=prepared.cost >= BULK_POINTS)
        except Refused:
            self.release(admitted)
            raise
        try:
            answer = await self.engine.execute(prepared, admitted.actor, request_id, admitted.charge)
        finally:
            self.admission.give_back()
        admitted.charge = self._budgets.settle(admitted.who, admitted.charge, answer.spent)
        return answer

    def release(self, admitted: Admitted) -> None:
        """Give back what was charged for an operation that will not run."""
        self._budgets.settle(admitted.who, admitted.charge, 0)

    def deadline(self) -> asyncio.Timeout:
        """The time of one operation; Late is what its end means. A commit that has begun is not cut short."""
        return asyncio.timeout(self.seconds)

    def rate_headers(self, charge: Charge) -> tuple[Header, Header]:
        """What the caller is told of its budget."""
        return self.policy, rate_limit(charge)


def rate_limit(charge: Charge) -> Header:
    """The `RateLimit` header (draft-ietf-httpapi-ratelimit-headers)."""
    return b"ratelimit", b'"points";r=%d;t=%d' % (charge.remaining, charge.reset_seconds)


def _out_of_reach(error: BaseException) -> Refused:
    if isinstance(error, asyncpg.QueryCanceledError):
        return Late()
    log.warning("database out of reach", problem=type(error).__name__)
    return OutOfReach()
