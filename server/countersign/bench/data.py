"""Databases of the bench: made once for a number of learners, found again by a mark, copied for rows that write."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from countersign.bench import market as markets
from countersign.bench import people
from countersign.bench.market import Market
from countersign.bench.people import Tell
from countersign.kit import installation
from countersign.kit.db import Database, Tx
from countersign.kit.migrate import migrate
from countersign.kit.vault import Vault
from countersign.trust.addresses import Addresses

NAME: Final = "countersign_bench"
MARK: Final = "bench_made"
FORM: Final = 2
"""Counts the changes of what is made: data of another form are made anew."""
FRESH: Final = timedelta(days=150)
"""After that endorsements begin to expire."""
ORIGIN: Final = "http://localhost:4600"
KEY_ENCRYPTION_KEY: Final = "the-bench-wraps-keys-of-made-up-people-0123"
VAULT: Final = Vault(KEY_ENCRYPTION_KEY.encode())


@dataclass(frozen=True, slots=True)
class Made:
    """What a database was made of; a day in ISO 8601."""

    learners: int
    seed: int
    scale: int
    day: str
    form: int = FORM

    def suits(self, other: Made) -> bool:
        """Whether data made so can be used for `other`, which would be made today."""
        age = date.fromisoformat(other.day) - date.fromisoformat(self.day)
        same = (self.learners, self.seed, self.scale, self.form) == (
            other.learners,
            other.seed,
            other.scale,
            other.form,
        )
        return same and timedelta(0) <= age < FRESH


@dataclass(frozen=True, slots=True)
class Data:
    """A database that is ready, and the market in it."""

    dsn: str
    made: Made
    market: Market


def today() -> date:
    """The day of new data, UTC."""
    return datetime.now(tz=UTC).date()


def beside(dsn: str, name: str) -> str:
    """The address of another database of the same server."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


async def ready(dsn: str, *, learners: int, seed: int, scale: int, tell: Tell, name: str = NAME) -> Data:
    """The bench's database for a number of learners on the server of `dsn`; made now unless it is there.

    `scale` divides specs, skills and endorsements, and `name` begins the database's name, both for tests.

    The login needs the right to create databases. Raises asyncpg.PostgresError, OSError.
    """
    wanted = Made(learners, seed, scale, today().isoformat())
    database = f"{name}_{learners}"
    own = beside(dsn, database)
    kept = await _kept(own)
    if kept is None or not kept.suits(wanted):
        await _renew(dsn, database)
    await migrate(own)
    addresses = Addresses(ORIGIN)
    made = kept if kept is not None and kept.suits(wanted) else wanted
    market = markets.make(seed, date.fromisoformat(made.day), addresses, scale=scale)
    if made is wanted:
        await _fill(own, market, made, tell)
    return Data(own, made, market)


async def drop(dsn: str, learners: int, name: str = NAME) -> None:
    """Remove the database of a number of learners."""
    admin = await asyncpg.connect(dsn)
    try:
        await admin.execute(f'drop database if exists "{name}_{learners}" with (force)')
    finally:
        await admin.close()


@asynccontextmanager
async def copy(dsn: str, data: Data, whose: str) -> AsyncIterator[Data]:
    """A copy of the data that may be written to; gone when the block ends. Nobody may be connected to the original."""
    original = urlsplit(data.dsn).path.lstrip("/")
    name = f"{original}_{whose}"
    admin = await asyncpg.connect(dsn)
    try:
        await admin.execute(f'drop database if exists "{name}" with (force)')
        await admin.execute(f'create database "{name}" template "{original}" strategy file_copy')
        try:
            yield Data(beside(dsn, name), data.made, data.market)
        finally:
            await admin.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await admin.close()


async def _kept(dsn: str) -> Made | None:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except asyncpg.InvalidCatalogNameError:
        return None
    try:
        text = await connection.fetchval("select value from installation where key = $1", MARK)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return None if text is None else Made(**json.loads(text))


async def _renew(dsn: str, name: str) -> None:
    admin = await asyncpg.connect(dsn)
    try:
        await admin.execute(f'drop database if exists "{name}" with (force)')
        await admin.execute(f'create database "{name}"')
    finally:
        await admin.close()


async def _fill(dsn: str, market: Market, made: Made, tell: Tell) -> None:
    db = await Database.open(dsn, pool_size=2)
    try:
        async with db.writer() as tx:
            await tx.execute("set local statement_timeout = 0")
            await installation.fix_origin(tx, ORIGIN)
            await _write_organizations(tx, market)
            await _write_specs(tx, market)
            tell("specs", len(market.specs), len(market.specs))
            await _write_endorsements(tx, market)
            tell("endorsements", len(market.endorsements), len(market.endorsements))
    finally:
        await db.close()
    owner = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        await owner.execute("analyze")
        await people.make(owner, market, learners=made.learners, seed=made.seed, vault=VAULT, tell=tell)
        await owner.execute("insert into installation (key, value) values ($1, $2)", MARK, json.dumps(asdict(made)))
        if await _may_checkpoint(owner):
            await owner.execute("checkpoint")
    finally:
        await owner.close()


async def _may_checkpoint(owner: asyncpg.Connection[asyncpg.Record]) -> bool:
    return bool(
        await owner.fetchval(
            "select rolsuper or pg_has_role(current_user, 'pg_checkpoint', 'member') from pg_roles"
            " where rolname = current_user"
        )
    )


async def _write_organizations(tx: Tx, market: Market) -> None:
    founded = market.published - timedelta(days=300)
    everybody = (*market.schools, *market.endorsers)
    await tx.copy(
        "organizations",
        (
            *("id", "kind", "handle", "legal_name", "display_name", "country", "domains", "control_group"),
            *("verification", "fictional", "created_at"),
        ),
        [
            (o.id, o.kind, o.handle, o.name, o.name, "DE", [f"{o.handle}.example"], o.id, "verified", True, founded)
            for o in everybody
        ],
    )
    roles = {"school": ["author", "registrar"]}
    await tx.copy(
        "memberships",
        ("id", "organization_id", "person_id", "roles", "valid_from"),
        [(o.person, o.id, o.person, roles.get(o.kind, ["recruiter", "signatory"]), founded) for o in everybody],
    )
    await tx.execute(
        "insert into skill_frameworks (id, handle, name, url, licence, attribution)"
        " values ($1, 'bench', 'Bench', 'https://bench.example', 'CC0-1.0', 'made by the bench')",
        market.framework,
    )
    await tx.copy(
        "skills",
        ("id", "framework_id", "uri", "name", "kind", "categories", "keywords", "occupations", "hot"),
        [(s.id, market.framework, s.uri, s.name, "skill", [], [], [], False) for s in market.skills],
    )
    await tx.copy(
        "skill_labels",
        ("id", "skill_id", "language", "kind", "text", "folded", "product_made"),
        [(s.id, s.id, "en", "preferred", s.name, s.name.casefold(), False) for s in market.skills],
    )


async def _write_specs(tx: Tx, market: Market) -> None:
    since = market.published
    await tx.copy(
        "specs",
        ("id", "organization_id", "slug", "kind", "created_at", "revised_at"),
        [(s.id, market.schools[s.school].id, s.slug, "block", since, since) for s in market.specs],
    )
    await tx.copy(
        "spec_versions",
        (
            *("id", "spec_id", "organization_id", "semver", "ordinal", "content", "achievement", "spec_json", "digest"),
            *("gaps", "changed", "state", "submitted_at", "published_at"),
        ),
        [
            (
                *(s.version_id, s.id, market.schools[s.school].id, markets.SEMVER, markets.ordinal(), s.content),
                *(s.frozen.achievement, s.frozen.spec_json, s.frozen.digest, [], [], "published", since, since),
            )
            for s in market.specs
        ],
    )
    await tx.copy(
        "spec_version_skills",
        ("spec_version_id", "skill_id"),
        [(s.version_id, market.skills[n].id) for s in market.specs for n in s.skills],
    )


async def _write_endorsements(tx: Tx, market: Market) -> None:
    given = [0] * len(market.endorsers)
    for e in market.endorsements:
        given[e.endorser] += 1
    await tx.copy(
        "status_lists",
        ("id", "organization_id", "purpose", "number", "next_slot", "secret", "revision"),
        [
            (o.list_id, o.id, "revocation", 1, count, o.list_secret, 0)
            for o, count in zip(market.endorsers, given, strict=True)
        ],
    )
    await tx.copy(
        "status_entries",
        ("list_id", "idx"),
        [(market.endorsers[e.endorser].list_id, e.place) for e in market.endorsements],
    )
    await tx.copy(
        "endorsements",
        (
            *("id", "spec_version_id", "organization_id", "signatory_id", "digest", "state", "statement"),
            *("valid_from", "valid_until", "in_force", "document", "status_list_id", "status_index", "requested_at"),
        ),
        [
            (
                *(e.id, market.specs[e.spec].version_id, market.endorsers[e.endorser].id),
                *(market.endorsers[e.endorser].person, market.specs[e.spec].frozen.digest, "in_force"),
                *("We read the whole block and interview every holder.", e.valid_from, e.valid_until),
                *(asyncpg.Range(e.valid_from, e.valid_until), e.document),
                *(market.endorsers[e.endorser].list_id, e.place, e.valid_from),
            )
            for e in market.endorsements
        ],
    )
    await tx.copy(
        "endorsement_signatures",
        ("endorsement_id", "credential", "signed_at"),
        [(e.id, e.document, e.valid_from) for e in market.endorsements],
    )
