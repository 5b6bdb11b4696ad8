"""Random tamperings by a superuser: each is found by our check, and by a verifier that shares no code with it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from countersign import app
from countersign.awards import credentials
from countersign.kit import audit
from countersign.kit.access import SYSTEM
from countersign.kit.ids import new_id
from countersign.log import bundle
from tests import node
from tests.conftest import NOW
from tests.log import tampering
from tests.log.support import KEY, Ledger, look

VERIFIER = Path(__file__).parent / "js" / "verify.mjs"
Owner: TypeAlias = "asyncpg.Connection[Any]"


@pytest_asyncio.fixture
async def long(kept: Ledger) -> Ledger:
    """A log of more than one tile, over many streams, in which a learner was erased."""
    async with kept.db.writer() as tx:
        events = [
            audit.record(
                SYSTEM,
                "x",
                NOW,
                subject=f"spec_{new_id()}",
                decision=audit.Decision.DONE,
                reason=None,
                organization_id=kept.here.school_id if n % 3 else None,
            )
            for n in range(300)
        ]
        await tx.insert(*events)
        await credentials.erase(tx, [kept.awarded[0]])
    await kept.keep()
    return kept


async def written(owner: Owner, folder: Path, name: str) -> str:
    """The bundle of the log as it is now; its file."""
    lines = [f'{{"key": "{KEY.verifier.text}"}}', *[line async for line in bundle.lines(owner, app.LOGGED)]]
    file = folder / name
    file.write_text("\n".join(lines))
    return str(file)


async def tampered(owner: Owner, folder: Path, seed: int) -> tuple[tampering.Tampering, bool, str]:
    """One random change: what it was, whether our check found it, and the bundle for the other. Taken back after."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    change = owner.transaction()
    await change.start()
    try:
        await owner.execute("set local session_replication_role = replica")
        done = await tampering.tamper(owner, dice)
        return done, bool((await look(owner)).found), await written(owner, folder, f"{seed}.jsonl")
    finally:
        await change.rollback()


async def hunt(owner: Owner, folder: Path, rounds: int) -> None:
    honest = await written(owner, folder, "honest.jsonl")
    tries = {seed: await tampered(owner, folder, seed) for seed in range(rounds)}
    found = await node.ask(VERIFIER, {"files": [honest, *(file for _, _, file in tries.values())]}, 300)
    assert found.pop(honest) == []
    missed = [f"{seed} {done.statement}" for seed, (done, ours, _) in tries.items() if not ours]
    assert not missed, "our check did not find " + "\n".join(missed)
    missed = [f"{seed} {done.statement}" for seed, (done, _, file) in tries.items() if not found[file]]
    assert not missed, "the other verifier did not find " + "\n".join(missed)
    print(rounds, "found;", dict(Counter(done.table for done, _, _ in tries.values())))  # noqa: T201 - the figures


@pytest.mark.node
async def test_random_tamperings_are_found_by_both_verifiers(long: Ledger, owner: Owner, tmp_path: Path) -> None:
    await hunt(owner, tmp_path, 12)
    assert (await long.check()).found == []


@pytest.mark.campaign
@pytest.mark.node
async def test_two_hundred_random_tamperings_are_found_by_both_verifiers(
    long: Ledger, owner: Owner, tmp_path: Path
) -> None:
    await hunt(owner, tmp_path, tampering.ROUNDS)
    assert (await long.check()).found == []
