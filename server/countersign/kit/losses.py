"""The ways in which PostgreSQL is lost, by what asyncpg raises: one meaning, whatever the connection was doing."""

from __future__ import annotations

from typing import Final

import asyncpg


class Unreachable(ConnectionError):
    """The database gave no connection in time, or the one in use was lost."""


OUTSTAYED: Final = (
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
)
"""The server ended the session because it took too long between two statements, or over the whole transaction.

asyncpg counts the first two among the mistakes of whoever writes transactions; to us the connection is gone. It names
them itself where the session goes on (poolers), else they are the cause of a `ConnectionDoesNotExistError`.
"""

BROKEN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    *OUTSTAYED,
)
"""After these a connection is of no use, whether its end has been noticed yet or not."""

UNREACHABLE: Final = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it shuts down, or a statement was cancelled
    asyncpg.InsufficientResourcesError,
    *OUTSTAYED,
)
"""What is raised when the database cannot be asked: the caller may try again."""
