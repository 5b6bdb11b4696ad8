"""The ledger: who reserves, redeems, releases, withdraws; what is never overdrawn; what everyone may know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from random import Random

import asyncpg
import pytest

from countersign.endorsements import pledges, service
from countersign.endorsements.pledge_rules import (
    Figures,
    NotOpaque,
    NotYourPart,
    Promise,
    ReservedAlready,
    SettledAlready,
    State,
    kept,
    state_of,
)
from countersign.endorsements.pledges import Release, Reserve, Withdraw
from countersign.endorsements.views_pledges import KEPT_PROMISES, PLEDGE_STATE
from countersign.kit import access
from countersign.kit.access import Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal, Required, TooLong
from countersign.kit.ids import new_id
from tests.conftest import NOW
from tests.endorsements.ledger import CLOSES, OPENS, PLEDGE, colleague, market, set_state
from tests.factories import Factory

LATER = datetime(2027, 4, 1, tzinfo=UTC)


async def rows(tx: Tx) -> list[object]:
    """Everything of the ledger, and what others were told of it."""
    return [
        await tx.fetch("select to_jsonb(t)::text from pledges t order by 1"),
        await tx.fetch("select to_jsonb(t)::text from pledge_entries t order by 1"),
        await tx.fetchval("select count(*) from outbox where topic like 'pledge.%'"),
    ]


async def refused(tx: Tx, kind: type[Refusal], act: Callable[[], Awaitable[object]]) -> Refusal:
    before = await rows(tx)
    with pytest.raises(kind) as caught:
        async with tx.savepoint():
            await act()
    assert await rows(tx) == before
    return caught.value


async def state(tx: Tx, pledge: object) -> str:
    sql = PLEDGE_STATE.replace("{t}", "t").replace("{now}", "$2::timestamptz")
    return str(await tx.fetchval(f"select {sql} from pledges t where t.id = $1", pledge, await tx.now()))


async def test_a_pledge_is_offered_until_it_is_signed_and_open_then(tx: Tx, make: Factory) -> None:
    here = await market(tx, make, signed=False)
    assert await state(tx, here.pledge) == State.OFFERED
    found = await refused(tx, NotFound, lambda: here.reserve(tx))
    assert found.path == ("pledgeId",)
    await set_state(tx, here.endorsement, "refused")
    assert await state(tx, here.pledge) == State.WITHDRAWN


async def test_the_school_reserves_and_the_endorser_redeems(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    done = await pledges.redeem(tx, here.employer, seat)
    ledger = await tx.fetch("select kind, reference, reservation_id, by_id from pledge_entries order by id")
    assert [tuple(line) for line in ledger] == [
        ("reserve", "holder-1", None, here.school.organization_id),
        ("redeem", None, seat, here.employer.organization_id),
    ]
    assert done.pledge_id == here.pledge
    row = await tx.fetchrow("select reserved, redeemed, returned, broken from pledges where id = $1", here.pledge)
    assert row is not None
    assert tuple(row) == (1, 1, 0, 0)
    topics = await tx.fetch("select topic, subject, payload::text from outbox where topic like 'pledge.%' order by id")
    assert [(t["topic"], t["subject"]) for t in topics] == [
        ("pledge.reserved", f"plg_{here.pledge}"),
        ("pledge.redeemed", f"plg_{here.pledge}"),
    ]
    assert "holder-1" not in str(topics)


async def test_the_last_seat_is_the_last(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    await here.reserve(tx, "a")
    seat = await here.reserve(tx, "b")
    assert await state(tx, here.pledge) == State.EXHAUSTED
    await refused(tx, InvalidState, lambda: here.reserve(tx, "c"))
    await pledges.release(tx, here.school, Release(seat, "She found another job"))
    assert await state(tx, here.pledge) == State.OPEN
    await here.reserve(tx, "c")
    await refused(tx, InvalidState, lambda: here.reserve(tx, "d"))


async def test_one_reference_holds_one_seat_until_it_is_given_back(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    found = await refused(tx, ReservedAlready, lambda: here.reserve(tx))
    assert found.path == ("reference",)
    await pledges.release(tx, here.school, Release(seat, "By mistake"))
    await here.reserve(tx)


async def test_a_seat_is_settled_once(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    redeemed, released = await here.reserve(tx, "a"), await here.reserve(tx, "b")
    await pledges.redeem(tx, here.employer, redeemed)
    await pledges.release(tx, here.employer, Release(released, "No budget"))
    for seat, how in ((redeemed, "redeemed"), (released, "released")):
        said = await refused(tx, SettledAlready, lambda seat=seat: pledges.redeem(tx, here.employer, seat))  # type: ignore[misc] # mypy cannot type a default
        assert said.message == f"This seat was {how}; nothing more happens to it."
        again = Release(seat, "Again")
        await refused(tx, SettledAlready, lambda again=again: pledges.release(tx, here.school, again))  # type: ignore[misc] # as above


async def test_who_gives_a_seat_back_decides_what_it_counts_for(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    ours, theirs = await here.reserve(tx, "a"), await here.reserve(tx, "b")
    await pledges.release(tx, here.school, Release(ours, "She moved away"))
    await pledges.release(tx, here.employer, Release(theirs, "No budget"))
    row = await tx.fetchrow("select returned, broken from pledges where id = $1", here.pledge)
    assert row is not None
    assert tuple(row) == (1, 1)


async def test_a_withdrawn_pledge_honours_what_was_reserved(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    await pledges.withdraw(tx, here.employer, Withdraw(here.pledge, "Hiring is frozen"))
    assert await state(tx, here.pledge) == State.WITHDRAWN
    await refused(tx, InvalidState, lambda: here.reserve(tx, "late"))
    await refused(tx, InvalidState, lambda: pledges.withdraw(tx, here.employer, Withdraw(here.pledge, "Again")))
    await pledges.redeem(tx, here.employer, seat)
    assert await tx.fetchval("select redeemed from pledges") == 1


@pytest.mark.parametrize("ended", ["revoked", "superseded"])
async def test_a_pledge_ends_with_its_endorsement_and_honours_what_was_reserved(
    tx: Tx, make: Factory, ended: str
) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    if ended == "revoked":
        await service.revoke(tx, here.employer, service.Revoke(here.endorsement, "Out of date"))
    else:
        await set_state(tx, here.endorsement, ended)
    assert await state(tx, here.pledge) == State.WITHDRAWN
    await refused(tx, InvalidState, lambda: here.reserve(tx, "late"))
    await pledges.redeem(tx, here.employer, seat)


async def test_a_paused_endorsement_takes_no_reservation(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    await set_state(tx, here.endorsement, "suspended")
    assert await state(tx, here.pledge) == State.OFFERED
    await refused(tx, InvalidState, lambda: here.reserve(tx))
    await set_state(tx, here.endorsement, "in_force")
    await here.reserve(tx)


async def test_a_window_closes_by_the_day_alone_and_late_is_kept(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        here = await market(tx, make)
        seat = await here.reserve(tx)
    clock.at = datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)
    async with db.writer() as tx:
        assert await state(tx, here.pledge) == State.OPEN
    clock.at = LATER
    async with db.writer() as tx:
        assert await state(tx, here.pledge) == State.LAPSED
        await refused(tx, InvalidState, lambda: here.reserve(tx, "late"))
        await refused(tx, InvalidState, lambda: pledges.withdraw(tx, here.employer, Withdraw(here.pledge, "Too late")))
        await pledges.redeem(tx, here.employer, seat)


async def test_only_the_parties_may_and_each_its_own_part(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    other_school, other_employer = await make.school(tx), await make.employer(tx)
    author = await colleague(tx, make, here.school, Role.AUTHOR)
    reviewer = await colleague(tx, make, here.employer, Role.REVIEWER)
    recruiter = await colleague(tx, make, here.employer, Role.RECRUITER)
    scopeless = replace(here.school, scopes=here.school.scopes - {Scope.EVIDENCE_WRITE})
    acts: dict[str, Callable[[Actor], Awaitable[object]]] = {
        "reserve": lambda actor: pledges.reserve(tx, actor, Reserve(here.pledge, "holder-2")),
        "redeem": lambda actor: pledges.redeem(tx, actor, seat),
        "release": lambda actor: pledges.release(tx, actor, Release(seat, "A reason")),
        "withdraw": lambda actor: pledges.withdraw(tx, actor, Withdraw(here.pledge, "A reason")),
    }
    cases: tuple[tuple[str, Actor, type[Refusal]], ...] = (
        ("reserve", other_school, NotYourPart),
        ("reserve", author, NotAllowed),
        ("reserve", here.employer, NotAllowed),
        ("reserve", scopeless, NotAllowed),
        ("reserve", Actor(), NotAllowed),
        ("redeem", here.school, NotAllowed),
        ("redeem", reviewer, NotAllowed),
        ("redeem", other_employer, NotFound),
        ("release", author, NotAllowed),
        ("release", reviewer, NotAllowed),
        ("release", other_employer, NotFound),
        ("release", other_school, NotFound),
        ("withdraw", here.school, NotAllowed),
        ("withdraw", recruiter, NotAllowed),
        ("withdraw", reviewer, NotAllowed),
        ("withdraw", other_employer, NotYourPart),
    )
    for act, actor, kind in cases:
        await refused(tx, kind, partial(acts[act], actor))
    await pledges.redeem(tx, recruiter, seat)


@pytest.mark.parametrize(
    ("permission", "school", "industry"),
    [
        (Permission.RESERVE_SEAT, {Role.REGISTRAR}, set()),
        (Permission.REDEEM_SEAT, set(), {Role.RECRUITER, Role.SIGNATORY}),
        (Permission.RELEASE_SEAT, {Role.REGISTRAR}, {Role.RECRUITER, Role.SIGNATORY}),
        (Permission.WITHDRAW_PLEDGE, set(), {Role.SIGNATORY}),
        (Permission.ANSWER_DRIFT, {Role.AUTHOR}, {Role.REVIEWER, Role.SIGNATORY}),
    ],
)
def test_the_policy_lets_these_roles_alone(permission: Permission, school: set[Role], industry: set[Role]) -> None:
    """Roles that an organization of the kind really gives: a registrar of an employer is nobody's."""
    ours = {Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN, Role.AUDITOR}
    theirs = {Role.REVIEWER, Role.SIGNATORY, Role.RECRUITER, Role.ORG_ADMIN, Role.AUDITOR}
    for kind, roles, expected in (
        (OrganizationKind.SCHOOL, ours, school),
        (OrganizationKind.EMPLOYER, theirs, industry),
        (OrganizationKind.AGENCY, theirs, industry),
        (OrganizationKind.PLATFORM, set(Role), set()),
    ):
        made = Actor(organization_id=new_id(), organization_kind=kind, token_id=new_id(), scopes=frozenset(Scope))
        found = {role for role in roles if access.allows(replace(made, roles=frozenset({role})), permission)}
        assert found == expected, kind


async def test_who_left_settles_nothing(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    await tx.execute("update memberships set valid_until = $1", NOW - timedelta(seconds=1))
    await refused(tx, NotAllowed, lambda: here.reserve(tx, "b"))
    await refused(tx, NotAllowed, lambda: pledges.redeem(tx, here.employer, seat))
    await refused(tx, NotAllowed, lambda: pledges.release(tx, here.school, Release(seat, "A reason")))
    await refused(tx, NotAllowed, lambda: pledges.withdraw(tx, here.employer, Withdraw(here.pledge, "A reason")))


async def test_missing_things_and_bad_words_are_refused(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    await refused(tx, NotFound, lambda: pledges.reserve(tx, here.school, Reserve(new_id(), "a")))
    await refused(tx, NotFound, lambda: pledges.redeem(tx, here.employer, new_id()))
    await refused(tx, NotFound, lambda: pledges.withdraw(tx, here.employer, Withdraw(new_id(), "A reason")))
    await refused(tx, NotOpaque, lambda: here.reserve(tx, "Anna Schmidt"))
    for reason, kind in (("", Required), (" \n", Required), ("x" * 2_001, TooLong)):
        again = Release(seat, reason)
        await refused(tx, kind, lambda again=again: pledges.release(tx, here.school, again))  # type: ignore[misc] # mypy cannot type a default


async def test_a_line_that_settles_is_no_reservation(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    done = await pledges.redeem(tx, here.employer, await here.reserve(tx))
    await refused(tx, NotFound, lambda: pledges.redeem(tx, here.employer, done.entry_id))


async def test_redeemed_seats_never_exceed_the_pledge_whoever_races(db: Database, make: Factory) -> None:
    """Invariant 8."""
    async with db.writer() as tx:
        here = await market(tx, make, replace(PLEDGE, seats=3))

    async def one(number: int) -> str:
        try:
            async with db.writer() as tx:
                seat = await here.reserve(tx, f"holder-{number}")
            async with db.writer() as tx:
                await pledges.redeem(tx, here.employer, seat)
        except InvalidState:
            return "full"
        return "redeemed"

    ended = await asyncio.gather(*(one(number) for number in range(8)))
    assert sorted(ended) == ["full"] * 5 + ["redeemed"] * 3
    async with db.writer() as tx:
        row = await tx.fetchrow("select seats, reserved, redeemed from pledges where id = $1", here.pledge)
        assert row is not None
        assert tuple(row) == (3, 3, 3)
        assert await tx.fetchval("select count(*) from pledge_entries") == 6


async def test_one_reservation_is_settled_once_whoever_races(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        here = await market(tx, make)
        seat = await here.reserve(tx)

    async def settle(number: int) -> str:
        try:
            async with db.writer() as tx:
                if number % 3 == 0:
                    await pledges.redeem(tx, here.employer, seat)
                else:
                    actor = here.school if number % 3 == 1 else here.employer
                    await pledges.release(tx, actor, Release(seat, "A reason"))
        except SettledAlready:
            return "late"
        return "settled"

    ended = await asyncio.gather(*(settle(number) for number in range(6)))
    assert sorted(ended) == ["late"] * 5 + ["settled"]


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("reserved = 3", "pledges_no_more_than_seats"),
        ("redeemed = 1", "pledges_settled_once"),
        ("broken = -1", "pledges_figures"),
        ("withdrawn_at = now()", "pledges_withdrawal"),
    ],
)
async def test_the_table_itself_refuses_an_overdrawn_ledger(tx: Tx, make: Factory, column: str, name: str) -> None:
    await market(tx, make)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        async with tx.savepoint():
            await tx.execute(f"update pledges set {column}")
    assert caught.value.constraint_name == name


async def test_neither_a_promise_nor_a_line_of_the_ledger_can_be_changed(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    await here.reserve(tx)
    for statement in (
        "update pledges set seats = 99",
        "update pledges set closes_on = '2099-01-01'",
        "delete from pledges",
        "update pledge_entries set kind = 'redeem'",
        "delete from pledge_entries",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tx.savepoint():
                await tx.execute(statement)


async def test_sql_and_rules_say_the_same_of_where_a_pledge_stands(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    sql = PLEDGE_STATE.replace("{t}", "t").replace("{now}", "$2::timestamptz")
    promises = {
        "signing": Promise.PENDING,
        "in_force": Promise.GIVEN,
        "expired": Promise.GIVEN,
        "suspended": Promise.PAUSED,
        "revoked": Promise.ENDED,
        "superseded": Promise.ENDED,
        "refused": Promise.ENDED,
    }
    days = [OPENS - timedelta(days=1), OPENS, CLOSES, CLOSES + timedelta(days=1)]
    ledgers = [(0, 0, 0, 0), (2, 0, 0, 0), (2, 2, 0, 0), (3, 0, 1, 0), (2, 0, 0, 1)]
    for (standing, promise), ledger, withdrawn in product(promises.items(), ledgers, (False, True)):
        null = standing in {"signing", "refused"}
        await tx.execute(
            "update endorsements set state = $1, in_force = case when $2 then null else tstzrange(valid_from,"
            " valid_until) end",
            *(standing, null),
        )
        await tx.execute(
            "update pledges set reserved = $1, redeemed = $2, returned = $3, broken = $4,"
            " withdrawn_at = case when $5 then now() end, withdrawal_reason = case when $5 then 'x' end",
            *(*ledger, withdrawn),
        )
        figures = Figures(2, OPENS, CLOSES, *ledger, withdrawn=withdrawn)
        for day in days:
            moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            found = await tx.fetchval(f"select {sql} from pledges t where t.id = $1", here.pledge, moment)
            assert found == state_of(figures, promise, day), (standing, ledger, withdrawn, day)


async def test_sql_and_rules_count_the_same_kept_promises(tx: Tx, make: Factory) -> None:
    random = Random(20261122)  # noqa: S311 - a fixed draw, not a secret
    here = await market(tx, make, *(replace(PLEDGE, seats=40, role=f"role {n}") for n in range(4)))
    source = KEPT_PROMISES.source.replace("{t}", "t").replace("{now}", "$2::timestamptz").replace("{parent}", "o")
    for _ in range(60):
        drawn = []
        for row in await tx.fetch("select id from pledges order by id"):
            reserved = random.randint(0, 12)
            redeemed = random.randint(0, reserved)
            returned = random.randint(0, reserved - redeemed)
            broken = random.randint(0, reserved - redeemed - returned)
            drawn.append(Figures(40, OPENS, CLOSES, reserved, redeemed, returned, broken))
            await tx.execute(
                "update pledges set reserved = $2, redeemed = $3, returned = $4, broken = $5 where id = $1",
                *(row["id"], reserved, redeemed, returned, broken),
            )
        day = random.choice([CLOSES, CLOSES + timedelta(days=30), CLOSES + timedelta(days=31)])
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        found = await tx.fetchrow(
            f"select t.* from organizations o, lateral {source} where o.id = $1",
            *(here.employer.organization_id, moment),
        )
        assert found is not None
        expected = kept(drawn, day)
        for name in ("kept", "broken", "pending", "rate", "low", "high"):
            assert found[name] == getattr(expected, name), (name, drawn, day)


async def test_the_figures_are_the_sums_of_the_ledger(tx: Tx, make: Factory) -> None:
    here = await market(tx, make, replace(PLEDGE, seats=6))
    seats = [await here.reserve(tx, f"h{n}") for n in range(6)]
    await pledges.redeem(tx, here.employer, seats[0])
    await pledges.redeem(tx, here.employer, seats[1])
    await pledges.release(tx, here.school, Release(seats[2], "A reason"))
    await pledges.release(tx, here.employer, Release(seats[3], "A reason"))
    sums = await tx.fetchrow(
        "select count(*) filter (where kind = 'reserve'), count(*) filter (where kind = 'redeem'),"
        " count(*) filter (where kind = 'release' and by_id = school_id),"
        " count(*) filter (where kind = 'release' and by_id = endorser_id) from pledge_entries"
    )
    figures = await tx.fetchrow("select reserved, redeemed, returned, broken from pledges")
    assert sums is not None
    assert figures is not None
    assert tuple(sums) == tuple(figures) == (6, 2, 1, 1)


async def test_every_line_of_the_ledger_is_in_the_log(tx: Tx, make: Factory) -> None:
    here = await market(tx, make)
    seat = await here.reserve(tx)
    await pledges.release(tx, here.employer, Release(seat, "No budget"))
    await pledges.withdraw(tx, here.employer, Withdraw(here.pledge, "Hiring is frozen"))
    events = await tx.fetch("select action, after from audit_events where kind = 'pledge' order by at, id")
    assert [e["action"] for e in events] == ["pledge.reserved", "pledge.released", "pledge.withdrawn"]
    assert len({e["after"] for e in events}) == 3
