"""Everything that is kept of a learner, by what the tables declare: no column is forgotten that nobody named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import inspect

from countersign.kit.db import Tx
from countersign.kit.placement import Table, placed_tables, table_name
from countersign.kit.vault import Key, keys_of

NUMBER: Final = "learner_id"
README: Final = (
    "my-data.json: every row that Countersign keeps of you, by table; `organizations` names those that it mentions.\n"
    "candidate_views: which organization saw you in a search, on which day, under which consent.\n"
    "credentials/: your signed credentials, byte for byte; anyone can verify them.\n"
    "\n"
    "my-data.json: все строки о вас, по таблицам; candidate_views — кто, когда и почему вас видел;\n"
    "credentials/ — ваши подписанные документы, байт в байт.\n"
)


def tables() -> list[type[Table]]:
    """The tables with rows of learners, by name."""
    return [cls for cls in placed_tables() if NUMBER in {column.key for column in inspect(cls).columns}]


def columns(cls: type[Table]) -> list[str]:
    """The columns of a learner's table that the learner is shown."""
    return [c.key for c in inspect(cls).columns if c.key != NUMBER and c.key not in cls.__secret__]


async def gather(tx: Tx, learner_ids: Sequence[int]) -> Mapping[str, list[dict[str, Any]]]:
    """Every row of these learners by table, sealed columns opened and named without their ending."""
    keys = await keys_of(tx, learner_ids)
    found: dict[str, list[dict[str, Any]]] = {}
    for cls in tables():
        shown = columns(cls)
        if not shown:
            continue
        rows = await tx.fetch(
            f"select {NUMBER}, {', '.join(shown)} from {table_name(cls)} where {NUMBER} = any($1::bigint[])",
            list(learner_ids),
        )
        found[table_name(cls)] = [_opened(cls, shown, row, keys) for row in rows]
    found["audit_events"] = [
        dict(row)
        for row in await tx.fetch(
            "select at, action, object, decision from audit_events where actor = any($1::text[]) order by at",
            [f"learner:{number}" for number in learner_ids],
        )
    ]
    return found


def _opened(cls: type[Table], shown: Sequence[str], row: asyncpg.Record, keys: Mapping[int, Key]) -> dict[str, Any]:
    opened: dict[str, Any] = {}
    for name in shown:
        plain, value = name.removesuffix("_sealed"), row[name]
        if name in cls.__personal__ and value is not None:
            key = keys.get(row[NUMBER])
            value = None if key is None else key.open(f"{table_name(cls)}.{plain}", value).decode()
        opened[plain] = value if opened.get(plain) is None else opened[plain]
    return opened


async def organizations(tx: Tx, found: Mapping[str, list[dict[str, Any]]]) -> Mapping[str, str]:
    """The names of the organizations that rows mention, by id."""
    named = {row["organization_id"] for rows in found.values() for row in rows if row.get("organization_id")}
    rows = await tx.fetch("select id, display_name from organizations where id = any($1::uuid[])", list(named))
    return {str(row["id"]): row["display_name"] for row in rows}


def archive(facts: Mapping[str, Any], credentials: Mapping[UUID, str]) -> bytes:
    """The ZIP archive: `my-data.json`, `README.txt` and each signed credential."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", README)
        file.writestr("my-data.json", json.dumps(facts, ensure_ascii=False, indent=2, default=str) + "\n")
        for identity, text in credentials.items():
            file.writestr(f"credentials/{identity}.json", text)
    return made.getvalue()
