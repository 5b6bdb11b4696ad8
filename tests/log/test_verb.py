"""`log verify`, `log checkpoint` and `log export` as a person types them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import asyncpg

from countersign import app
from tests.cli.running import verb
from tests.conftest import ORIGIN
from tests.log.support import SECRET, Ledger


async def typed(dsn: str, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a verb of the log says over a database."""
    return await asyncio.to_thread(
        verb,
        *("log", *arguments, "--data", str(data)),
        DATABASE_URL=dsn,
        COUNTERSIGN_LOG_KEY=SECRET.decode(),
        COUNTERSIGN_PUBLIC_ORIGIN=ORIGIN,
    )


async def test_the_verbs_find_an_honest_log_good_and_name_what_was_tampered_with(
    kept: Ledger, owner: asyncpg.Connection[Any], database_dsn: str, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    kept_note = await typed(database_dsn, tmp_path, "checkpoint", "--keep", str(witness))
    assert kept_note.returncode == 0, kept_note.stderr
    assert kept_note.stdout == await kept.note()
    assert witness.read_text() == f"{kept_note.stdout}\n"
    (tmp_path / app.WITNESS).write_text(kept_note.stdout)
    bundle, good = await asyncio.gather(
        typed(database_dsn, tmp_path, "export"),
        typed(database_dsn, tmp_path, "verify", "--json", "--witness", str(witness)),
    )
    report = json.loads(good.stdout)
    assert (good.returncode, report["good"], report["found"], report["witnessed"]) == (0, True, [], 2)
    lines = [json.loads(line) for line in bundle.stdout.splitlines()]
    assert sum("leaf" in line for line in lines) == report["leaves"] > 10
    await owner.execute(f"update endorsements set statement = 'Another.' where id = '{kept.revoked}'")
    found = await typed(database_dsn, tmp_path, "verify")
    assert found.returncode == 1
    assert found.stdout.splitlines()[0] == f"endorsement end_{kept.revoked}: is not what the log says of it"
    assert found.stdout.splitlines()[1].startswith("1 found: ")
