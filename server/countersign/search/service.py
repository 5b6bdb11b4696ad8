"""Keep the candidate index: the rooms above call this in the transaction that changes their facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.kit import events
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.search.events import CandidatesGone


async def project(tx: Tx, source: str, *args: object) -> int:
    """Put learners whose consent stands into the index, or bring their facts up to date; the number of rows written.

    `source` is a SELECT of (learner_id, region, country, consent_expires_at), one row a learner; its own parameters
    begin at $2. The caller answers for the consent.
    """
    return await tx.execute(
        f"""
        insert into candidate_search (learner_id, region, country, consent_expires_at, updated_at)
        select s.learner_id, s.region, s.country, s.consent_expires_at, $1::timestamptz
        from ({source}) s order by s.learner_id
        on conflict (learner_id) do update
        set region = excluded.region, country = excluded.country, consent_expires_at = excluded.consent_expires_at,
            updated_at = excluded.updated_at
        """,
        await tx.now(),
        *args,
    )


async def unproject(tx: Tx, learner_ids: Sequence[int]) -> int:
    """Take learners out of the index, with all their postings; how many were in it."""
    gone = await tx.execute("delete from candidate_search where learner_id = any($1::bigint[])", list(learner_ids))
    await events.publish(tx, CandidatesGone(tuple(learner_ids)))
    return gone


async def leave_at(tx: Tx, learner_ids: Sequence[int], at: datetime) -> None:
    """Tell the rooms above that learners in the index have set when their consent ends; after `project`."""
    await events.publish(tx, CandidatesGone(tuple(learner_ids), at))


async def hold(tx: Tx, learner_ids: Sequence[int]) -> list[datetime]:
    """Keep learners in the index until this transaction ends; the ends of those consents that have one.

    Raises NotFound when one of them is not to be found any more.
    """
    wanted = sorted(set(learner_ids))
    rows = await tx.fetch(
        "select consent_expires_at as until from candidate_search where learner_id = any($1::bigint[])"
        " and (consent_expires_at is null or consent_expires_at > $2) order by learner_id for share",
        wanted,
        await tx.now(),
    )
    if len(rows) < len(wanted):
        raise NotFound(what="candidate")
    return [row["until"] for row in rows if row["until"] is not None]


async def lapse(tx: Tx) -> int:
    """Take out learners whose consent has expired; queries pass them over already. How many there were."""
    return await tx.execute("delete from candidate_search where consent_expires_at <= $1", await tx.now())


async def post_awards(tx: Tx, source: str, *args: object) -> int:
    """Post valid awards of those learners who are in the index; what is posted already stays. The number of postings.

    `source` is a SELECT of (learner_id, award_id, spec_version_id, spec_id, awarded_on); its parameters begin at $1.
    Learners outside the index are skipped: that is where consent is respected.
    """
    return await tx.execute(
        f"""
        insert into candidate_award (learner_id, award_id, spec_version_id, spec_id, awarded_on)
        select s.learner_id, s.award_id, s.spec_version_id, s.spec_id, s.awarded_on
        from ({source}) s join candidate_search c on c.learner_id = s.learner_id
        on conflict (learner_id, award_id) do nothing
        """,
        *args,
    )


async def unpost_award(tx: Tx, learner_id: int, award_id: UUID) -> None:
    """Take one award out of the index; nothing happens when it is not there."""
    await tx.execute("delete from candidate_award where learner_id = $1 and award_id = $2", learner_id, award_id)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the index is from what it should be, in rows; all zero is right."""

    learners_missing: int
    learners_too_many: int
    learners_different: int
    postings_missing: int
    postings_too_many: int

    @property
    def found(self) -> bool:
        """Whether anything is wrong."""
        return any(
            (
                self.learners_missing,
                self.learners_too_many,
                self.learners_different,
                self.postings_missing,
                self.postings_too_many,
            )
        )


async def compare(tx: Tx, candidates: str, postings: str) -> Drift:
    """Compare the index with its recomputation; both SELECTs have the columns of `project` and `post_awards`.

    $1 is the time in both. `postings` names every valid award; those of learners who should not be in the index are
    not expected. Learners whose consent has expired but who were not taken out yet are no drift: nobody finds them.
    """
    row = await tx.fetchrow(
        f"""
        with c as materialized ({candidates}),
        x as materialized (
            select x.learner_id, x.region, x.country, x.consent_expires_at from candidate_search x
            where x.consent_expires_at is null or x.consent_expires_at > $1),
        p as materialized (
            select s.learner_id, s.award_id, s.spec_version_id, s.spec_id, s.awarded_on
            from ({postings}) s where s.learner_id in (select learner_id from c)),
        y as materialized (
            select a.learner_id, a.award_id, a.spec_version_id, a.spec_id, a.awarded_on
            from candidate_award a join x on x.learner_id = a.learner_id),
        learners as (
            select count(*) filter (where x.learner_id is null) as missing,
                   count(*) filter (where c.learner_id is null) as too_many,
                   count(*) filter (where (c.region, c.country, c.consent_expires_at)
                       is distinct from (x.region, x.country, x.consent_expires_at)
                       and c.learner_id is not null and x.learner_id is not null) as different
            from c full join x on x.learner_id = c.learner_id),
        awards as (
            select count(*) filter (where y.award_id is null) as missing,
                   count(*) filter (where p.award_id is null) as too_many
            from p full join y on y.learner_id = p.learner_id and y.award_id = p.award_id
                and y.spec_version_id = p.spec_version_id and y.spec_id = p.spec_id and y.awarded_on = p.awarded_on)
        select l.missing, l.too_many, l.different, a.missing, a.too_many from learners l, awards a
        """,
        await tx.now(),
    )
    if row is None:
        raise LookupError("an aggregate answers one row")
    return Drift(*(int(n) for n in row))
