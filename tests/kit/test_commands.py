"""A command happens once for its key, and a refusal changes nothing but the record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, OrganizationKind, Permission, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.commands import FORGOTTEN_AT_ONCE, Made, Outcome, forget, perform, run
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Code
from countersign.organizations import service
from tests.factories import Factory
from tests.patience import WAIT

COMMANDS = "audit_events where kind is null"
"""What is told of commands themselves, beside what they say of rows that the log covers."""
NORTHGATE = service.Register(OrganizationKind.SCHOOL, "northgate", "Northgate", "GB")


async def register(db: Database, key: str, command: service.Register = NORTHGATE, print_: bytes = b"1") -> Outcome:
    async def work(tx: Tx) -> Mapping[str, str]:
        return {"organization": f"org_{await service.register(tx, SYSTEM, command)}"}

    return await perform(
        db, SYSTEM, permission=Permission.IMPORT, name="registerOrganization", key=key, fingerprint=print_, work=work
    )


async def count(db: Database, table: str) -> int:
    async with db.reader() as reader:
        return int(await reader.fetchval(f"select count(*) from {table}"))


async def test_same_key_and_input_answers_the_first_outcome_and_does_nothing_again(db: Database) -> None:
    first = await register(db, "k1")
    again = await register(db, "k1")
    assert first.entities == again.entities
    assert (first.replayed, again.replayed) == (False, True)
    assert await count(db, "organizations") == 1
    assert await count(db, COMMANDS) == 1


async def test_same_key_with_other_input_is_refused(db: Database) -> None:
    await register(db, "k1")
    other = await register(db, "k1", service.Register(OrganizationKind.SCHOOL, "other", "Other", "GB"), b"2")
    assert [p.code for p in other.problems] == [Code.IDEMPOTENCY_KEY_REUSED]
    assert await count(db, "organizations") == 1


async def test_what_is_shown_once_is_kept_nowhere_and_not_answered_again(db: Database) -> None:
    async def work(_tx: Tx) -> Made:
        return Made({"token": "token_x"}, {"text": "a canary that nobody keeps"})

    async def once() -> Outcome:
        return await perform(
            db, SYSTEM, permission=Permission.IMPORT, name="made", key="k1", fingerprint=b"1", work=work
        )

    first, again = await once(), await once()
    assert first.secrets == {"text": "a canary that nobody keeps"}
    assert (again.secrets, again.entities, again.replayed) == ({}, first.entities, True)
    assert "canary" not in repr(first)
    async with db.writer() as tx:
        kept = await tx.fetch("select to_jsonb(k)::text as text from idempotency_keys k")
        kept += await tx.fetch("select to_jsonb(a)::text as text from audit_events a")
    assert len(kept) == 2
    assert not [row["text"] for row in kept if "canary" in row["text"]]


async def test_concurrent_requests_with_one_key_have_one_effect(db: Database) -> None:
    outcomes = await asyncio.gather(*(register(db, "k1") for _ in range(8)))
    assert len({o.entities["organization"] for o in outcomes}) == 1
    assert sorted(o.replayed for o in outcomes) == [False] + [True] * 7
    assert await count(db, "organizations") == 1


async def test_a_refusal_leaves_only_its_audit_event_and_outcome(db: Database) -> None:
    bad = service.Register(OrganizationKind.SCHOOL, "No Good", "Northgate", "GB")
    outcome = await register(db, "k1", bad)
    assert [(p.code, p.path) for p in outcome.problems] == [(Code.INVALID, ("handle",))]
    assert await count(db, "organizations") == 0
    assert await count(db, "outbox") == 0
    assert await count(db, COMMANDS) == 1
    replayed = await register(db, "k1", bad)
    assert replayed.problems == outcome.problems
    assert replayed.replayed


async def test_nobody_may_register_an_organization_but_the_operator(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        actors = [ANONYMOUS, await make.school(tx), await make.employer(tx)]
    before = await count(db, "organizations")

    async def never(_tx: Tx) -> Mapping[str, str]:
        raise AssertionError("the work of a refused command must not run")

    for actor in actors:
        outcome = await perform(db, actor, permission=Permission.IMPORT, name="x", key="k", fingerprint=b"", work=never)
        assert [p.code for p in outcome.problems] == [Code.NOT_ALLOWED]
    assert await count(db, "organizations") == before
    assert await count(db, "idempotency_keys") == 0


async def test_a_key_is_good_for_seven_days_and_then_forgotten(db: Database, clock: FrozenClock) -> None:
    await register(db, "k1")
    clock.move(timedelta(days=7))
    assert await forget(db) == 0
    assert (await register(db, "k1")).replayed
    clock.move(timedelta(microseconds=1))
    assert await forget(db) == 1
    assert await count(db, "idempotency_keys") == 0
    # The key is as new: what it did stands in its own way, not in the key's.
    assert [p.code for p in (await register(db, "k1")).problems] == [Code.CONFLICT]
    assert await count(db, "organizations") == 1


async def test_old_keys_are_forgotten_in_small_batches_around_those_in_use(db: Database) -> None:
    many = 2 * FORGOTTEN_AT_ONCE + 5
    async with db.writer() as tx:
        await tx.execute(
            "insert into idempotency_keys (scope, key, fingerprint, created_at)"
            " select 's', n::text, '', $1 from generate_series(1, $2) n",
            await tx.now() - timedelta(days=8),
            many,
        )
    await register(db, "young")
    async with db.writer() as tx:
        await tx.fetchval("select 1 from idempotency_keys where key = '7' for update")
        assert await forget(db) == many - 1
    assert await forget(db) == 1
    assert await count(db, "idempotency_keys") == 1


async def test_the_background_forgets_until_it_is_told_to_stop(db: Database, clock: FrozenClock) -> None:
    await register(db, "k1")
    clock.move(timedelta(days=8))
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    await asyncio.wait_for(run(db, stop), WAIT)
    assert await count(db, "idempotency_keys") == 0


async def test_a_taken_handle_is_a_conflict_and_the_first_stays(db: Database) -> None:
    first = await register(db, "k1")
    second = await register(db, "k2")
    assert [p.code for p in second.problems] == [Code.CONFLICT]
    async with db.reader() as reader:
        ids: list[UUID] = [r["id"] for r in await reader.fetch("select id from organizations")]
    assert [f"org_{i}" for i in ids] == [first.entities["organization"]]


async def test_commands_that_lock_in_opposite_orders_both_succeed(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        left, right = await make.organization(tx), await make.organization(tx)
    met = asyncio.Barrier(2)
    tries = 0

    async def swap(key: str, first: UUID, second: UUID) -> Outcome:
        async def work(tx: Tx) -> Mapping[str, str]:
            nonlocal tries
            tries += 1
            await tx.fetchval("select 1 from organizations where id = $1 for update", first)
            if tries <= 2:
                await met.wait()
            await tx.execute("update organizations set display_name = $2 where id = $1", second, key)
            return {"organization": f"org_{second}"}

        return await perform(db, SYSTEM, permission=Permission.IMPORT, name="swap", key=key, fingerprint=b"", work=work)

    outcomes = await asyncio.gather(swap("a", left, right), swap("b", right, left))
    assert [o.problems for o in outcomes] == [(), ()]
    assert tries == 3
    assert await count(db, COMMANDS) == 2


async def test_what_needs_a_fresh_sign_in_is_refused_before_its_key_is_taken(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        member = await make.employer(tx)
    session = replace(
        member, token_id=None, login_id=UUID(int=9), authenticated_at=clock.now(), scopes=frozenset(Scope)
    )
    ran = 0

    async def work(_tx: Tx) -> Mapping[str, str]:
        nonlocal ran
        ran += 1
        return {}

    async def sign(actor: Actor) -> Outcome:
        return await perform(
            db, actor, permission=Permission.SIGN_ENDORSEMENT, name="sign", key="k", fingerprint=b"", work=work
        )

    clock.move(timedelta(minutes=6))
    refused = await sign(session)
    assert [(p.code, p.kind) for p in refused.problems] == [(Code.NOT_ALLOWED, "StepUpRequired")]
    assert ran == 0
    assert await count(db, "idempotency_keys") == 0
    assert await count(db, COMMANDS) == 1
    outcome = await sign(replace(session, authenticated_at=clock.now()))
    assert outcome == Outcome()
    assert ran == 1
