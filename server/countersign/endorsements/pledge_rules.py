"""What may happen to a hiring pledge, and how kept promises are counted. Pure.

Where a pledge stands follows from its figures, its window, the endorsement behind it and the day: no job moves it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from countersign.endorsements.evidence_checks import says_something
from countersign.kit.errors import Code, InvalidState, Refusal, Required, TooLong

REASON_LIMIT: Final = 2_000
REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
SETTLING: Final = timedelta(days=30)
"""How long after the window a reserved seat may wait for its answer before it counts as not kept."""
ANSWER_DUE: Final = timedelta(days=7)
"""How long before that the endorser is told once more."""
FEWEST_SETTLED: Final = 5
"""Below this many settled seats there are counts and no rate."""
Z: Final = Decimal("1.96")


class State(enum.StrEnum):
    """Where a pledge stands."""

    OFFERED = "offered"
    """Promised and not open: not signed yet, paused, or its window has not begun."""
    OPEN = "open"
    EXHAUSTED = "exhausted"
    """Every seat is reserved or redeemed."""
    LAPSED = "lapsed"
    """Its window is over."""
    WITHDRAWN = "withdrawn"
    """The endorser took it back, or the endorsement behind it; what was reserved is honoured."""


class Mark(enum.StrEnum):
    """What is told of a pledge by its days alone, in this order."""

    LAPSED = "lapsed"
    """Its window is over: no more seats are reserved."""
    ANSWER_DUE = "answer_due"
    """Reserved seats without an answer count as not kept a week from now."""
    NOT_KEPT = "not_kept"
    """Reserved seats had no answer in time, and count as not kept until they are redeemed."""


class Act(enum.StrEnum):
    """What can be done to a pledge."""

    OPEN = "open"
    RESERVE = "reserve"
    EXHAUST = "exhaust"
    REDEEM = "redeem"
    RELEASE = "release"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"


class Party(enum.StrEnum):
    """Who acts on a pledge."""

    SCHOOL = "school"
    """The school whose version was endorsed."""
    ENDORSER = "endorser"
    STRANGER = "stranger"
    LEDGER = "ledger"
    """The figures and the days themselves."""


_SCHOOL: Final = frozenset({Party.SCHOOL})
_ENDORSER: Final = frozenset({Party.ENDORSER})
_BOTH: Final = _SCHOOL | _ENDORSER
_LEDGER: Final = frozenset({Party.LEDGER})

MOVES: Final[Mapping[tuple[State, Act], tuple[frozenset[Party], State]]] = MappingProxyType(
    {
        (State.OFFERED, Act.OPEN): (_LEDGER, State.OPEN),
        (State.OFFERED, Act.LAPSE): (_LEDGER, State.LAPSED),
        (State.OFFERED, Act.REDEEM): (_ENDORSER, State.OFFERED),
        (State.OFFERED, Act.RELEASE): (_BOTH, State.OFFERED),
        (State.OFFERED, Act.WITHDRAW): (_ENDORSER, State.WITHDRAWN),
        (State.OPEN, Act.RESERVE): (_SCHOOL, State.OPEN),
        (State.OPEN, Act.EXHAUST): (_LEDGER, State.EXHAUSTED),
        (State.OPEN, Act.REDEEM): (_ENDORSER, State.OPEN),
        (State.OPEN, Act.RELEASE): (_BOTH, State.OPEN),
        (State.OPEN, Act.LAPSE): (_LEDGER, State.LAPSED),
        (State.OPEN, Act.WITHDRAW): (_ENDORSER, State.WITHDRAWN),
        (State.EXHAUSTED, Act.REDEEM): (_ENDORSER, State.EXHAUSTED),
        (State.EXHAUSTED, Act.RELEASE): (_BOTH, State.OPEN),
        (State.EXHAUSTED, Act.LAPSE): (_LEDGER, State.LAPSED),
        (State.EXHAUSTED, Act.WITHDRAW): (_ENDORSER, State.WITHDRAWN),
        (State.LAPSED, Act.REDEEM): (_ENDORSER, State.LAPSED),
        (State.LAPSED, Act.RELEASE): (_BOTH, State.LAPSED),
        (State.WITHDRAWN, Act.REDEEM): (_ENDORSER, State.WITHDRAWN),
        (State.WITHDRAWN, Act.RELEASE): (_BOTH, State.WITHDRAWN),
    }
)
"""Every move of a pledge: from where, by which act, by whom, to where. What is not here is refused.

Whatever becomes of a pledge, what was reserved can still be redeemed or released. A paused one holds its reservations.
"""


class NotYourPart(Refusal):
    """This is for {who} to do, not for you."""

    code = Code.NOT_ALLOWED


class NotOpaque(Refusal):
    """A reference is yours alone to understand: 1 to 64 letters, digits, dots, colons, dashes; no name, no address."""


class ReservedAlready(Refusal):
    """A seat of this pledge is reserved for this reference."""

    code = Code.CONFLICT


class SettledAlready(Refusal):
    """This seat was {how}; nothing more happens to it."""

    code = Code.INVALID_STATE


def move(state: State, act: Act, party: Party) -> State:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYourPart)."""
    found = MOVES.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, of in MOVES if of is act)
        raise InvalidState(what="pledge", state=state.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party not in allowed:
        raise NotYourPart(who=" or ".join(f"the {one.value}" for one in sorted(allowed)))
    return after


class Promise(enum.Enum):
    """What the endorsement behind a pledge makes of it."""

    PENDING = "it is not signed yet"
    GIVEN = "it was signed and never taken back"
    PAUSED = "it is suspended"
    ENDED = "it was refused, revoked or renewed"


@dataclass(frozen=True, slots=True)
class Figures:
    """A pledge's own figures: what ever happened to its seats, counted."""

    seats: int
    opens_on: date
    closes_on: date
    reserved: int = 0
    """How often a seat was reserved, ever."""
    redeemed: int = 0
    returned: int = 0
    """How often the school gave a reserved seat back."""
    broken: int = 0
    """How often the endorser released a reserved seat."""
    withdrawn: bool = False

    @property
    def taken(self) -> int:
        """The seats that are reserved or redeemed."""
        return self.reserved - self.returned - self.broken

    @property
    def waiting(self) -> int:
        """The reserved seats that wait for the endorser's answer."""
        return self.taken - self.redeemed


def state_of(figures: Figures, promise: Promise, today: date) -> State:
    """Where a pledge stands on a day (UTC): taken back, over, not open yet, full, or open."""
    if figures.withdrawn or promise is Promise.ENDED:
        return State.WITHDRAWN
    if today > figures.closes_on:
        return State.LAPSED
    if promise is not Promise.GIVEN or today < figures.opens_on:
        return State.OFFERED
    return State.EXHAUSTED if figures.taken >= figures.seats else State.OPEN


def check_reference(reference: str) -> None:
    """Refuse a reference that could hold a name or an address. Raises NotOpaque."""
    if not REFERENCE.fullmatch(reference):
        raise NotOpaque(path=("reference",))


def check_reason(reason: str) -> None:
    """Refuse an empty reason and one longer than 2,000 characters."""
    if not says_something(reason):
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))


# Kept promises

DEFINITION: Final = (
    "Of the reserved seats whose outcome is known, the share that was redeemed. Kept: the endorser redeemed the seat."
    " Not kept: the endorser released it, or had not answered 30 days after the pledge's last day. A seat that the"
    " school gave back counts for neither, a seat that nobody asked for is no promise put to the test, and one that is"
    " still within its time is pending. Withdrawn and lapsed pledges count like all others. Below 5 known outcomes"
    " there is no rate; with the rate stands the interval in which the true one lies with 95 % (Wilson)."
)
"""What the kept-promise rate means, as it is published with every rate."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How an organization kept its promises; `rate`, `low` and `high` are between 0 and 1, None when too few."""

    kept: int
    broken: int
    pending: int
    rate: Decimal | None
    low: Decimal | None
    high: Decimal | None


def kept(pledges: Iterable[Figures], today: date) -> Kept:
    """The kept-promise figures of an organization's pledges on a day, by `DEFINITION`."""
    redeemed = broken = pending = 0
    for pledge in pledges:
        overdue = today > pledge.closes_on + SETTLING
        redeemed += pledge.redeemed
        broken += pledge.broken + (pledge.waiting if overdue else 0)
        pending += 0 if overdue else pledge.waiting
    settled = redeemed + broken
    if settled < FEWEST_SETTLED:
        return Kept(redeemed, broken, pending, None, None, None)
    share, n, z2 = Decimal(redeemed) / settled, Decimal(settled), Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * (share * (1 - share) / n + z2 / (4 * n * n)).sqrt() / (1 + z2 / n)
    return Kept(redeemed, broken, pending, *(_rounded(value) for value in (share, middle - half, middle + half)))


def _rounded(value: Decimal) -> Decimal:
    return min(max(value, Decimal(0)), Decimal(1)).quantize(Decimal("0.001"), ROUND_HALF_UP)
