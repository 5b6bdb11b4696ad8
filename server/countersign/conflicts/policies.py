"""Quorum policies as they were published: what those in effect make of ties is asked here, whoever judges.

What else they demand is read by `endorsements`, which publishes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from countersign.conflicts.tables_policies import QuorumPolicyVersion
from countersign.kit.actors import Actor
from countersign.kit.db import Tx
from countersign.log.sources import Source, enter

_IN_EFFECT: Final = """
select distinct on (q.organization_id, q.spec_id) q.*
from quorum_policies q
where q.effective_from <= {at} and (q.organization_id is null
    or (q.organization_id = {school} and (q.spec_id is null or q.spec_id = {spec})))
order by q.organization_id, q.spec_id, q.number desc
"""

LOGGED: Final = Source(
    kind="quorum_policy",
    subject="pol_{0}",
    sql="""
        select 'pol_' || q.id as subject, q.organization_id, null::bytea as content, row(
            q.id, q.organization_id, q.spec_id, q.number, q.groups, q.employers, q.agencies, q.evidence,
            q.rubric_floor, q.criterion_floor, q.freshness_days, q.four_eyes, q.outcomes, q.foreign_counts, q.note,
            q.published_by, q.published_at, q.effective_from, q.whole_scope)::text as facts
        from quorum_policies q where true""",
    key="q.id = $1",
)
"""What the log covers of a policy: all of it, for ever."""


def in_effect(school: str, spec: str, at: str) -> str:
    """The newest version of each policy that judges versions of a school's specification at an instant, as a query.

    The arguments are SQL expressions (uuid, uuid or null for none of its own, timestamptz). The platform's has no
    organization; its first version is no row.
    """
    return _IN_EFFECT.format(school=school, spec=spec, at=at)


async def keep(tx: Tx, actor: Actor, policy_id: UUID, values: Mapping[str, Any]) -> None:
    """Keep a version, and log it; `values` are the other columns. For `endorsements`, which has checked them."""
    await tx.insert(QuorumPolicyVersion(id=policy_id, **values))
    await enter(tx, LOGGED, policy_id, actor=actor, action="quorum_policy.published")
