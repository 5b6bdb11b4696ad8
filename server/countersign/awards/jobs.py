"""Work that nobody waits for."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
import structlog

from countersign.awards import credentials
from countersign.kit.db import Database
from countersign.kit.waiting import now_and_then
from countersign.search import service as search
from countersign.trust.rules import STANDING
from countersign.trust.signer import Signer

PAUSE: Final = 5.0

log = structlog.get_logger()


async def sign_pending(db: Database, signer: Signer, limit: int = 50) -> int:
    """Sign awards whose unsigned credential is stored, oldest first; how many were signed.

    Those of schools that may not sign now wait aside; one that cannot be signed does not stop the others: it is logged
    and stays for the next look. Imported awards have no stored document until somebody asks for them, so a large file
    costs no signatures.
    """
    async with db.reader() as reader:
        waiting = await reader.fetch(
            "select a.learner_id, a.id from awards a join learner_keys k on k.learner_id = a.learner_id"
            " join organizations o on o.id = a.organization_id and o.verification = any($2)"
            " where a.document is not null and a.credential is null and a.state = 'issued' order by a.id limit $1",
            limit,
            list(STANDING),
        )
    signed = 0
    for row in waiting:
        try:
            signed += await credentials.sign(db, signer, row["learner_id"], row["id"]) is not None
        except credentials.Erased:
            continue  # since the look
        except (OSError, asyncpg.PostgresError):
            raise
        except Exception:
            log.exception("award not signed", award=str(row["id"]))
    return signed


async def lapse_consents(db: Database) -> int:
    """Take learners whose consent has expired out of the candidate index; how many."""
    async with db.writer() as tx:
        return await search.lapse(tx)


async def run(db: Database, signer: Signer, stop: asyncio.Event) -> None:
    """Sign what waits and take out lapsed consents, every five seconds until told to stop."""

    async def look() -> None:
        await lapse_consents(db)
        await sign_pending(db, signer)

    await now_and_then(look, PAUSE, stop, "no look for unsigned awards and lapsed consents")
