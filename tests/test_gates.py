"""The gates: each tool over the whole repository, so that one command and one closing line say all."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command

from countersign.kit.migrate import alembic_config

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent


def passes(*arguments: str) -> None:
    """Run a tool in the repository; its output is the failure."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "server"), "NO_COLOR": "1"}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_code_is_formatted() -> None:
    passes(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_code_passes_the_linter() -> None:
    passes(sys.executable, "-m", "ruff", "check", ".")


def test_types_hold() -> None:
    passes(sys.executable, "-m", "mypy")


def test_imports_only_go_down() -> None:
    passes(str(SCRIPTS / "lint-imports"), "--no-cache")


async def test_migrations_make_the_declared_tables(database_dsn: str) -> None:
    await asyncio.to_thread(command.check, alembic_config(database_dsn))


def test_the_committed_schema_is_the_codes() -> None:
    passes(sys.executable, "-m", "countersign", "export-schema", "--check")


@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.7", "2001:db8::1"])
def test_tests_reach_no_network(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe, pytest.raises(PermissionError, match="no network beyond this machine"):
        probe.connect((address, 80))
    with pytest.raises(PermissionError, match="no network beyond this machine"):
        socket.getaddrinfo("example.org", 80)
