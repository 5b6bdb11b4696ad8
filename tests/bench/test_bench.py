"""The bench on tiny data: both sides answer the same, every row is there. Nothing is timed."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from countersign.awards.service import check_index
from countersign.bench import data as datas
from countersign.bench import market, report, run
from countersign.bench.measure import difference
from countersign.kit.db import Database
from countersign.trust.addresses import Addresses
from tests.patience import WAIT

LEARNERS = 200
SCALE = 20
NAMES = ("spec", "catalogue", "recruiter rare", "recruiter typical", "recruiter common")
SEED = 11
NAME = f"countersign_bench_test_{secrets.token_hex(4)}"  # several runs may share a server


def silent(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@pytest_asyncio.fixture(scope="session")
async def benched(server_dsn: str) -> AsyncIterator[tuple[dict[str, Any], dict[int, list[report.Row]]]]:
    """One run of everything; its database is gone afterwards."""
    yield await run.bench(
        server_dsn, learners=[LEARNERS], wanted=run.ROWS, seconds=0.1, tell=silent, seed=SEED, scale=SCALE, name=NAME
    )
    await datas.drop(server_dsn, LEARNERS, NAME)


@pytest.mark.campaign
async def test_every_row_is_measured_on_both_sides(
    benched: tuple[dict[str, Any], dict[int, list[report.Row]]],
) -> None:
    shown = json.loads(json.dumps(benched[0]))
    assert [plan["name"] for plan in shown["plans"]] == ["spec", "catalogue", "recruiter"]
    assert all(plan["compile_ms"] > 0 and plan["plan_kb"] > 0 for plan in shown["plans"])
    (found,) = shown["learners"]
    assert [row["name"] for row in found["rows"]] == [*NAMES, "endorse", "import", "import-bare", "fanout"]
    for row in found["rows"]:
        for side in ("ours", "other"):
            assert row[side].get("per_second") or row[side].get("deliveries"), row
        # A machine that does ten things at once may be told to come again; nothing else may go wrong.
        refused = row["ours"].get("fault") or row["other"].get("fault") or "503"
        assert refused.startswith("503"), row
    assert {goal["id"] for row in found["rows"] for goal in row["goals"]} == {"G6", "G8", "G9", "G10"}


@pytest.mark.campaign
async def test_the_table_says_every_row_and_goal(
    benched: tuple[dict[str, Any], dict[int, list[report.Row]]],
) -> None:
    console = report.console(record=True)
    report.show(console, *benched)
    text = console.export_text()
    for word in (
        "spec by id",
        "catalogue",
        "rare",
        "typical",
        "common",
        "endorseSpec",
        "import",
        "subscribers",
        "G6",
        "G8",
        "G9",
        "G10",
    ):
        assert word in text


async def test_made_data_pass_the_products_own_check_and_are_used_again(
    benched: tuple[dict[str, Any], dict[int, list[report.Row]]], server_dsn: str
) -> None:
    assert benched
    made: list[str] = []
    again = await datas.ready(
        server_dsn,
        learners=LEARNERS,
        seed=SEED,
        scale=SCALE,
        tell=lambda what, _done, _of: made.append(what),
        name=NAME,
    )
    assert made == []
    db = await Database.open(again.dsn, pool_size=1, wait_seconds=WAIT)
    try:
        async with db.writer() as tx:
            assert not (await check_index(tx)).found
            counts = await tx.fetchrow(
                "select (select count(*) from awards) as awards, (select count(*) from candidate_search) as found,"
                " (select count(*) from endorsements) as endorsements"
            )
            assert counts is not None
            assert counts["awards"] == LEARNERS * market.AWARDS
            assert 0.5 * LEARNERS < counts["found"] < 0.9 * LEARNERS
            assert counts["endorsements"] == market.ENDORSEMENTS // SCALE
            copies = await tx.fetchval("select count(*) from pg_database where datname ~ $1", f"{NAME}_{LEARNERS}_")
            assert copies == 0
    finally:
        await db.close()
    other = await datas.ready(server_dsn, learners=LEARNERS, seed=SEED + 1, scale=SCALE, tell=silent, name=NAME)
    owner = await asyncpg.connect(other.dsn)
    slug = await owner.fetchval("select value from installation where key = $1", datas.MARK)
    await owner.close()
    assert json.loads(slug)["seed"] == SEED + 1


def test_a_seed_makes_the_same_market() -> None:
    day = datas.today()
    one, same, other = (
        market.make(seed, day, Addresses(datas.ORIGIN), scale=SCALE * 5) for seed in (SEED, SEED, SEED + 1)
    )
    assert one == same
    assert one != other


def test_the_commonest_skill_is_held_by_three_in_ten() -> None:
    made = market.make(SEED, datas.today(), Addresses(datas.ORIGIN), scale=4)
    shares = sorted((made.share(skill) for skill in range(len(made.skills))), reverse=True)
    assert 0.25 < shares[0] < 0.35
    assert shares[len(shares) // 2] < shares[0] / 10


def test_answers_that_differ_are_named() -> None:
    ours = {"nodes": [{"id": "cand_a", "score": 1}]}
    assert difference(ours, {"nodes": [{"id": "cand_b", "score": 1}]}) is None
    assert difference(ours, {"nodes": [{"id": "cand_b", "score": 2}]}) == "data.nodes.0.score: 1 and 2"
    assert "0 items" in str(difference(ours, {"nodes": []}))
    assert "members" in str(difference(ours, {}))
