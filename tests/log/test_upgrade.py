"""An upgrade to a release whose log covers more: what processes of the one before still write is taken in, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from countersign import app
from countersign.kit import audit
from countersign.kit.access import SYSTEM
from countersign.kit.clock import FrozenClock
from countersign.log import adopting, jobs
from tests.log.support import KEY, Ledger

LATE = [source.kind for source in app.LOGGED if source.late]
OLD_WRITES = (
    "update memberships set roles = roles || '{signatory}'",
    "update sponsorships set until = '2026-12-01'",
    "update reviews set voided_at = now()",
    "delete from recognized_issuers",
    (
        "insert into tool_makers (id, organization_id, name, key, declared_at)"
        " select gen_random_uuid(), organization_id, 'Reed', 'reed', declared_at from tool_makers"
    ),
)
"""What commands of a release did that told the log nothing of these tables."""


async def before(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    """Make the log one that was kept by a release which knew of no `late` source."""
    for table in ("log_leaves", "log_nodes", "log_checkpoints", "log_head"):
        await owner.execute(f"delete from {table}")
    await owner.execute("delete from audit_events where kind = any($1)", [*LATE, adopting.SOURCE])
    await jobs.catch_up(kept.db, KEY, [source for source in app.LOGGED if not source.late])


async def upgraded(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    """As `before`, and let it meet them."""
    await before(kept, owner)
    await kept.keep()


async def found(kept: Ledger) -> set[tuple[str, str]]:
    """What is found, by kind."""
    return {(one.where.partition(" ")[0], one.what) for one in (await kept.check()).found}


async def test_what_earlier_processes_write_beside_a_new_one_is_taken_in_once_and_never_again(
    kept: Ledger, owner: asyncpg.Connection[Any], clock: FrozenClock
) -> None:
    await upgraded(kept, owner)
    assert (await kept.check()).waiting == 0
    await owner.execute("; ".join(OLD_WRITES))
    clock.move(adopting.SETTLING - timedelta(seconds=1))
    await kept.keep()
    report = await kept.check()
    assert (report.found, report.waiting > len(OLD_WRITES)) == ([], True)

    clock.move(timedelta(seconds=1))
    await kept.keep()
    report = await kept.check()
    assert (report.found, report.waiting) == ([], 0)
    told = await owner.fetch(
        "select distinct kind from audit_events where action = $1 and reason = $2", adopting.ADOPTED, adopting.EARLIER
    )
    assert {row["kind"] for row in told} == {"membership", "sponsorship", "review", "recognized_issuer", "tool_maker"}

    size = report.size
    clock.move(timedelta(days=1))
    assert (await kept.keep()).size == size
    await owner.execute("update sponsorships set until = '2026-11-30'; delete from tool_makers where name = 'Reed'")
    await kept.keep()
    assert await found(kept) == {
        ("sponsorship", "is not what the log says of it"),
        ("tool_maker", "is gone, which the log does not know of"),
    }


async def test_what_a_release_before_covered_already_is_not_taken_in_again_by_an_upgrade(
    kept: Ledger, owner: asyncpg.Connection[Any], clock: FrozenClock
) -> None:
    await before(kept, owner)
    async with kept.db.writer() as tx:
        late = [source for source in app.LOGGED if source.kind in {"review", "recognized_issuer"}]
        assert await adopting.adopt(tx, late)
        now, done = await tx.now(), audit.Decision.DONE
        for subject in ("source:review", "source:recognized_issuer"):
            said = audit.record(
                SYSTEM, adopting.ADOPTED, now, subject=subject, decision=done, reason=None, kind=adopting.SOURCE
            )
            await tx.insert(said)
    await kept.keep()
    await owner.execute("update reviews set voided_at = now(); delete from recognized_issuers")
    for _ in range(2):
        clock.move(timedelta(hours=2))
        await kept.keep()
        assert {what for what in await found(kept) if what[0] in {"review", "recognized_issuer"}} == {
            ("review", "is not what the log says of it"),
            ("recognized_issuer", "is gone, which the log does not know of"),
        }


async def test_a_log_that_begins_is_settled_at_once(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    await owner.execute("update memberships set roles = roles || '{signatory}'")
    await kept.keep()
    assert await found(kept) == {("membership", "is not what the log says of it")}


async def test_who_has_settling_done_again_is_found(kept: Ledger, owner: asyncpg.Connection[Any]) -> None:
    await owner.execute("update memberships set roles = roles || '{signatory}'")
    await owner.execute("delete from audit_events where object = 'source:membership/settled'")
    await kept.keep()
    assert any("is gone" in one.what for one in (await kept.check()).found)
