"""Tell endorsers that a version after the one that they endorse was published, and whether one click is enough.

Whose word stands when it is published is told then; who speaks of the earlier version afterwards is told first, and
signs when they say that they know; whose signature and the publication came at once is told with the signature.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from countersign.endorsements.views import LIVE, PAUSED_AT
from countersign.kit import outbox
from countersign.kit.db import Tx
from countersign.kit.errors import Code, Refusal
from countersign.specs.change_classes import ChangeClass
from countersign.specs.events import VersionPublished

REAFFIRMABLE: Final = "endorsement.reaffirmable"
OUTGROWN: Final = "endorsement.outgrown"


class LaterVersion(Refusal):
    """Version {semver} was published after this one, with {change_class} changes: {remedy}."""

    code = Code.STALE_VERSION


_LOCK_EARLIER: Final = (
    "select v.id from spec_versions n join spec_versions v on v.spec_id = n.spec_id and v.ordinal < n.ordinal"
    " where n.id = $1 order by v.ordinal desc for no key update of v"
)
"""Whoever signs for an earlier version holds it (`specs.lock_version`): they have committed, or will see the later one.
The newest first: who publishes two at once waits for the other, and neither for both."""

_CLASS: Final = f"coalesce(d.change_class, '{ChangeClass.EDITORIAL.value}') as change_class"
_STANDS: Final = LIVE.format(e="e", now="greatest($2::timestamptz, lower(e.in_force))")

_OUTGROWN: Final = f"""
select distinct on (e.organization_id) e.id, n.semver as next, {_CLASS}
from spec_versions n join spec_versions v on v.spec_id = n.spec_id and v.ordinal < n.ordinal
join endorsements e on e.spec_version_id = v.id and {_STANDS}
join spec_version_diffs d on d.from_id = v.id and d.to_id = n.id
where n.id = $1 and not exists (
    select from endorsements o where o.organization_id = e.organization_id and o.spec_version_id = n.id
    and o.state in ('signing', 'in_force', 'suspended'))
order by e.organization_id, v.ordinal desc
"""
"""Of every endorser that has not spoken of the new version: its word for the newest version before.

A word that was signed since this transaction began stands too.
"""

_STOOD: Final = f"upper(o.in_force) > n.published_at and not {PAUSED_AT.format(e='o', at='n.published_at')}"

_NEWS: Final = f"""
select n.id, n.semver, {_CLASS}
from spec_versions v
cross join lateral (
    select x.id, x.semver, x.ordinal, x.published_at from spec_versions x
    where x.spec_id = v.spec_id and x.ordinal > v.ordinal and x.state = 'published' order by x.ordinal desc limit 1) n
join spec_version_diffs d on d.from_id = v.id and d.to_id = n.id
where v.id = $1 and not exists (
    select from endorsements o join endorsement_signatures s on s.endorsement_id = o.id
    join spec_versions w on w.id = o.spec_version_id and w.spec_id = v.spec_id and w.ordinal <= n.ordinal
    where o.organization_id = $2 and o.id is distinct from $3
    and (s.signed_at >= n.published_at or {_STOOD}))
"""
"""The newest published version after one, unless the organization was told: by a word of its own that stood when it was
published (a paused one did not) or was signed since, whichever version that is about."""


async def news(tx: Tx, version_id: UUID, organization_id: UUID, but: UUID | None = None) -> asyncpg.Record | None:
    """The later version of which an organization does not know yet; `but` is an endorsement that tells nothing."""
    return await tx.fetchrow(_NEWS, version_id, organization_id, but)


async def check_known(tx: Tx, version_id: UUID, organization_id: UUID, known: UUID | None) -> None:
    """Refuse to endorse a version after which another was published, unless the endorser says or was told it before.

    For who holds the version (`specs.lock_version`). Raises LaterVersion.
    """
    later = await news(tx, version_id, organization_id)
    if later is not None and later["id"] != known:
        raise LaterVersion(
            semver=later["semver"],
            change_class=later["change_class"],
            remedy=f"endorse that one, or say that you know of it by knownLaterVersionId: version_{later['id']}",
            path=("knownLaterVersionId",),
        )


async def after_signature(tx: Tx, endorsement_id: UUID, version_id: UUID, organization_id: UUID) -> None:
    """Tell all who sign for an organization of the later version, when this is its first word since; by the signer."""
    later = await news(tx, version_id, organization_id, endorsement_id)
    if later is not None:
        await tx.emit(_topic(later), f"end_{endorsement_id}", next=later["semver"])


async def after_publication(tx: Tx, event: VersionPublished) -> None:
    """Emit one event for each endorser whose word is about an earlier version; the handler of `VersionPublished`.

    A version is published once, so each endorser is told once. Its endorsement stays what it is: nothing carries over.
    """
    await tx.fetch(_LOCK_EARLIER, event.version_id)
    now = await tx.now()
    rows = await tx.fetch(_OUTGROWN, event.version_id, now)
    if not rows:
        return
    await tx.insert(*(outbox.event(_topic(row), f"end_{row['id']}", {"next": row["next"]}, now) for row in rows))
    tx.has_emitted = True


def _topic(row: asyncpg.Record) -> str:
    return REAFFIRMABLE if row["change_class"] == ChangeClass.EDITORIAL.value else OUTGROWN
