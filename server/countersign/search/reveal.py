"""The second step of an answer that shows candidates: check again, charge the quota, record who saw whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from countersign.endorsements.views import LIVE
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed
from countersign.search.rules import DAILY_QUOTA, QuotaExceeded

PURPOSE: Final = "talent_search"


def fingerprint(learner: str, now: str) -> str:
    """SQL (bigint) of what an answer may show of a learner: every posting with its live endorsements, and consent.

    Null when the learner may not be shown. Two equal values mean that nothing shown has changed between. Ids
    are hashed as they are: a page has some six hundred pairs of them, twice, and writing them as text cost more.
    """
    live = LIVE.format(e="e", now=now)
    return f"""(
        select bit_xor(coalesce(uuid_hash_extended(a.award_id, coalesce(uuid_hash_extended(e.id, 0), 0)), 0))
        from candidate_search c
        left join candidate_award a on a.learner_id = c.learner_id
        left join endorsements e on e.spec_version_id = a.spec_version_id and {live}
        where c.learner_id = {learner} and (c.consent_expires_at is null or c.consent_expires_at > {now}))"""


REVEALED: Final = "array[{t}.learner_id, " + fingerprint("{t}.learner_id", "{now}") + "]"
"""What the answer statement hands over for each candidate shown: the learner and the fingerprint (bigint[])."""

_NOW: Final = "coalesce($4::timestamptz, statement_timestamp())"

REVEAL: Final = f"""
with shown as (
    select s.learner_id, s.fingerprint
    from unnest($2::bigint[], $3::bigint[]) s(learner_id, fingerprint)),
still as (
    select s.learner_id from shown s
    where {fingerprint("s.learner_id", _NOW)} is not distinct from s.fingerprint
      and s.fingerprint is not null),
agreed as (select (select count(*) from still) = (select count(*) from shown) as all_of_them),
seen as (
    insert into candidate_views (learner_id, organization_id, viewed_on, first_viewed_at, purpose)
    select s.learner_id, $1::uuid, ({_NOW} at time zone 'UTC')::date, {_NOW}, $5
    from still s, agreed where agreed.all_of_them order by s.learner_id
    on conflict (learner_id, organization_id, viewed_on) do nothing
    returning learner_id),
charged as (
    insert into reveal_quotas (organization_id, day, used)
    select $1::uuid, ({_NOW} at time zone 'UTC')::date, count(*)::int from seen having count(*) > 0
    on conflict (organization_id, day) do update set used = reveal_quotas.used + excluded.used
    returning used)
select all_of_them, (select used from charged) as used, {_NOW} as at from agreed
"""


async def reveal(tx: Tx, actor: Actor, shown: Sequence[tuple[int, int | None]], *, quota: int = DAILY_QUOTA) -> bool:
    """Let an answer go: one statement, whose transaction must commit before the bytes leave.

    `shown` pairs each learner with the fingerprint in the answer. True when everything still stands: the views are
    recorded and learners whom the organization has not seen today are charged. False when consent, an award or an
    endorsement has changed since: nothing is recorded, and the answer must be made again.

    Raises NotAllowed for anyone but a recruiter's organization; QuotaExceeded (the transaction must roll back).
    """
    access.require(actor, Permission.SEARCH_CANDIDATES)
    if actor.organization_id is None:
        raise NotAllowed(why="Candidates are shown to organizations only")
    if not shown:
        return True
    row = await tx.fetchrow(
        REVEAL,
        actor.organization_id,
        [learner for learner, _ in shown],
        [mark for _, mark in shown],
        tx.clock.now(),
        PURPOSE,
    )
    if row is None or not row["all_of_them"]:
        return False
    tx.it_is(row["at"])
    if row["used"] is not None and row["used"] > quota:
        raise QuotaExceeded(limit=quota)
    return True
