"""The watch over toolchains: what raises an alarm, what clears it, who answers it; looking twice adds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from countersign.endorsements import drift, policies, support, support_files
from countersign.endorsements import service as endorsements
from countersign.endorsements.drift import Resolve, look
from countersign.endorsements.drift_rules import NotYourAlarm
from countersign.endorsements.evidence import Tool, ToolchainConfirmation
from countersign.kit.access import SYSTEM, Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal, Required, TooLong
from countersign.kit.ids import new_id
from countersign.specs import service as specs
from tests.endorsements.ledger import TOOLS, Market, alarm, colleague, market, put_in_force, set_state
from tests.factories import Factory
from tests.specs.samples import COMPLETE

HEADER = "tool,cycle,supported until,source\n"
LAST = datetime(2029, 10, 31, 12, tzinfo=UTC)


async def told(tx: Tx, until: str = "2029-10-31", cycle: str = "3.13") -> None:
    """What the makers of Python say of their releases."""
    data = f"{HEADER}Python,{cycle},{until},https://devguide.python.org/versions/\n".encode()
    await support.store(tx, SYSTEM, support_files.read(data), source="support.csv", data=data)


async def alarms(db: Database) -> list[tuple[Any, ...]]:
    """Each alarm: whose answer it awaits, of an endorsement or not, why, and where it stands."""
    async with db.writer() as tx:
        rows = await tx.fetch(
            "select organization_id, endorsement_id is not null as signed, cause, state from drift_alarms order by id"
        )
    return [tuple(row) for row in rows]


async def topics(db: Database) -> list[str]:
    async with db.writer() as tx:
        return [
            row["topic"] for row in await tx.fetch("select topic from outbox where topic like 'drift.%' order by id")
        ]


async def begun(db: Database, make: Factory, *evidence: Any) -> Market:
    """A market whose school teaches Python 3.13, which the employer confirmed; supported to October 2029."""
    async with db.writer() as tx:
        here = await market(tx, make, *(evidence or (TOOLS,)))
        await told(tx)
    return here


async def test_the_end_of_support_reaches_the_school_and_the_endorser_once(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    here = await begun(db, make)
    school, employer = here.school.organization_id, here.employer.organization_id
    assert await look(db) == 0
    async with db.writer() as tx:
        await told(tx, "2026-12-31")
    assert await look(db) == 2
    expected = [(school, False, "support_ending", "open"), (employer, True, "support_ending", "open")]
    assert await alarms(db) == expected
    assert [await look(db) for _ in range(3)] == [0, 0, 0]
    assert await alarms(db) == expected
    assert await topics(db) == ["drift.raised"] * 2
    clock.at = datetime(2027, 1, 1, tzinfo=UTC)
    assert await look(db) == 2
    assert sorted(state for *_, state in await alarms(db)) == ["cleared", "cleared", "open", "open"]
    assert {(cause, state) for *_, cause, state in await alarms(db)} == {
        ("support_ending", "cleared"),
        ("support_ended", "open"),
    }
    assert sorted(await topics(db)) == ["drift.overtaken"] * 2 + ["drift.raised"] * 4, "nothing is in order again"
    async with db.writer() as tx:
        await set_state(tx, here.endorsement, "revoked")
    assert await look(db) == 0
    assert (await topics(db))[-1] == "drift.cleared"


async def test_a_corrected_date_clears_the_alarm_and_the_old_one_opens_it_again(db: Database, make: Factory) -> None:
    await begun(db, make)
    for until, raised, state in (("2026-12-01", 2, "open"), ("2030-12-31", 0, "cleared"), ("2026-12-01", 2, "open")):
        async with db.writer() as tx:
            await told(tx, until)
        assert await look(db) == raised
        assert [row[-1] for row in await alarms(db)] == [state] * 2
    assert await topics(db) == ["drift.raised"] * 2 + ["drift.cleared"] * 2 + ["drift.raised"] * 2


async def test_what_was_resolved_is_not_raised_again_by_the_same_finding(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        await told(tx, "2026-10-31")
    await look(db)
    async with db.writer() as tx:
        mine = await tx.fetchval("select id from drift_alarms where endorsement_id is not null")
        await drift.resolve(tx, here.employer, Resolve(mine, "We moved to 3.14 and will renew"))
    assert await look(db) == 0
    assert sorted(row[-1] for row in await alarms(db)) == ["open", "resolved"]
    async with db.writer() as tx:
        await told(tx, "2026-10-15")
    assert await look(db) == 2


async def next_version(tx: Tx, here: Market, **content: Any) -> UUID:
    """The school's next version, submitted."""
    draft = await specs.new_draft_from(tx, here.school, here.here.version)
    await specs.edit_draft(tx, here.school, specs.EditDraft(draft, {**COMPLETE, **content}))
    return await specs.submit(tx, here.school, specs.Submit(draft, "1.1.0"))


async def test_a_newer_version_is_told_of_when_it_is_published_and_not_before(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        newer = await next_version(tx, here, toolchain=[{"name": "Python", "version": "3.14"}])
    assert await look(db) == 0
    async with db.writer() as tx:
        await specs.publish(tx, here.school, newer)
    assert await look(db) == 1
    async with db.writer() as tx:
        row = await tx.fetchrow("select * from drift_alarms")
    assert row is not None
    assert (row["cause"], row["versions"], row["newer_versions"]) == ("version_changed", "3.13", "3.14")
    assert (row["newer_version_id"], row["organization_id"]) == (newer, here.employer.organization_id)
    assert row["endorsement_id"] == here.endorsement


async def test_a_tool_that_is_dropped_is_told_of(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        newer = await next_version(tx, here, toolchain=[{"name": "R", "version": "4.5"}])
        await specs.publish(tx, here.school, newer)
    assert await look(db) == 1
    assert [row[2] for row in await alarms(db)] == ["tool_dropped"]


async def test_who_endorses_the_newer_version_too_is_not_told_of_it(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        newer = await next_version(tx, here, toolchain=[{"name": "Python", "version": "3.14"}])
        await specs.publish(tx, here.school, newer)
    assert await look(db) == 1
    async with db.writer() as tx:
        digest = await tx.fetchval("select digest from spec_versions where id = $1", newer)
        word = endorsements.EndorseSpec(newer, digest, "We use 3.14 as well.")
        await put_in_force(tx, await endorsements.endorse(tx, here.employer, word))
    await look(db)
    assert [row[-1] for row in await alarms(db)] == ["cleared"]


async def test_more_than_are_read_at_once_are_all_looked_at(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        for _ in range(2):
            another = await make.employer(tx)
            word = endorsements.EndorseSpec(here.here.version, here.here.digest, "We hire.", (TOOLS,))
            await put_in_force(tx, await endorsements.endorse(tx, another, word))
        await told(tx, "2026-10-31")
    assert await look(db, at_once=1) == 4


@pytest.mark.parametrize("state", ["revoked", "suspended", "superseded", "expired"])
async def test_an_endorsement_that_does_not_count_raises_nothing_and_clears_what_it_raised(
    db: Database, make: Factory, state: str
) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        await told(tx, "2026-10-31")
    await look(db)
    async with db.writer() as tx:
        await set_state(tx, here.endorsement, state)
    await look(db)
    assert [(signed, after) for _, signed, _, after in await alarms(db)] == [(False, "open"), (True, "cleared")]


async def test_a_retired_version_is_watched_no_more(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        await told(tx, "2026-10-31")
        await set_state(tx, here.endorsement, "revoked")
    assert await look(db) == 1
    async with db.writer() as tx:
        await specs.deprecate(tx, here.school, here.here.version)
    assert (await look(db), [row[-1] for row in await alarms(db)]) == (0, ["open"])
    async with db.writer() as tx:
        await specs.retire(tx, here.school, here.here.version)
    await look(db)
    assert [row[-1] for row in await alarms(db)] == ["cleared"]


async def test_a_range_that_reaches_a_supported_release_is_no_drift(db: Database, make: Factory) -> None:
    wide = ToolchainConfirmation((Tool("python", ">=3.9"),), TOOLS.checked_on)
    await begun(db, make, wide)
    async with db.writer() as tx:
        await told(tx, "2025-10-31", "3.9")
    assert await look(db) == 0


async def state_of(tx: Tx, which: UUID) -> list[Any]:
    row = await tx.fetchrow("select state, note, acknowledged_at, ended_at from drift_alarms where id = $1", which)
    assert row is not None
    return [*row, await tx.fetchval("select count(*) from outbox where topic like 'drift.%'")]


async def test_only_whom_an_alarm_concerns_answers_it(db: Database, make: Factory) -> None:
    here = await begun(db, make)
    async with db.writer() as tx:
        await told(tx, "2026-10-31")
    await look(db)
    async with db.writer() as tx:
        ours = await tx.fetchval("select id from drift_alarms where endorsement_id is null")
        theirs = await tx.fetchval("select id from drift_alarms where endorsement_id is not null")
        stranger = await make.employer(tx)
        recruiter = await colleague(tx, make, here.employer, Role.RECRUITER)
        registrar = await colleague(tx, make, here.school, Role.REGISTRAR)
        cases: tuple[tuple[UUID, Actor, type[Refusal]], ...] = (
            (ours, here.employer, NotYourAlarm),
            (theirs, here.school, NotYourAlarm),
            (theirs, stranger, NotYourAlarm),
            (ours, registrar, NotAllowed),
            (theirs, recruiter, NotAllowed),
            (theirs, Actor(), NotAllowed),
            (new_id(), here.school, NotFound),
        )
        for which, actor, kind in cases:
            await refused(tx, kind, ours, theirs, partial(drift.acknowledge, tx, actor, which))
            await refused(tx, kind, ours, theirs, partial(drift.resolve, tx, actor, Resolve(which, "Done")))
        for note, kind in (("", Required), ("x" * 2_001, TooLong)):
            await refused(tx, kind, ours, theirs, partial(drift.resolve, tx, here.school, Resolve(ours, note)))
        await drift.acknowledge(tx, here.school, ours)
        await refused(tx, InvalidState, ours, theirs, partial(drift.acknowledge, tx, here.school, ours))
        reviewer = await colleague(tx, make, here.employer, Role.REVIEWER)
        await drift.resolve(tx, reviewer, Resolve(theirs, "We use 3.14"))
        await drift.resolve(tx, here.school, Resolve(ours, "Next version teaches 3.14"))
        again = Resolve(ours, "Again")
        await refused(tx, InvalidState, ours, theirs, partial(drift.resolve, tx, here.school, again))
        assert (await state_of(tx, ours))[:2] == ["resolved", "Next version teaches 3.14"]


async def refused(tx: Tx, kind: type[Refusal], ours: UUID, theirs: UUID, act: Callable[[], Awaitable[object]]) -> None:
    before = [await state_of(tx, which) for which in (ours, theirs)]
    with pytest.raises(kind):
        async with tx.savepoint():
            await act()
    assert [await state_of(tx, which) for which in (ours, theirs)] == before


async def test_an_alarm_of_a_version_that_one_may_not_see_is_not_found(tx: Tx, make: Factory) -> None:
    here = await market(tx, make, TOOLS)
    newer = await next_version(tx, here)
    hidden = await alarm(tx, newer, here.school.organization_id)
    stranger = await make.employer(tx)
    with pytest.raises(NotFound):
        await drift.acknowledge(tx, stranger, hidden)


async def test_time_alone_raises_the_alarm_ninety_days_before_the_end(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    await begun(db, make)
    clock.at = LAST - timedelta(days=91)
    assert await look(db) == 0
    clock.at = LAST - timedelta(days=90)
    # The endorsement of 2026 is over by then: only the school is told.
    assert await look(db) == 1


async def test_a_policy_is_published_while_the_watch_looks(db: Database) -> None:
    async with db.writer() as watch:
        await watch.execute("select pg_advisory_xact_lock($1)", drift.WATCHING)
        async with db.writer() as tx:
            assert await tx.fetchval("select pg_try_advisory_xact_lock($1)", policies.PUBLISHING)
