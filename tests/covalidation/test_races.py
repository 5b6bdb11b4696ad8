"""Races: whoever comes at the same moment, it ends exactly once and right.

A few in the gate, a thousand with `--campaign`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.covalidation.arena import SIX, Arena, open_arena, together
from tests.factories import Factory

FEW, MANY = 3, 250


@pytest_asyncio.fixture
async def arena(db: Database, signer: Signer, make: Factory) -> Arena:
    return await open_arena(db, signer, make, seed=20261122)


async def six_signatures_at_the_quorum(arena: Arena) -> None:
    """However many sign at once, the version becomes co-validated once."""
    version = await arena.published()
    answers = await together(*(arena.endorse(employer, version) for employer in arena.employers))
    assert [codes for _, codes in answers] == [[]] * len(arena.employers)
    await arena.settled()
    assert [state for state, _, _ in await arena.words(version)] == ["in_force"] * len(arena.employers)
    told = "select count(*) from outbox where topic = 'spec.co_validated' and subject = $1"
    assert await arena.count(told, version.id) == 1
    assert await arena.co_validated(version)


KILLER = """
create sequence test_kills;
create function test_kill() returns trigger language plpgsql security definer as $$
begin
    if nextval('test_kills') = any({moments}) then perform pg_terminate_backend(pg_backend_pid()); end if;
    return new;
end $$;
create trigger test_kill_before before insert on endorsement_signatures
    for each row execute function test_kill();
create constraint trigger test_kill_last after insert on endorsement_signatures
    deferrable initially deferred for each row execute function test_kill();
"""
SPARED = "drop function if exists test_kill() cascade; drop sequence if exists test_kills"


@asynccontextmanager
async def killed(db: Database, moments: set[int]) -> AsyncIterator[None]:
    """Kill signers' connections when they hold a signature that is not stored: odd and even moments are mixed.

    Each signature that is stored passes two moments: right before its row is written, and right before its commit.
    """
    for statement in (SPARED, KILLER.format(moments=f"array[{','.join(map(str, sorted(moments)))}]::bigint[]")):
        async with db.writer() as tx:
            await tx.execute("set local role none")
            await tx.connection.execute(statement)
    try:
        yield
    finally:
        async with db.writer() as tx:
            await tx.execute("set local role none")
            await tx.connection.execute(SPARED)


async def six_signatures_and_kills_between_signing_and_storing(arena: Arena) -> None:
    """Whoever dies with a signature in hand: all six stand once, by one signature each, and can be revoked (P3)."""
    version = await arena.published()
    moments = set(arena.chance.sample(range(1, 2 * SIX + 1), arena.chance.randint(1, 3)))
    async with killed(arena.db, moments):
        answers = await together(*(arena.endorse(employer, version) for employer in arena.employers))
        await arena.settled()
        async with arena.db.writer() as tx:
            await tx.execute("set local role none")
            passed = await tx.fetchval("select last_value from test_kills")
    assert passed >= 2 * SIX + len(moments), "they were killed"
    assert [codes for _, codes in answers] == [[]] * SIX
    assert [state for state, _, _ in await arena.words(version)] == ["in_force"] * SIX
    mine = "from endorsements e where 'version_' || e.spec_version_id = $1"
    events = "(select count(*) from outbox o where o.topic = 'endorsement.in_force' and o.subject = 'end_' || e.id)"
    signed = "(select count(*) from endorsement_signatures s where s.endorsement_id = e.id)"
    told = "(select count(*) from audit_events a where a.action = 'sign_endorsement' and a.object = 'end_' || e.id)"
    for once in (events, signed, told):
        assert await arena.count(f"select count(*) {mine} and {once} = 1", version.id) == SIX
    assert await arena.count(f"select count(distinct (e.status_list_id, e.status_index)) {mine}", version.id) == SIX
    turned = "select count(*) from outbox where topic = $2 and subject = $1"
    assert await arena.count(turned, version.id, "spec.co_validated") == 1
    assert await arena.co_validated(version)
    revoked = await together(
        *(
            arena.do(
                employer,
                *("revokeEndorsement", "endorsement { id }"),
                endorsementId=payload["endorsement"]["id"],
                reason="Out of date.",
            )
            for employer, (payload, _) in zip(arena.employers, answers, strict=True)
        )
    )
    assert [codes for _, codes in revoked] == [[]] * SIX
    assert [state for state, _, _ in await arena.words(version)] == ["revoked"] * SIX
    bits = (
        "exists (select from status_entries b where b.list_id = e.status_list_id and b.idx = e.status_index"
        " and b.revoked_at is not null)"
    )
    assert await arena.count(f"select count(*) {mine} and {bits}", version.id) == SIX
    assert await arena.count(turned, version.id, "spec.co_validation_lost") == 1
    assert not await arena.co_validated(version)


async def a_signature_and_the_next_version(arena: Arena) -> None:
    """A word is for the version that was seen: it ends up there or nowhere, whatever the school does meanwhile."""
    version = await arena.published()

    async def move_on() -> tuple[object, list[str]]:
        submitted = await arena.do(
            arena.school,
            "submitSpec",
            "version { id }",
            draftId=version.draft,
            semver="2.0.0",
            ifUnmodifiedSince=version.draft_at,
        )
        made = submitted[0]["version"]["id"]
        await arena.do(arena.school, "publishSpec", "version { id }", versionId=made)
        await arena.do(arena.school, "deprecateSpec", "version { id }", versionId=version.id)
        return submitted

    (_, codes), (made, refused) = await together(arena.endorse(arena.employers[0], version), move_on())
    assert refused == []
    await arena.settled()
    words = await arena.words(version)
    outcome = (codes, [state for state, _, _ in words])
    late: list[tuple[list[str], list[str]]] = [(["STALE_VERSION"], []), (["INVALID_STATE"], [])]
    assert outcome in [([], ["in_force"]), ([], ["refused"]), *late]
    # Whose word stands knows of the next version: told when it was published or with the signature, and once.
    told = (
        "select count(*) from outbox o join endorsements e on o.subject = 'end_' || e.id"
        " where o.topic = 'endorsement.reaffirmable' and 'version_' || e.spec_version_id = $1"
    )
    assert await arena.count(told, version.id) == int(outcome == ([], ["in_force"]))
    assert {digest for _, digest, _ in words} <= {version.digest}
    assert (
        await arena.count(
            "select count(*) from endorsements where 'version_' || spec_version_id = $1", made["version"]["id"]
        )
        == 0
    )


async def a_revocation_and_a_renewal(arena: Arena) -> None:
    """Either the word is taken back and not renewed, or it is renewed and what is taken back is no more."""
    version, employer = await arena.published(), arena.employers[0]
    first, _ = await arena.endorse(employer, version)
    await arena.settled()
    identity = first["endorsement"]["id"]
    (_, revoked), (_, renewed) = await together(
        arena.do(employer, "revokeEndorsement", "endorsement { id }", endorsementId=identity, reason="Out of date."),
        arena.do(
            employer,
            "renewEndorsement",
            "endorsement { id }",
            endorsementId=identity,
            expectedDigest=version.digest,
        ),
    )
    await arena.settled()
    states = [state for state, _, _ in await arena.words(version)]
    if revoked:
        assert (revoked, renewed, states) == (["INVALID_STATE"], [], ["superseded", "in_force"])
    else:
        assert states in (["revoked"], ["revoked", "refused"])
        assert renewed in ([], ["INVALID_STATE"])


async def reservations_of_the_last_seats(arena: Arena) -> None:
    """Of eight who want one of three seats, three get one; and a seat is filled or given back, never both."""
    version, employer = await arena.published(), arena.employers[0]
    today = datetime.now(UTC).date()  # as the clock of races, the database's, has it
    window = {"opensOn": str(today - timedelta(days=30)), "closesOn": str(today + timedelta(days=300))}
    pledge = {"hiringPledge": {"seats": 3, "role": "analyst", "region": "DE", **window}}
    said, codes = await arena.do(
        employer,
        "endorseSpec",
        "endorsement { id }",
        specVersionId=version.id,
        expectedDigest=version.digest,
        statement="We hire for this.",
        evidence=[pledge],
    )
    assert codes == []
    await arena.settled()
    (found,) = await arena.pledges(said["endorsement"]["id"])
    answers = await together(
        *(
            arena.do(arena.school, "reserveSeat", "reservation { id }", pledgeId=found, reference=f"holder-{n}")
            for n in range(8)
        )
    )
    seats = [payload["reservation"]["id"] for payload, refused in answers if not refused]
    assert len(seats) == 3, answers
    ends = await together(
        *(arena.do(employer, "redeemSeat", "pledge { id }", reservationId=seat) for seat in seats),
        *(
            arena.do(arena.school, "releaseSeat", "pledge { id }", reservationId=seat, reason="Found another job.")
            for seat in seats
        ),
    )
    filled, given = ([not refused for _, refused in half] for half in (ends[:3], ends[3:]))
    assert [one != other for one, other in zip(filled, given, strict=True)] == [True] * 3
    assert await arena.left(found) == given.count(True)


Race = Callable[[Arena], Awaitable[None]]
RACES: tuple[Race, ...] = (
    six_signatures_at_the_quorum,
    six_signatures_and_kills_between_signing_and_storing,
    a_signature_and_the_next_version,
    a_revocation_and_a_renewal,
    reservations_of_the_last_seats,
)
FEWER, MORE = 1, 1_000
"""How often signers are killed: P3 speaks of a thousand racing signatures with crashes."""
KILLS = six_signatures_and_kills_between_signing_and_storing
each = pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)


@each
async def test_it_ends_once_and_right(race: Race, arena: Arena) -> None:
    for _ in range(FEWER if race is KILLS else FEW):
        await race(arena)


@pytest.mark.campaign
@each
async def test_it_ends_once_and_right_a_thousand_times_over(race: Race, arena: Arena) -> None:
    for _ in range(MORE if race is KILLS else MANY):
        await race(arena)
