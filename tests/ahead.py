"""What takes long and waits for nothing begins with a run: types are checked, npm packages come beside the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests import node

ROOT = Path(__file__).parents[1]
PACKAGES = (Path("clients", "js"), Path("federation", "js"), Path("schema", "js"), Path("js"))
TYPES = "tests/test_gates.py::test_types_hold"


class Types:
    """mypy over the repository, from the moment when it is made."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "server"), "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mypy"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def verdict(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended."""
        said, _ = self._process.communicate()
        return self._process.returncode, said

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.kill()
            self._process.communicate()


BEGUN = pytest.StashKey[Types]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin what a whole run will ask for."""
    if session.config.option.collectonly or TYPES not in {item.nodeid for item in session.items}:
        return
    session.config.stash[BEGUN] = Types()
    threading.Thread(target=_fetch, daemon=True).start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what nobody waited for."""
    begun = config.stash.get(BEGUN, None)
    if begun is not None:
        begun.end()


def _fetch() -> None:
    for folder in PACKAGES:
        try:
            node.install(ROOT / "tests" / folder)
        except (pytest.fail.Exception, pytest.skip.Exception):
            return  # the tests that need them try again, and say why
