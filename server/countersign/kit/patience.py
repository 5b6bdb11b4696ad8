"""Time for work that nobody waits for in a request: a file that is brought in one transaction."""

from __future__ import annotations

from typing import Final

from countersign.kit.db import Tx

FOR_A_LOCK: Final = "30s"


async def take_time(tx: Tx, *, for_a_lock: str = FOR_A_LOCK) -> None:
    """Let the statements of this transaction take as long as they need, and wait half a minute (or so) for each lock.

    Without it the deadlines of requests hold (`kit.db`), and a machine that is busy refuses a file that is good.
    """
    await tx.execute("set local statement_timeout = 0")
    await tx.execute(f"set local lock_timeout = '{for_a_lock}'")
    await tx.execute("set local idle_in_transaction_session_timeout = 0")
