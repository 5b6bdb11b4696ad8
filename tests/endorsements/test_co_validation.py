"""Co-validation is a pure function of an instant; its twin in SQL, its explanation and its history agree with it."""

from __future__ import annotations

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from countersign.endorsements.co_validation_views import CHANGES
from countersign.endorsements.views import CO_VALIDATED_AT
from tests.endorsements.histories import DAYS, HISTORIES, VERSION, History, day

AT = f"""
select i.at, {CO_VALIDATED_AT.format(v="v", at="i.at")} as is_so
from spec_versions v, unnest($2::timestamptz[]) i(at) where v.id = $1 order by 1"""
TURNED = f"""
select c.at, c.co_validated from spec_versions v, lateral {CHANGES.format(v="v", until="$2::timestamptz")} c
where v.id = $1 order by 1"""


async def compare(owner: asyncpg.Connection[asyncpg.Record], history: History) -> None:
    """Ask the rule and its twin at every instant of a history and between, and for all that ever changed."""
    facts = history.facts()
    instants = [day(n) for n in range(-1, DAYS + 10)]
    transaction = owner.transaction()
    await transaction.start()
    try:
        await history.write(owner)
        found = {row["at"]: row["is_so"] for row in await owner.fetch(AT, VERSION, instants)}
        assert found == {at: facts.co_validated(at) for at in instants}
        for until in (day(DAYS // 2), day(DAYS + 10)):
            turned = [(row["at"], row["co_validated"]) for row in await owner.fetch(TURNED, VERSION, until)]
            assert turned == facts.history(until)
    finally:
        await transaction.rollback()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=HISTORIES)
@pytest.mark.asyncio
async def test_invariant_7_the_sql_answers_as_the_rule_over_random_histories(
    owner: asyncpg.Connection[asyncpg.Record], history: History
) -> None:
    await compare(owner, history)
