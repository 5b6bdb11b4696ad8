"""Publish quorum policies and find the one in effect: the platform's, a school's, one for a single spec, together.

A version is published once and never changes. Who publishes for a school may ask for more than the platform, never for
less; when the platform asks for more later, both count: what is in effect is the stricter of every demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.conflicts import policies as kept
from countersign.conflicts.rules import Tie
from countersign.conflicts.rules_findings import FLOOR, Outcome, in_effect
from countersign.endorsements import co_validation
from countersign.endorsements.evidence import EvidenceKind
from countersign.endorsements.rules_quorum import (
    DEFAULT_POLICY,
    QuorumPolicy,
    check_not_laxer,
    check_policy,
    effective,
)
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, Invalid, NotAllowed, NotFound, Required, TooLong
from countersign.kit.ids import new_id

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


_IN_EFFECT: Final = kept.in_effect(school="$1", spec="$3", at="$2")
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
    rows = await tx.fetch(_IN_EFFECT, version["organization_id"], at or await tx.now(), version["spec_id"])
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
    # The platform alone may make a tie milder than it is by itself, and never milder than its floor.
    check_not_laxer(command.policy, _with_ties(command.policy, command.policy, FLOOR))
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
        check_not_laxer(command.policy, await _above(tx, owner, command, start))
    policy = command.policy
    identity = new_id()
    values = {
        "organization_id": owner,
        "spec_id": command.spec_id,
        "number": last["number"] + 1 if last else (2 if owner is None else 1),
        "groups": policy.groups,
        "employers": policy.employers,
        "agencies": policy.agencies,
        "evidence": sorted(policy.evidence),
        "rubric_floor": policy.rubric_floor,
        "criterion_floor": policy.criterion_floor,
        "freshness_days": policy.freshness_days,
        "four_eyes": policy.four_eyes,
        "outcomes": dict(policy.outcomes),
        "foreign_counts": policy.foreign_counts,
        "whole_scope": policy.whole_scope,
        "note": command.note.strip(),
        "published_by": actor.person_id,
        "published_at": now,
        "effective_from": start,
    }
    await kept.keep(tx, actor, identity, values)
    await co_validation.due(tx, _JUDGED, owner, command.spec_id, at=start)
    await tx.emit("quorum_policy.published", f"pol_{identity}")
    return identity


async def _above(tx: Tx, owner: UUID, command: Publish, at: datetime) -> QuorumPolicy:
    """What stands above a school's policy: the platform's and, above one for a spec, the school's own for all.

    Of ties it has those that the policy names: about others it is silent, and what stands above holds.
    """
    rows = await tx.fetch(
        "select distinct on (q.organization_id) q.* from quorum_policies q where q.effective_from <= $2"
        " and q.spec_id is null and (q.organization_id is null or (q.organization_id = $1 and $3))"
        " order by q.organization_id, q.number desc",
        *(owner, at, command.spec_id is not None),
    )
    return _with_ties(_together(rows), command.policy, _outcomes(rows))


def _with_ties(policy: QuorumPolicy, naming: QuorumPolicy, outcomes: Mapping[Tie, Outcome]) -> QuorumPolicy:
    """A policy that makes these outcomes of the ties that another one names."""
    return replace(policy, outcomes={tie: outcomes[Tie[tie.upper()]].value for tie in naming.outcomes})


def _outcomes(rows: Iterable[asyncpg.Record]) -> dict[Tie, Outcome]:
    """What versions in effect together make of every tie."""
    said: dict[bool, list[Mapping[str, str]]] = {True: [], False: []}
    for row in rows:
        said[row["organization_id"] is None].append(row["outcomes"])
    return in_effect(next(iter(said[True]), {}), said[False])


async def _own_spec(tx: Tx, owner: UUID | None, spec_id: UUID) -> None:
    known = await tx.fetchval("select true from specs where id = $1 and organization_id = $2", spec_id, owner)
    if not known:
        raise NotFound(what="spec", path=("specId",))


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
    made = effective(read)
    return _with_ties(made, made, _outcomes(rows))


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
