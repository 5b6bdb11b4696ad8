"""Random changes that a superuser makes: of any covered table, row and column, of any kind."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

ASKED: Final = frozenset({"method", "requested_at", "check_due_at", "checked_at", "proved_at", "absences", "finding"})
"""How and when a domain was last asked: each look changes that, and it decides nothing."""

COVERED: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "audit_events": ("true", frozenset({"xact"})),
    "log_leaves": ("true", frozenset()),
    "log_nodes": ("true", frozenset()),
    "log_checkpoints": ("true", frozenset()),
    "log_head": ("true", frozenset({"watermark"})),
    "endorsements": ("state not in ('signing', 'refused')", frozenset()),
    "endorsement_signatures": ("true", frozenset()),
    "endorsement_evidence": ("true", frozenset()),
    "spec_versions": ("true", frozenset()),
    "signing_keys": ("true", frozenset({"wrapped_private", "wrapped_data_key", "wrapped_by"})),
    "did_versions": ("true", frozenset()),
    "status_entries": ("revoked_at is not null", frozenset()),
    "reviews": ("true", frozenset()),
    "rubric_versions": ("true", frozenset()),
    "recognized_issuers": ("true", frozenset()),
    "organizations": ("true", frozenset()),
    "organization_suspensions": ("true", frozenset()),
    "former_control_groups": ("true", frozenset()),
    "memberships": ("true", frozenset()),
    "organization_domains": ("state = 'verified'", ASKED),
    "ownership_links": ("true", frozenset()),
    "tool_makers": ("true", frozenset()),
    "sponsorships": ("true", frozenset()),
    "awards": ("signed_at is not null", frozenset({"holder_name", "holder_name_sealed", "held_back", "claimed_at"})),
}
"""By table: which of its rows are covered, and which columns are not.

`xact` and `watermark` say what waits; another value makes events wait or miss, which is found when there are any. What
is wrapped cannot be used after a change. A holder's name is personal data, of which nothing is logged; whether the
learner has claimed it changes after it was signed and is no part of it.
"""

CHANGES: Final = {
    "text": ["{c} || 'x'", "reverse({c}) || 'y'", "overlay({c} placing '#' from 1 for 1)", "md5(coalesce({c}, ''))"],
    "bytea": ["set_byte({c}, {n} % length({c}), (get_byte({c}, {n} % length({c})) # (1 << ({n} % 8))))", "{c} || ' '"],
    "bigint": ["{c} + 1 + {n}", "-{c} - 1"],
    "numeric": ["coalesce({c}, 0) + 1"],
    "integer": ["{c} + 1 + {n} % 100", "-{c} - 1"],
    "timestamp with time zone": ["coalesce({c}, now()) + interval '1 microsecond'", "{c} - interval '1 day'"],
    "uuid": ["gen_random_uuid()"],
    "jsonb": ["jsonb_build_object('was', {c})"],
    "date": ["{c} - 1"],
    "boolean": ["not {c}"],
    "ARRAY": ["{c} || {c} || 'x'::text"],
    "tstzrange": ["tstzrange(lower({c}), upper({c}) + interval '1 second')"],
}
ROUNDS: Final = 200


@dataclass(frozen=True)
class Tampering:
    """What was done."""

    table: str
    statement: str


async def columns_of(owner: asyncpg.Connection[Any], table: str) -> dict[str, str]:
    """The covered columns of a table, with their types."""
    rows = await owner.fetch(
        "select column_name, data_type from information_schema.columns where table_name = $1 order by ordinal_position",
        table,
    )
    found = {row["column_name"]: row["data_type"] for row in rows}
    return {n: "text" if t == "character varying" else t for n, t in found.items() if n not in COVERED[table][1]}


async def tamper(owner: asyncpg.Connection[Any], dice: random.Random) -> Tampering:
    """Do one random change in the open transaction; what is refused, or changes nothing, is drawn again."""
    while True:
        table = dice.choice(sorted(COVERED))
        rows, _ = COVERED[table]
        count = await owner.fetchval(f"select count(*) from {table} where {rows}")
        place = dice.randrange(count) if count else 0
        which = f"ctid = (select ctid from {table} where {rows} order by ctid offset {place} limit 1)"
        columns = await columns_of(owner, table)
        name = dice.choice(sorted(columns))
        kind = dice.choice(["update"] * 6 + ["delete", "insert", "null", "swap"])
        match kind:
            case "update":
                change = dice.choice(CHANGES[columns[name]]).format(c=f'"{name}"', n=dice.randrange(1000))
                told = f'update {table} set "{name}" = {change} where {which} and "{name}" is distinct from ({change})'
            case "null":
                told = f'update {table} set "{name}" = null where {which} and "{name}" is not null'
            case "swap":
                other = f'(select o."{name}" from {table} o where o."{name}" is distinct from {table}."{name}" limit 1)'
                told = f'update {table} set "{name}" = {other} where {which} and {other} is not null'
            case "delete":
                told = f"delete from {table} where {which}"
            case _:
                told = await _copied(owner, table, which, dice)
        try:
            async with owner.transaction():
                done = await owner.execute(told)
        except asyncpg.PostgresError:
            continue
        if not done.endswith(" 0"):
            return Tampering(table, told)


async def _copied(owner: asyncpg.Connection[Any], table: str, which: str, dice: random.Random) -> str:
    """A forged row: a copy of another with another key."""
    rows = await owner.fetch(
        "select column_name, data_type from information_schema.columns where table_name = $1 order by ordinal_position",
        table,
    )
    names = [row["column_name"] for row in rows]
    keys = {
        row["attname"]
        for row in await owner.fetch(
            "select a.attname from pg_index x"
            " join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey)"
            " where x.indrelid = $1::regclass and x.indisunique",
            table,
        )
    }
    made = {
        row["column_name"]: CHANGES["text" if row["data_type"] == "character varying" else row["data_type"]][0]
        for row in rows
    }
    values = [
        made[name].format(c=f'"{name}"', n=1000 + dice.randrange(1000)) if name in keys else f'"{name}"'
        for name in names
    ]
    listed = ", ".join(f'"{name}"' for name in names)
    return f"insert into {table} ({listed}) select {', '.join(values)} from {table} where {which}"
