"""Publish quorum policies and find the one in effect: the platform's, a school's, one for a single spec, together.

A version is published once and never changes. Who publishes for a school may ask for more than the platform, never for
less; when the platform asks for more later, both count: what is in effect is the stricter of every demand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.conflicts.rules import Tie
from countersign.conflicts.rules_findings import DEFAULTS
from countersign.endorsements import co_validation
from countersign.endorsements.evidence import EvidenceKind
from countersign.endorsements.rules_quorum import (
    DEFAULT_POLICY,
    QuorumPolicy,
    check_not_laxer,
    check_policy,
    effective,
)
from countersign.endorsements.tables import QuorumPolicyVersion
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, Invalid, NotAllowed, NotFound, Required, TooLong
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter

NOTE_LIMIT: Final = 2_000
LONGEST_NOTICE: Final = timedelta(days=366)
PUBLISHING: Final = 7_346_522
"""The advisory lock of whoever publishes a policy: numbers and comparisons are made one after the other."""


class BeforeItsPredecessor(Conflict):
    """Version {number} takes effect on {at}: the next one cannot do so before it."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A new version of the actor's policy: the operator's is the platform's, a school's is for all of its specs or one.

    `note` says why, for everyone to read; it takes effect at once unless `effective_from` says a later time.
    """

    policy: QuorumPolicy = field(default=DEFAULT_POLICY)
    note: str = ""
    spec_id: UUID | None = None
    effective_from: datetime | None = None


IN_EFFECT: Final = """
select distinct on (q.organization_id, q.spec_id) q.*
from quorum_policies q
where q.effective_from <= $2 and (q.organization_id is null
    or (q.organization_id = $1 and (q.spec_id is null or q.spec_id = $3)))
order by q.organization_id, q.spec_id, q.number desc
"""


_JUDGED: Final = (
    "$2::uuid is null or exists (select from spec_versions v where v.id = s.spec_version_id"
    " and v.organization_id = $2 and ($3::uuid is null or v.spec_id = $3))"
)
"""Which versions a policy of an organization (or the platform's) judges, for one spec or all."""


async def policy_for(tx: Tx, version_id: UUID, at: datetime | None = None) -> QuorumPolicy:
    """What must stand behind a version at an instant (now): the stricter demands of every policy then in effect.

    Raises NotFound for a version that does not exist.
    """
    version = await tx.fetchrow("select organization_id, spec_id from spec_versions where id = $1", version_id)
    if version is None:
        raise NotFound(what="version")
    rows = await tx.fetch(IN_EFFECT, version["organization_id"], at or await tx.now(), version["spec_id"])
    return _together(rows)


async def publish(tx: Tx, actor: Actor, command: Publish) -> UUID:
    """Publish the next version of a policy; the operator the platform's, a school one for its own specs.

    Raises NotAllowed, NotFound (spec), Invalid (a number, kind or tie; a time in the past or beyond a year), Required
    and TooLong (note), LaxerPolicy, BeforeItsPredecessor.
    """
    access.require(actor, Permission.PUBLISH_POLICY)
    owner = None if actor.system else actor.organization_id
    if owner is None and not actor.system:
        raise NotAllowed(why="Only a school publishes a policy for its specs")
    _check_note(command.note)
    check_policy(command.policy, [tie.name.lower() for tie in Tie], EvidenceKind)
    check_not_laxer(command.policy, replace(command.policy, outcomes=_at_least(command.policy.outcomes)))
    now = await tx.now()
    start = command.effective_from or now
    if not now <= start <= now + LONGEST_NOTICE:
        raise Invalid(problem="A policy takes effect now or within a year", path=("effectiveFrom",))
    await tx.fetchval("select pg_advisory_xact_lock($1)", PUBLISHING)
    if command.spec_id is not None:
        await _own_spec(tx, owner, command.spec_id)
    last = await tx.fetchrow(
        "select number, effective_from from quorum_policies where organization_id is not distinct from $1"
        " and spec_id is not distinct from $2 order by number desc limit 1",
        *(owner, command.spec_id),
    )
    if last is not None and last["effective_from"] > start:
        at = last["effective_from"].isoformat(timespec="seconds")
        raise BeforeItsPredecessor(number=last["number"], at=at, path=("effectiveFrom",))
    if owner is not None:
        check_not_laxer(command.policy, await _above(tx, owner, command.spec_id, start))
    policy = command.policy
    row = QuorumPolicyVersion(
        id=new_id(),
        organization_id=owner,
        spec_id=command.spec_id,
        number=last["number"] + 1 if last else (2 if owner is None else 1),
        groups=policy.groups,
        employers=policy.employers,
        agencies=policy.agencies,
        evidence=sorted(policy.evidence),
        rubric_floor=policy.rubric_floor,
        criterion_floor=policy.criterion_floor,
        freshness_days=policy.freshness_days,
        four_eyes=policy.four_eyes,
        outcomes=dict(policy.outcomes),
        foreign_counts=policy.foreign_counts,
        whole_scope=policy.whole_scope,
        note=command.note.strip(),
        published_by=actor.person_id,
        published_at=now,
        effective_from=start,
    )
    await tx.insert(row)
    await enter(tx, LOGGED, row.id, actor=actor, action="quorum_policy.published")
    await co_validation.due(tx, _JUDGED, owner, command.spec_id, at=start)
    await tx.emit("quorum_policy.published", f"pol_{row.id}")
    return row.id


LOGGED: Final = Source(
    kind="quorum_policy",
    subject="pol_{0}",
    sql="""
        select 'pol_' || q.id as subject, q.organization_id, q::text as facts, null::bytea as content
        from quorum_policies q where true""",
    key="q.id = $1",
)
"""What the log covers of a policy: all of it, for ever."""


async def _above(tx: Tx, owner: UUID, spec_id: UUID | None, at: datetime) -> QuorumPolicy:
    """What stands above a school's policy: the platform's and, above one for a spec, the school's own for all."""
    rows = await tx.fetch(
        "select distinct on (q.organization_id) q.* from quorum_policies q where q.effective_from <= $2"
        " and q.spec_id is null and (q.organization_id is null or (q.organization_id = $1 and $3))"
        " order by q.organization_id, q.number desc",
        *(owner, at, spec_id is not None),
    )
    return _together(rows)


async def _own_spec(tx: Tx, owner: UUID | None, spec_id: UUID) -> None:
    known = await tx.fetchval("select true from specs where id = $1 and organization_id = $2", spec_id, owner)
    if not known:
        raise NotFound(what="spec", path=("specId",))


def _at_least(outcomes: Mapping[str, str]) -> Mapping[str, str]:
    """The defaults of the ties that a policy names: it may be stricter about them, and never milder."""
    return {tie: DEFAULTS[Tie[tie.upper()]].value for tie in outcomes}


def _check_note(note: str) -> None:
    if not note.strip():
        raise Required(what="A note", path=("note",))
    if len(note) > NOTE_LIMIT:
        raise TooLong(what="The note", limit=NOTE_LIMIT, path=("note",))


def _together(rows: list[asyncpg.Record]) -> QuorumPolicy:
    read = [_read(row) for row in rows]
    # The platform's first version is no row: it holds until there is a second one.
    if not any(row["organization_id"] is None for row in rows):
        read.append(DEFAULT_POLICY)
    return effective(read)


def _read(row: asyncpg.Record) -> QuorumPolicy:
    return QuorumPolicy(
        groups=row["groups"],
        employers=row["employers"],
        agencies=row["agencies"],
        evidence=frozenset(row["evidence"]),
        rubric_floor=row["rubric_floor"],
        criterion_floor=row["criterion_floor"],
        freshness_days=row["freshness_days"],
        four_eyes=row["four_eyes"],
        outcomes=row["outcomes"],
        foreign_counts=row["foreign_counts"],
        whole_scope=row["whole_scope"],
    )
