"""The schema is fit to be spread over nodes: the rules of placement, linted on the migrated database."""

from __future__ import annotations

import asyncpg
import pytest

from countersign import app
from countersign.kit.placement import APP_ROLE, Placement, Table, table_name

TABLES = {table_name(t): t for t in app.declare_tables()}
BY_LEARNER = sorted(n for n, t in TABLES.items() if t.__placement__ is Placement.BY_LEARNER)


def placement(name: str) -> Placement:
    return TABLES[name].__placement__


async def test_every_table_of_the_database_is_declared_with_its_placement(
    owner: asyncpg.Connection[asyncpg.Record],
) -> None:
    rows = await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    assert {r["tablename"] for r in rows} - {"alembic_version"} == set(TABLES)
    assert all(isinstance(t.__placement__, Placement) for t in TABLES.values())


async def test_learner_tables_lead_with_learner_id_in_every_key(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    rows = await owner.fetch(
        """
        select c.relname as table, i.relname as index, x.indisprimary, x.indexprs is not null as expression,
               (select array_agg(a.attname::text order by k.no)
                from unnest(x.indkey) with ordinality k(attnum, no)
                join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum) as columns
        from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and (x.indisunique or x.indisexclusion)
        """
    )
    wrong = [
        f"{r['table']}.{r['index']}"
        for r in rows
        if r["table"] in BY_LEARNER
        and (
            r["expression"]
            or "learner_id" not in r["columns"]
            or (r["indisprimary"] and r["columns"][0] != "learner_id")
        )
    ]
    assert wrong == []


async def test_learner_id_is_a_bigint_that_is_always_there(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    for name in BY_LEARNER:
        row = await owner.fetchrow(
            "select data_type, is_nullable from information_schema.columns"
            " where table_name = $1 and column_name = 'learner_id'",
            name,
        )
        assert row is not None, name
        assert (row["data_type"], row["is_nullable"]) == ("bigint", "NO"), name


async def test_foreign_keys_go_only_where_shards_allow(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    rows = await owner.fetch(
        """
        select f.conname::text as name, s.relname::text as source, t.relname::text as target,
               f.confdeltype::text as on_delete,
               (select array_agg(a.attname::text) from unnest(f.conkey) k(n)
                join pg_attribute a on a.attrelid = s.oid and a.attnum = k.n) as columns
        from pg_constraint f join pg_class s on s.oid = f.conrelid join pg_class t on t.oid = f.confrelid
        where f.contype = 'f'
        """
    )
    allowed = {
        (Placement.BY_LEARNER, Placement.BY_LEARNER),
        (Placement.BY_LEARNER, Placement.REFERENCE),
        (Placement.REFERENCE, Placement.REFERENCE),
        (Placement.LOCAL, Placement.LOCAL),
        (Placement.LOCAL, Placement.REFERENCE),
    }
    wrong = []
    for r in rows:
        pair = (placement(r["source"]), placement(r["target"]))
        among_learners = pair == (Placement.BY_LEARNER, Placement.BY_LEARNER)
        if pair not in allowed or (among_learners and "learner_id" not in r["columns"]) or r["on_delete"] == "n":
            wrong.append(f"{r['name']}: {r['source']} → {r['target']}")
    assert wrong == []


async def test_no_triggers_no_rules_no_small_identities_no_icu(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await owner.fetchval("select count(*) from pg_trigger where not tgisinternal") == 0
    assert await owner.fetchval("select count(*) from pg_rules where schemaname = 'public'") == 0
    identities = await owner.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and (is_identity = 'YES' or column_default like 'nextval%') and data_type <> 'bigint'"
    )
    assert identities == []
    assert (
        await owner.fetchval(
            "select count(*) from pg_attribute a join pg_collation c on c.oid = a.attcollation"
            " join pg_class t on t.oid = a.attrelid join pg_namespace n on n.oid = t.relnamespace"
            " where n.nspname = 'public' and c.collprovider = 'i'"
        )
        == 0
    )


@pytest.mark.parametrize("table", list(TABLES.values()), ids=list(TABLES))
async def test_the_application_role_may_change_only_what_the_table_declares(
    owner: asyncpg.Connection[asyncpg.Record], table: type[Table]
) -> None:
    name = table_name(table)
    rows = await owner.fetch(
        "select column_name::text as name, has_column_privilege($1, $2, column_name, 'UPDATE') as may"
        " from information_schema.columns where table_schema = 'public' and table_name = $2",
        APP_ROLE,
        name,
    )
    assert {r["name"] for r in rows if r["may"]} == set(table.__updatable__)
    assert await owner.fetchval("select has_table_privilege($1, $2, 'DELETE')", APP_ROLE, name) is table.__deletable__
    assert not await owner.fetchval("select has_table_privilege($1, $2, 'TRUNCATE')", APP_ROLE, name)
