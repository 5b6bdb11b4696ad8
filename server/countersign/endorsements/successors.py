"""Tell endorsers that a version after the one that they endorsed was published, and whether one click is enough."""

from __future__ import annotations

from typing import Final

from countersign.endorsements.views import LIVE
from countersign.kit import outbox
from countersign.kit.db import Tx
from countersign.specs.change_classes import ChangeClass
from countersign.specs.events import VersionPublished

REAFFIRMABLE: Final = "endorsement.reaffirmable"
OUTGROWN: Final = "endorsement.outgrown"

_OUTGROWN: Final = f"""
select distinct on (e.organization_id) e.id, n.semver as next,
       coalesce(d.change_class, '{ChangeClass.EDITORIAL.value}') as change_class
from spec_versions n join spec_versions v on v.spec_id = n.spec_id and v.ordinal < n.ordinal
join endorsements e on e.spec_version_id = v.id and {LIVE.format(e="e", now="$2::timestamptz")}
join spec_version_diffs d on d.from_id = v.id and d.to_id = n.id
where n.id = $1 and not exists (
    select from endorsements o where o.organization_id = e.organization_id and o.spec_version_id = n.id
    and o.state in ('signing', 'in_force', 'suspended'))
order by e.organization_id, v.ordinal desc
"""
"""Of every endorser that has not spoken of the new version: its word for the newest version before."""


async def after_publication(tx: Tx, event: VersionPublished) -> None:
    """Emit one event for each endorser whose word is about an earlier version; the handler of `VersionPublished`.

    A version is published once, so each endorser is told once. Its endorsement stays what it is: nothing carries over.
    """
    now = await tx.now()
    rows = await tx.fetch(_OUTGROWN, event.version_id, now)
    if not rows:
        return
    await tx.insert(
        *(
            outbox.event(
                REAFFIRMABLE if row["change_class"] == ChangeClass.EDITORIAL.value else OUTGROWN,
                f"end_{row['id']}",
                {"next": row["next"]},
                now,
            )
            for row in rows
        )
    )
    tx.has_emitted = True
