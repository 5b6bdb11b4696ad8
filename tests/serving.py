"""The demo as a newcomer starts it: one server process for the run, over its own embedded PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.kit.vault import Vault
from tests.patience import WAIT
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
LEARNERS = 2_000
SEED = 7


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our own option of the test command."""
    parser.addoption(
        "--pictures", action="store_true", help="Take the README's pictures anew (frontend_stub/pictures)."
    )


@dataclass(frozen=True)
class Demo:
    """A running demo, and what it printed."""

    said: dict[str, Any]
    data: Path
    port: int

    @property
    def url(self) -> str:
        """Where the page is."""
        return str(self.said["url"])

    @property
    def vault(self) -> Vault:
        """What opens the demo's personal data."""
        return Vault((self.data / "key_encryption_key").read_text().strip().encode())

    def token(self, role: str) -> str:
        """The token of a role."""
        return str(self.said["tokens"][role]["token"])

    def ask(self, query: str, variables: dict[str, Any] | None = None, role: str | None = None) -> dict[str, Any]:
        """The `data` of an operation, as a role; fails the test on errors."""
        headers = {"authorization": f"Bearer {self.token(role)}"} if role else {}
        body = {"query": query, "variables": variables or {}}
        answer = httpx.post(self.said["graphql"], json=body, headers=headers, timeout=WAIT)
        given: dict[str, Any] = answer.json()
        assert "errors" not in given, given
        data: dict[str, Any] = given["data"]
        return data


def start(
    data: Path, port: int, *options: str, more: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[str], str]:
    """Start a demo and wait for its line; the process and the line. Raises RuntimeError when it ends before.

    `more` adds to its environment.
    """
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DATABASE_READ_URL"}}
    environment["PYTHONPATH"] = str(ROOT / "server")
    environment.setdefault("COUNTERSIGN_DRAIN_SECONDS", "0.1")
    # Every test of a run is the same few guests of the demo; what budgets do is tried in tests/limits.
    environment.setdefault("COUNTERSIGN_BUDGET_POINTS", "1000000")
    environment.setdefault("COUNTERSIGN_BUDGET_RESTORED", "10000")
    environment.setdefault("COUNTERSIGN_DATABASE_WAIT_SECONDS", str(WAIT))
    environment.setdefault(
        "COUNTERSIGN_REQUEST_SECONDS", str(WAIT)
    )  # a machine of many is slow; no test is about speed
    environment |= more or {}
    log = data.with_suffix(".log")
    command = [sys.executable, "-m", "countersign", "demo", "--json", "--no-ui"]
    with log.open("a", encoding="utf-8") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env=environment,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(WAIT)
        process.stdout.close()
        raise RuntimeError(f"the demo did not start:\n{log.read_text(encoding='utf-8')[-4000:]}")
    return process, line


def stop(process: subprocess.Popen[str]) -> int:
    """End a demo as a service manager would; its exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(WAIT)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as it is by default, made once for the whole run."""
    data = tmp_path_factory.mktemp("demo") / "data"
    port = free_port()
    process, line = start(data, port, "--learners", str(LEARNERS), "--seed", str(SEED))
    try:
        deadline = time.monotonic() + WAIT
        while httpx.get(f"http://localhost:{port}/readyz", timeout=WAIT).status_code != httpx.codes.OK:
            assert time.monotonic() < deadline, "the demo is never ready"
            time.sleep(0.1)
        yield Demo(json.loads(line), data, port)
    finally:
        stop(process)
