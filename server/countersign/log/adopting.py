"""What was there before the log, or before the log covered it, is taken in; each once, by events that say so.

While a release begins whose log covers more, processes of the one before may still write and say nothing of it. So
what is covered anew (a `late` source) is taken in twice: when the log first meets it, and once more when `SETTLING` has
passed; from then on nothing is. Where the log itself begins, it is settled at once. What a release took in that settled
nothing yet (its event gives no reason) was covered since then: it is settled as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from countersign.kit import audit
from countersign.kit.access import SYSTEM
from countersign.kit.db import Reader, Tx
from countersign.log.sources import Source, sha256

ADOPTED: Final = "adoptIntoLog"
"""The action of the events that bring in what no event told of."""
SOURCE: Final = "source"
"""The kind of the events which say that a `late` source was taken in, and that it is settled."""
SETTLING: Final = timedelta(hours=1)
"""How long processes of an earlier release may go on beside those of this one."""
EARLIER: Final = "written by a process of an earlier release"
OPEN: Final = "what earlier processes write is taken in once more"
MINUTE: Final = "set local statement_timeout = '60s'"

DRIFT: Final = """
with said as (
    select distinct on (e.object) e.object, e.after, e.content
    from audit_events e left join log_leaves l on l.event_id = e.id
    where e.kind = $1
    order by e.object, l.index desc nulls first, e.id desc),
found as ({source})
select coalesce(said.object, found.subject) as subject, said.object is null as unsaid, found.subject is null as gone,
       found.organization_id, found.facts, found.content
from said full join found on said.object = found.subject
where said.after is distinct from encode(sha256(convert_to(found.facts, 'UTF8')), 'hex')
   or (found.content is not null and said.content is distinct from encode(sha256(found.content), 'hex'))
order by 1
"""
UNSAID: Final = """
select f.subject, f.organization_id, f.facts, f.content from ({source}) f where not exists
 (select from audit_events e where e.kind = $1 and e.object = f.subject)
"""
STANDING: Final = """
select s.kind, min(e.at) filter (where e.object = $2 || ':' || s.kind) as taken_in,
       coalesce(bool_or(e.object = $2 || ':' || s.kind || '/settled' or e.reason is null)
         filter (where e.object is not null), false) as settled
from unnest($1::text[]) s(kind) left join audit_events e
  on e.kind = $2 and e.object in ($2 || ':' || s.kind, $2 || ':' || s.kind || '/settled')
group by s.kind order by s.kind
"""


async def drift(reader: Reader, source: Source) -> list[asyncpg.Record]:
    """Rows of a source that are not what the log says of them: `subject`, `unsaid`, `gone`, and what is there."""
    return await reader.fetch(DRIFT.format(source=source.sql), source.kind)


async def is_settled(reader: Reader, source: Source) -> bool:
    """Whether nothing of a `late` source is taken in any more without an event of its own."""
    rows = await reader.fetch(STANDING, [source.kind], SOURCE)
    return bool(rows[0]["settled"])


async def adopt(tx: Tx, sources: Sequence[Source]) -> int:
    """Write down every row of the sources that no event tells of; how many. For a beginning: of log or source."""
    adopted = 0
    for source in sources:
        adopted += await _take_in(tx, source, await tx.fetch(UNSAID.format(source=source.sql), source.kind))
    return adopted


async def adopt_late(tx: Tx, sources: Sequence[Source], *, begins: bool = False) -> int:
    """Take in what was there before the log covered a source, and what earlier processes wrote; how many rows.

    That it was done is itself an event of the log, so nobody can have it done again unnoticed. `begins`: the log does.
    """
    late = {source.kind: source for source in sources if source.late}
    now = await tx.now()
    adopted = 0
    for row in await tx.fetch(STANDING, list(late), SOURCE):
        source, taken_in = late[row["kind"]], row["taken_in"]
        if taken_in is None:
            await tx.execute(MINUTE)
            adopted += await adopt(tx, [source])
            await _say(tx, f"{SOURCE}:{source.kind}", OPEN)
        if not row["settled"] and (begins or (taken_in is not None and taken_in <= now - SETTLING)):
            await tx.execute(MINUTE)
            adopted += await _take_in(tx, source, await drift(tx, source), EARLIER)
            await _say(tx, f"{SOURCE}:{source.kind}/settled")
    return adopted


async def _take_in(tx: Tx, source: Source, rows: Sequence[asyncpg.Record], reason: str | None = None) -> int:
    now = await tx.now()
    events = [
        audit.record(
            SYSTEM,
            ADOPTED,
            now,
            subject=row["subject"],
            decision=audit.Decision.DONE,
            reason=reason,
            organization_id=row["organization_id"],
            kind=source.kind,
            after=sha256(row["facts"].encode()) if row["facts"] is not None else None,
            content=sha256(row["content"]) if row["content"] is not None else None,
        )
        for row in rows
    ]
    await tx.insert(*events)
    return len(events)


async def _say(tx: Tx, subject: str, reason: str | None = None) -> None:
    done = audit.Decision.DONE
    event = audit.record(SYSTEM, ADOPTED, await tx.now(), subject=subject, decision=done, reason=reason, kind=SOURCE)
    await tx.insert(event)
