"""What the login of a server may do by itself, whatever role its sessions take on.

A session that only takes on a smaller role (`SET ROLE`) can lay it down again: what counts is the login.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from countersign.kit.placement import APP_ROLE, placed_tables, table_name

_REMEDY: Final = "make one for the server alone: create role countersign login nosuperuser nobypassrls password '…'"

_POWERS: Final = """
select coalesce(bool_or(r.rolsuper), false) as superuser,
       coalesce(bool_or(r.rolbypassrls), false) as passes_policies,
       coalesce(bool_or(r.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
                                      'pg_write_server_files', 'pg_execute_server_program')), false) as takes_all
from pg_roles r where pg_has_role(session_user, r.oid, 'member')
"""
_OWNED: Final = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relname = any($1::text[]) and pg_has_role(session_user, c.relowner, 'member')
"""


async def faults(connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """Why this login must not serve, each with its remedy; empty when the walls hold it."""
    powers = await connection.fetchrow(_POWERS)
    if powers is None:
        raise LookupError("an aggregate answers one row")
    if powers["superuser"]:
        return [f"logs in as a superuser, or as one who may become one: no grant holds it — {_REMEDY}"]
    found = []
    if powers["passes_policies"]:
        found.append(f"logs in with BYPASSRLS, or may take it on: no policy holds it — {_REMEDY}")
    if powers["takes_all"]:
        found.append(f"logs in as a member of a role that reads or writes everything — {_REMEDY}")
    if await connection.fetchval(_OWNED, [table_name(cls) for cls in placed_tables()]):
        found.append(
            "logs in as the owner of the tables, who can take every wall down — give the owner's address as"
            f" DATABASE_OWNER_URL, and {_REMEDY}, a member of {APP_ROLE} after the next start"
        )
    return found
