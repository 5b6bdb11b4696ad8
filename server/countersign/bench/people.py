"""Learners with their awards, consents and places in the candidate index, made inside PostgreSQL: set-based SQL only.

Chance is a hash of the seed, the learner's number and the question, so that every run makes the same people. Indexes
and keys of the tables are set aside while rows come in and made again afterwards, which also checks every row.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from countersign.awards.service import POSTED
from countersign.bench.market import AWARDS, Market
from countersign.learners.consents import PROJECTED
from countersign.learners.service import directory_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    import asyncpg

    from countersign.kit.vault import Vault

Tell = Callable[[str, int, int], None]
"""Told (what, done, of) while data are made."""

SLICE: Final = 50_000
"""Learners made by one statement."""
CONSENTING: Final = 70
"""Of a hundred learners, who may be found."""
SLOTS: Final = 1 << 14
"""Places of one stratum's wheel: a spec has as many as it is awarded."""
REGIONS: Final = (
    *("DE-BE", "DE-BY", "DE-NW", "DE-HH", "DE-HE", "DE-SN", "DE-BW", "DE-NI", "DE-TH", "DE-RP", "DE-SH", "DE-HB"),
    *("DE-MV", "DE-SL", "DE-ST", "DE-BB"),
)
TABLES: Final = (
    "learners",
    "learner_directory",
    "learner_keys",
    "consents",
    "awards",
    "candidate_search",
    "candidate_award",
)


def _chance(what: str, more: str = "0") -> str:
    """SQL (bigint, not negative): a hash of the seed, the learner and a question."""
    return f"(hashint8extended(l.n, hashint8extended($1::bigint, {hash_of(what)}) + {more}) & 9223372036854775807)"


def hash_of(text: str) -> int:
    """A small number for a word, the same in every process."""
    return sum((place + 1) * ord(letter) for place, letter in enumerate(text))


def _uuid7(moment: str, chance: str) -> str:
    """SQL: a UUIDv7 of a moment whose random part is `chance` (a bigint)."""
    return (
        f"(lpad(to_hex((extract(epoch from {moment}) * 1000)::bigint), 12, '0') || '7'"
        f" || substr(md5(({chance})::text), 1, 3) || '8' || substr(md5(({chance})::text), 4, 15))::uuid"
    )


def _sealed(length: int) -> str:
    """SQL: bytes as long as a sealed text of this length; what nobody reads here need not be opened."""
    return f"(select substr(string_agg(sha256(int8send(s)), ''), 1, {29 + length}) from generate_series(1, 2) s)"


# The k-th region has about 1/k of the first one's learners.
_REGION: Final = (
    f"(array{list(REGIONS)!r})[1 + least(floor(exp(({_chance('region')} % 100000) / 100000.0"
    f" * ln({len(REGIONS) + 1})))::int - 1, {len(REGIONS) - 1})]"
)
LEARNERS: Final = f"""
insert into learners (learner_id, id, full_name_sealed, email_sealed, country, region, created_at)
select l.n, {_uuid7("$4::timestamptz", _chance("learner"))}, {_sealed(16)}, {_sealed(34)}, 'DE', {_REGION}, $4
from generate_series($2::bigint, $3::bigint) l(n)
"""
CONSENTS: Final = f"""
insert into consents (learner_id, id, purpose, method, granted_at)
select l.n, {_uuid7("$4::timestamptz", _chance("consent"))}, 'talent_search', 'file', $4
from generate_series($2::bigint, $3::bigint) l(n) where {_chance("consents")} % 100 < {CONSENTING}
"""
HELD: Final = f"""
insert into awards
    (learner_id, id, spec_version_id, organization_id, holder_name_sealed, state, mode, awarded_on, issued_at)
select h.n, {_uuid7("h.on_day::timestamptz", "h.draw + h.number")}, w.version_id, w.organization_id, {_sealed(16)},
       'issued', 'study', h.on_day, h.on_day::timestamptz + interval '9 hours'
from (select l.n, k.number, {_chance("award", "k.number")} as draw,
             $4::date - 2 - ({_chance("day", "k.number")} % 1000)::int as on_day
      from generate_series($2::bigint, $3::bigint) l(n), generate_series(0, {AWARDS - 1}) k(number)) h
join bench_wheel w on w.number = h.number and w.slot = h.draw % {SLOTS}
order by h.n, on_day
"""
PROJECTION: Final = f"""
insert into candidate_search (learner_id, region, country, consent_expires_at, updated_at)
select p.learner_id, p.region, p.country, p.consent_expires_at, $1
from ({PROJECTED} and l.learner_id between $2::bigint and $3::bigint) p order by p.learner_id
"""
POSTINGS: Final = f"""
insert into candidate_award (learner_id, award_id, spec_version_id, spec_id, awarded_on)
select p.learner_id, p.award_id, p.spec_version_id, p.spec_id, p.awarded_on
from ({POSTED} and a.learner_id between $1::bigint and $2::bigint) p
join candidate_search c on c.learner_id = p.learner_id order by p.learner_id, p.award_id
"""


async def make(
    owner: asyncpg.Connection[asyncpg.Record], market: Market, *, learners: int, seed: int, vault: Vault, tell: Tell
) -> None:
    """Make the learners of a market, in slices; the owner's connection, outside any transaction."""
    await _wheel(owner, market)
    since = market.published
    # Without indexes and statistics PostgreSQL would compare each learner with each.
    await owner.execute("set enable_nestloop = off")
    async with _bare_tables(owner, tell):
        for first in range(1, learners + 1, SLICE):
            last = min(first + SLICE - 1, learners)
            await owner.execute(LEARNERS, seed, first, last, since)
            await _keys(owner, vault, first, last, since)
            await owner.execute(CONSENTS, seed, first, last, since)
            await owner.execute(HELD, seed, first, last, market.day)
            await owner.execute(PROJECTION, since, first, last)
            await owner.execute(POSTINGS, first, last)
            tell("learners", last, learners)
    await owner.execute("drop table bench_wheel")
    await owner.execute("select setval('learner_ids', $1)", learners)


def email(number: int) -> str:
    """The address of a made learner."""
    return f"learner-{number:08d}@graduates.example"


async def _keys(
    owner: asyncpg.Connection[asyncpg.Record], vault: Vault, first: int, last: int, since: datetime
) -> None:
    """Each learner's data key and mark in the directory, real ones: an import finds and uses them."""
    numbers = range(first, last + 1)
    await owner.copy_records_to_table(
        "learner_directory",
        records=((directory_key(vault, email(n)), n) for n in numbers),
        columns=("lookup_key", "learner_id"),
    )
    await owner.copy_records_to_table(
        "learner_keys",
        records=((n, vault.new_learner_key(n)[1], since) for n in numbers),
        columns=("learner_id", "wrapped", "made_at"),
    )


async def _wheel(owner: asyncpg.Connection[asyncpg.Record], market: Market) -> None:
    """A table of which version stands at which place of each stratum's wheel."""
    await owner.execute(
        "create table bench_wheel"
        " (number int, slot int, version_id uuid, organization_id uuid, primary key (number, slot))"
    )
    records = []
    for number in range(AWARDS):
        places = market.stratum(number)
        whole = sum(market.specs[place].weight for place in places)
        reached, slot = 0.0, 0
        for place in places:
            spec = market.specs[place]
            reached += spec.weight / whole
            while slot < round(reached * SLOTS):
                records.append((number, slot, spec.version_id, market.schools[spec.school].id))
                slot += 1
    await owner.copy_records_to_table("bench_wheel", records=records)
    await owner.execute("analyze bench_wheel")


@asynccontextmanager
async def _bare_tables(owner: asyncpg.Connection[asyncpg.Record], tell: Tell) -> AsyncIterator[None]:
    """Without indexes and constraints while the block runs: keys are made once over all rows, not row by row."""
    constraints = await owner.fetch(
        "select c.conrelid::regclass::text as table, c.conname as name, pg_get_constraintdef(c.oid) as text from"
        " pg_constraint c where (c.conrelid = any($1::regclass[]) and c.contype in ('p', 'u', 'f'))"
        " or (c.confrelid = any($1::regclass[]) and c.contype = 'f')"
        " order by c.contype = 'f', c.contype <> 'p'",
        list(TABLES),
    )
    indexes = await owner.fetch(
        "select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as text from pg_index i"
        " where i.indrelid = any($1::regclass[])"
        " and not exists (select from pg_constraint c where c.conindid = i.indexrelid)",
        list(TABLES),
    )
    for found in reversed(constraints):
        await owner.execute(f'alter table {found["table"]} drop constraint "{found["name"]}"')
    for found in indexes:
        await owner.execute(f"drop index {found['name']}")
    yield
    steps = [found["text"] for found in indexes]
    steps = [f'alter table {c["table"]} add constraint "{c["name"]}" {c["text"]}' for c in constraints] + steps
    steps += [f"vacuum (analyze) {table}" for table in TABLES]
    await owner.execute("set maintenance_work_mem = '512MB'")
    for number, step in enumerate(steps, start=1):
        await owner.execute(step)
        tell("indexes", number, len(steps))
