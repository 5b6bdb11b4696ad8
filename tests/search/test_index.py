"""The candidate index holds consenting learners and their valid awards, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.search import service

CANDIDATE = (
    "select $2::bigint as learner_id, 'DE-BE'::text as region, 'DE'::text as country,"
    " $3::timestamptz as consent_expires_at"
)
POSTING = (
    "select $1::bigint as learner_id, $2::uuid as award_id, $3::uuid as spec_version_id, $3::uuid as spec_id,"
    " '2026-01-02'::date as awarded_on"
)
AWARD = "00000000-0000-7000-8000-000000000001"
VERSION = "00000000-0000-7000-8000-000000000002"
LATER = datetime(2027, 1, 1, tzinfo=UTC)


async def postings(tx: Tx) -> int:
    return int(await tx.fetchval("select count(*) from candidate_award"))


async def test_awards_of_learners_outside_the_index_are_not_posted(tx: Tx) -> None:
    assert await service.post_awards(tx, POSTING, 7, AWARD, VERSION) == 0
    await service.project(tx, CANDIDATE, 7, None)
    assert await service.post_awards(tx, POSTING, 7, AWARD, VERSION) == 1
    assert await service.post_awards(tx, POSTING, 7, AWARD, VERSION) == 0
    assert await postings(tx) == 1


async def test_taking_a_learner_out_takes_every_posting_along(tx: Tx) -> None:
    await service.project(tx, CANDIDATE, 7, None)
    await service.post_awards(tx, POSTING, 7, AWARD, VERSION)
    assert await service.unproject(tx, [7]) == 1
    assert await postings(tx) == 0
    assert await service.unproject(tx, [7]) == 0


async def test_expired_consents_are_taken_out_by_the_job(tx: Tx, clock: FrozenClock) -> None:
    await service.project(tx, CANDIDATE, 7, LATER)
    await service.project(tx, CANDIDATE, 8, None)
    assert await service.lapse(tx) == 0
    clock.at = LATER
    tx = Tx(tx.connection, clock)
    assert await service.lapse(tx) == 1
    assert [r[0] for r in await tx.fetch("select learner_id from candidate_search")] == [8]


async def test_the_comparison_sees_every_kind_of_drift(tx: Tx) -> None:
    await service.project(tx, CANDIDATE, 7, None)
    await service.post_awards(tx, POSTING, 7, AWARD, VERSION)
    right_candidates = (
        "select 7::bigint as learner_id, 'DE-BE' as region, 'DE' as country, null::timestamptz as consent_expires_at"
        " where $1::timestamptz is not null"
    )
    right_postings = (
        f"select 7::bigint as learner_id, '{AWARD}'::uuid as award_id, '{VERSION}'::uuid as spec_version_id,"
        f" '{VERSION}'::uuid as spec_id, '2026-01-02'::date as awarded_on"
    )
    assert not (await service.compare(tx, right_candidates, right_postings)).found
    other = await service.compare(tx, right_candidates.replace("DE-BE", "DE-BY"), right_postings)
    assert other == service.Drift(0, 0, 1, 0, 0)
    nobody = await service.compare(tx, f"{right_candidates} and false", right_postings)
    assert nobody == service.Drift(0, 1, 0, 0, 1)
    more = await service.compare(
        tx, right_candidates, right_postings.replace(AWARD, "00000000-0000-7000-8000-000000000009")
    )
    assert more == service.Drift(0, 0, 0, 1, 1)
    await tx.execute("delete from candidate_search")
    assert await service.compare(tx, right_candidates, right_postings) == service.Drift(1, 0, 0, 1, 0)
