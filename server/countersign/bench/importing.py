"""Award files: the product's import beside SQLAlchemy's `add_all` of the same awards and postings, and bare SQL."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from countersign.app import declare_tables
from countersign.awards.importing import import_awards
from countersign.awards.service import HOLDER
from countersign.bench.data import VAULT, Data
from countersign.bench.importing_bare import add_by_hand
from countersign.bench.market import SEMVER
from countersign.bench.people import email
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.kit.migrate import sqlalchemy_url
from countersign.kit.placement import APP_ROLE, table_name
from countersign.learners.service import directory_key

ROWS: Final = 20_000
TURNS: Final = 3
HEADER: Final = ("email", "full_name", "country", "region", "spec", "version", "awarded_on")


@dataclass(frozen=True, slots=True)
class Rates:
    """Rows a second of each turn."""

    ours: tuple[float, ...]
    orm: tuple[float, ...]
    bare: tuple[float, ...]
    rows: int
    postings: int


class ImportFailed(Exception):
    """A file of the bench was refused; the message holds the report's first lines."""


async def measure(data: Data, folder: Path, tell: Callable[[int, int], None], *, rows: int = ROWS) -> Rates:
    """Import files of `rows` awards to known learners in turns, each way its own files; on a copy of the data."""
    owner = await asyncpg.connect(data.dsn)
    db = await Database.open(data.dsn, pool_size=2, vault=VAULT)
    engine = create_async_engine(
        sqlalchemy_url(data.dsn), connect_args={"server_settings": {"role": APP_ROLE, "jit": "off"}}
    )
    ours: list[float] = []
    orm: list[float] = []
    bare: list[float] = []
    before = await owner.fetchval("select count(*) from candidate_award")
    rows = min(rows, data.made.learners * 3)
    try:
        files = [await _file(owner, data, folder, number, rows) for number in range(2 * TURNS)]
        for turn in range(TURNS):
            started = time.perf_counter()
            report = await import_awards(db, _registrar(data), files[turn])
            ours.append(report.created / (time.perf_counter() - started))
            if report.refused:
                raise ImportFailed("\n".join(list(report.lines())[:5]))
            bare.append(await add_by_hand(owner, data, files[TURNS + turn]))
            started = time.perf_counter()
            await _add_all(engine, data, files[TURNS + turn])
            orm.append(rows / (time.perf_counter() - started))
            tell(turn + 1, TURNS)
        postings = await owner.fetchval("select count(*) from candidate_award") - before
    finally:
        await engine.dispose()
        await db.close()
        await owner.close()
    return Rates(tuple(ours), tuple(orm), tuple(bare), rows, postings // (2 * TURNS))


def _registrar(data: Data) -> Actor:
    school = data.market.schools[0]
    return Actor(
        school.id,
        OrganizationKind.SCHOOL,
        school.person,
        token_id=new_id(),
        roles=frozenset({Role.REGISTRAR}),
        scopes=frozenset({Scope.AWARD_WRITE}),
    )


async def _file(owner: asyncpg.Connection[asyncpg.Record], data: Data, folder: Path, number: int, rows: int) -> Path:
    """Awards of the first school's specs to learners who do not hold them; each file has specs of its own."""
    own = [s for s in data.market.specs if s.school == 0]
    each = max(1, len(own) // (2 * TURNS))
    versions = own[number * each : (number + 1) * each]
    found = await owner.fetch(
        "select l.learner_id, l.country, l.region, v.n from learners l"
        " cross join unnest($1::uuid[]) with ordinality v(id, n)"
        " where not exists (select from awards a where a.learner_id = l.learner_id and a.spec_version_id = v.id)"
        " order by v.n, l.learner_id limit $2",
        [s.version_id for s in versions],
        rows,
    )
    text_ = io.StringIO()
    writer = csv.writer(text_, lineterminator="\n")
    writer.writerow(HEADER)
    day = (data.market.day - timedelta(days=3)).isoformat()
    for r in found:
        whose = r["learner_id"]
        learner = (email(whose), f"Learner {whose}", r["country"], r["region"])
        writer.writerow((*learner, versions[r["n"] - 1].slug, SEMVER, day))
    path = folder / f"awards-{number}.csv"
    path.write_text(text_.getvalue())
    return path


async def _add_all(engine: Any, data: Data, path: Path) -> None:
    """What a well-meant session of the ORM does: read, look up, `add_all` of awards and postings, commit."""
    classes: dict[str, Any] = {table_name(cls): cls for cls in declare_tables()}
    school = data.market.schools[0]
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    async with AsyncSession(engine) as session:
        found = await session.execute(
            text(
                "select d.lookup_key, d.learner_id, k.wrapped from learner_directory d"
                " join learner_keys k using (learner_id) where d.lookup_key = any(:keys)"
            ),
            {"keys": [directory_key(VAULT, r["email"]) for r in rows]},
        )
        learners: dict[bytes, tuple[int, bytes]] = {mark: (number, wrapped) for mark, number, wrapped in found}
        known = await session.execute(
            text(
                "select s.slug, v.semver, v.id, v.spec_id from specs s join spec_versions v on v.spec_id = s.id"
                " where s.organization_id = :school"
            ),
            {"school": school.id},
        )
        versions = {(slug, semver): (version, spec) for slug, semver, version, spec in known}
        consenting = {
            number
            for (number,) in await session.execute(
                text("select learner_id from candidate_search where learner_id = any(:ids)"),
                {"ids": [number for number, _ in learners.values()]},
            )
        }
        moment = (await session.execute(text("select now()"))).scalar_one()
        made: list[object] = []
        for row in rows:
            learner, wrapped = learners[directory_key(VAULT, row["email"])]
            version, spec = versions[row["spec"], row["version"]]
            day = moment.date().fromisoformat(row["awarded_on"])
            award = classes["awards"](
                learner_id=learner,
                id=new_id(),
                spec_version_id=version,
                organization_id=school.id,
                holder_name_sealed=VAULT.learner_key(learner, wrapped).seal(HOLDER, row["full_name"]),
                state="issued",
                mode="study",
                awarded_on=day,
                issued_at=moment,
            )
            made.append(award)
            if learner in consenting:
                made.append(
                    classes["candidate_award"](
                        learner_id=learner,
                        award_id=award.id,
                        spec_version_id=version,
                        spec_id=spec,
                        awarded_on=day,
                    )
                )
        session.add_all(made)
        await session.commit()
