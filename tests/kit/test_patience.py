"""What brings a file has time; what comes after it on the same connection has not."""

from countersign.kit.db import Database
from countersign.kit.patience import take_time

SETTINGS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


async def test_a_transaction_that_takes_its_time_has_no_deadline_and_the_next_one_has(db: Database) -> None:
    async with db.writer() as tx:
        usual = [await tx.fetchval(f"show {name}") for name in SETTINGS]
        await take_time(tx)
        assert [await tx.fetchval(f"show {name}") for name in SETTINGS] == ["0", "30s", "0"]
    async with db.writer() as tx:
        assert [await tx.fetchval(f"show {name}") for name in SETTINGS] == usual
    assert usual[0] != "0"
