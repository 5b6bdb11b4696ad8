"""How JSON travels between us and PostgreSQL."""

from __future__ import annotations

import json
from typing import Final

import asyncpg

JSONB_VERSION: Final = b"\x01"


async def set_up(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Give a connection codecs for json and jsonb; binary ones, because COPY takes nothing else."""
    await connection.set_type_codec("json", schema="pg_catalog", format="binary", encoder=_to_json, decoder=json.loads)
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: JSONB_VERSION + _to_json(value),
        decoder=lambda data: json.loads(data[1:]),
    )


def _to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()
