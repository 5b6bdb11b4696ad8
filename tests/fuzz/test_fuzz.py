"""Whatever is asked, the answer is quick, coded and says nothing of how it was made."""

from __future__ import annotations

import httpx
import pytest

from tests.fuzz.conftest import Market
from tests.fuzz.running import Fuzz, all_fields, memory, schema_of

SEED = 20261122
SOME, MANY, WARMED = 400, 50_000, 3_000
MOST_MEMORY = 100.0


async def test_some_drawn_requests_find_nothing(market: Market, http: httpx.AsyncClient) -> None:
    fuzz = Fuzz(http, await schema_of(http), list(market.tokens), SEED)
    await fuzz.run(0, SOME)
    assert fuzz.report.failures == [], "\n\n".join(fuzz.report.failures)
    assert fuzz.report.requests == SOME
    assert len(fuzz.report.fields) > 200


@pytest.mark.campaign
async def test_fifty_thousand_drawn_requests_find_nothing(
    market: Market, http: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = await schema_of(http)
    fuzz = Fuzz(http, schema, list(market.tokens), SEED + 1)
    assert len(market.tokens) == 10
    await fuzz.run(0, WARMED)
    before = memory(market.process)
    await fuzz.run(WARMED, MANY - WARMED)
    grown = memory(market.process) - before
    report = fuzz.report
    missed = sorted(all_fields(schema) - report.fields)
    with capsys.disabled():
        print(  # noqa: T201 - a campaign tells its figures
            f"\nseed {fuzz.seed}: {report.requests} requests, slowest {report.slowest:.2f} s"
            f" ({report.repeated} slow once and asked again), memory +{grown:.0f} MB,"
            f" {len(report.fields)} fields asked, {len(missed)} never: {missed[:20]}\n"
            f"statuses {dict(report.statuses)}\ncodes {dict(report.codes)}"
        )
    assert report.failures == [], "\n\n".join(report.failures)
    assert report.requests == MANY
    assert grown < MOST_MEMORY
    assert missed == []
