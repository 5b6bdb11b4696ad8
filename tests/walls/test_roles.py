"""What each role of the database may do, asked of PostgreSQL itself."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg
import pytest

from countersign import app
from countersign.kit.db import Database
from countersign.kit.placement import (
    APP_ROLE,
    READER_ROLE,
    ROLES,
    SEARCH_ROLE,
    SIGNER_ROLE,
    Placement,
    Table,
    open_columns,
    table_name,
)

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
TABLES = {table_name(t): t for t in app.declare_tables()}
OWNED = {name: t for name, t in TABLES.items() if t.__owners__}


async def privileges(owner: Owner, role: str, what: str) -> set[str]:
    """The tables, or columns as `table.column`, on which a role has a privilege."""
    rows = await owner.fetch(
        "select c.relname::text as name, has_table_privilege($1, c.oid, $2) as whole"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname = any($3::text[])",
        role,
        what,
        list(TABLES),
    )
    return {r["name"] for r in rows if r["whole"]}


async def test_the_search_reads_the_projection_and_public_tables_and_writes_nothing(owner: Owner) -> None:
    assert await privileges(owner, SEARCH_ROLE, "SELECT") == {n for n, t in TABLES.items() if t.__searchable__}
    for what in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
        assert await privileges(owner, SEARCH_ROLE, what) == set()
        assert await privileges(owner, READER_ROLE, what) == set()


def test_of_the_learners_tables_only_the_projection_is_searchable() -> None:
    learners = {n for n, t in TABLES.items() if t.__placement__ is Placement.BY_LEARNER and t.__searchable__}
    assert learners == {"candidate_search", "candidate_award"}
    assert not {n for n, t in OWNED.items() if t.__searchable__}


@pytest.mark.parametrize("table", list(TABLES.values()), ids=list(TABLES))
async def test_sealed_columns_are_the_signers_alone(owner: Owner, table: type[Table]) -> None:
    name = table_name(table)
    for role in ROLES:
        rows = await owner.fetch(
            "select column_name::text as name, has_column_privilege($1, $2, column_name, 'SELECT') as may"
            " from information_schema.columns where table_schema = 'public' and table_name = $2",
            role,
            name,
        )
        may = {r["name"] for r in rows if r["may"]}
        every = {r["name"] for r in rows}
        if role == SIGNER_ROLE:
            assert may == (every if table.__sealed__ else set())
        elif role == SEARCH_ROLE:
            assert may == (every if table.__searchable__ else set())
        elif role == READER_ROLE and table.__withheld__:
            assert may == set()
        else:
            assert may == every - table.__sealed__ == set(open_columns(table))


def test_what_proves_who_comes_is_withheld_from_compiled_reads() -> None:
    withheld = {n for n, t in TABLES.items() if t.__withheld__}
    assert withheld >= {"idempotency_keys", "learner_directory", "one_time_secrets", "sign_ins", "attempts"}
    assert not withheld & {n for n, t in TABLES.items() if t.__searchable__ or t.__owners__}


SIGNED = {
    "audit_events": set(),
    "did_versions": set(),
    "endorsement_evidence": set(),
    "endorsement_signatures": set(),
    "endorsements": {"in_force", "refusal", "revocation_reason", "revoked_at", "state", "supersedes_id"},
    "log_checkpoints": set(),
    "log_nodes": set(),
    "spec_versions": {"deprecated_at", "published_at", "retired_at", "state", "withdrawn_at"},
}


async def test_signed_content_and_the_audit_log_are_changed_by_no_role(owner: Owner) -> None:
    for table, states in SIGNED.items():
        rows = await owner.fetch(
            "select distinct column_name::text as name from information_schema.columns, unnest($1::text[]) role"
            " where table_schema = 'public' and table_name = $2"
            " and has_column_privilege(role, $2, column_name, 'UPDATE')",
            list(ROLES),
            table,
        )
        assert {r["name"] for r in rows} == states, table
        for role in ROLES:
            assert table not in await privileges(owner, role, "DELETE")
            assert table not in await privileges(owner, role, "TRUNCATE")


async def test_no_role_owns_anything_logs_in_or_passes_policies(owner: Owner) -> None:
    rows = await owner.fetch(
        "select rolname from pg_roles where rolname = any($1::text[])"
        " and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)",
        list(ROLES),
    )
    assert rows == []
    owned = await owner.fetchval(
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = any($1::text[])",
        list(ROLES),
    )
    assert owned == 0


async def test_owned_tables_and_only_they_have_row_level_security_and_force_it(owner: Owner) -> None:
    rows = await owner.fetch(
        "select relname::text as name, relrowsecurity as on, relforcerowsecurity as forced from pg_class"
        " where relname = any($1::text[]) and relkind = 'r'",
        list(TABLES),
    )
    assert {r["name"] for r in rows if r["on"]} == set(OWNED)
    assert {r["name"] for r in rows if r["forced"]} == set(OWNED)


async def test_policies_compare_by_leakproof_equality_alone(owner: Owner) -> None:
    rows = await owner.fetch(
        "select a.attrelid::regclass::text as table, a.attname::text as column, a.atttypid::regtype::text as type"
        " from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relname = any($1::text[]) and attnum > 0",
        list(OWNED),
    )
    types = {(r["table"], r["column"]): r["type"] for r in rows}
    used = {types[name, column] for name, t in OWNED.items() for column in t.__owners__}
    assert used == {"uuid", "bigint"}
    assert await owner.fetchval(
        "select bool_and(p.proleakproof) from pg_proc p where p.proname in ('uuid_eq', 'int8eq')"
    )


async def test_the_search_pool_is_behind_its_wall(db: Database) -> None:
    async with db.searcher() as connection:
        assert await connection.fetchval("select current_user") == SEARCH_ROLE
        assert await connection.fetchval("select count(*) from candidate_search") == 0
        for table in ("learners", "awards", "consents", "api_tokens", "signing_keys", "spec_drafts", "audit_events"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetchval(f"select count(*) from {table}")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("delete from candidate_search")
    async with db.reader() as connection:
        assert await connection.fetchval("select current_user") == APP_ROLE
