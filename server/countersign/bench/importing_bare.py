"""The same award files by hand: COPY, an INSERT of awards, one of postings; no name is sealed, no row is judged."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

import asyncpg

from countersign.bench.data import VAULT, Data
from countersign.kit.ids import new_id
from countersign.learners.service import directory_key

_STAGING = """
create temporary table bare_rows (id uuid, mark bytea, name bytea, slug text, semver text, day date) on commit drop
"""
_AWARDS = """
insert into awards (learner_id, id, spec_version_id, organization_id, holder_name_sealed, state, mode, awarded_on,
                    issued_at, held_back)
select d.learner_id, r.id, v.id, $1, r.name, 'issued', 'study', r.day, now(), false
from bare_rows r join learner_directory d on d.lookup_key = r.mark
join specs s on s.slug = r.slug and s.organization_id = $1
join spec_versions v on v.spec_id = s.id and v.semver = r.semver
"""
_POSTINGS = """
insert into candidate_award (learner_id, award_id, spec_version_id, spec_id, awarded_on)
select a.learner_id, a.id, a.spec_version_id, v.spec_id, a.awarded_on
from bare_rows r join awards a on a.id = r.id join candidate_search c on c.learner_id = a.learner_id
join spec_versions v on v.id = a.spec_version_id
"""


async def add_by_hand(owner: asyncpg.Connection[asyncpg.Record], data: Data, path: Path) -> float:
    """Write the awards of a file and take them away again; rows a second until the commit, the taking away apart."""
    started = time.perf_counter()
    with path.open(encoding="utf-8") as file:
        rows = [
            (
                new_id(),
                directory_key(VAULT, row["email"]),
                row["full_name"].encode(),
                row["spec"],
                row["version"],
                date.fromisoformat(row["awarded_on"]),
            )
            for row in csv.DictReader(file)
        ]
    async with owner.transaction():
        await owner.execute(_STAGING)
        await owner.copy_records_to_table("bare_rows", records=rows)
        await owner.execute("analyze bare_rows")
        await owner.execute(_AWARDS, data.market.schools[0].id)
        await owner.execute(_POSTINGS)
    rate = len(rows) / (time.perf_counter() - started)
    made = [row[0] for row in rows]
    await owner.execute("delete from candidate_award where award_id = any($1::uuid[])", made)
    await owner.execute("delete from awards where id = any($1::uuid[])", made)
    return rate
