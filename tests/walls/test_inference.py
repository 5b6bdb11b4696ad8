"""Whoever did not agree to be found changes no byte of anything that a recruiter is answered."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.typical import TYPICAL
from tests.search.hall import QUERY, REGIONS, Hall, hall


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> Hall:
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    return await hall(db, engine, signer, make, graduates=12)


async def answers(here: Hall) -> dict[str, bytes]:
    """Everything typical as the recruiter is answered, and the search in several ways."""
    asked = {t.name: Request(t.text, t.variables) for t in TYPICAL}
    ways: tuple[dict[str, Any], ...] = ({}, {"first": 1}, {"regions": [REGIONS[0]]}, {"first": 100})
    for number, more in enumerate(ways):
        asked[f"search {number}"] = Request(QUERY, {"skills": [here.skill_id], **more})
    return {name: (await here.engine.answer(request, here.recruiter, "t")).render() for name, request in asked.items()}


async def test_a_hidden_learner_changes_no_byte_of_any_typical_answer(here: Hall) -> None:
    before = await answers(here)
    for n in range(12):
        await here.issue(f"hidden{n}", n % 2, region=REGIONS[0])
    assert await answers(here) == before
    # Withdrawn again they leave no trace either.
    await here.consent("hidden0")
    assert await answers(here) != before
    await here.consent("hidden0", granted=False)
    assert await answers(here) == before
    await here.revoke("hidden1", 1)
    assert await answers(here) == before


async def counts(here: Hall) -> tuple[int | None, dict[str, int], dict[str, int]]:
    page = await here.ask(first=1)
    regions = {f["region"]: f["count"] for f in page["facets"]["regions"]}
    return page["totalCount"], regions, {f["endorser"]["handle"]: f["count"] for f in page["facets"]["endorsers"]}


async def test_counts_with_and_without_a_learner_differ_at_multiples_of_ten_alone(here: Hall) -> None:
    """Twelve agreed; up to 21 are added one by one: what is told changes with the twentieth, and with nobody else."""
    told = [await counts(here)]
    for n in range(9):
        await here.issue(f"one-more{n}", region=REGIONS[0])
        await here.consent(f"one-more{n}")
        told.append(await counts(here))
    totals = [count for count, _, _ in told]
    assert totals == [10] * 8 + [20, 20]
    assert [regions.get(REGIONS[0]) for _, regions, _ in told] == [None] * 6 + [10] * 4
    assert all(value % 10 == 0 for _, regions, endorsers in told for value in (regions | endorsers).values())
    assert all(set(regions) <= {REGIONS[0]} for _, regions, _ in told)
