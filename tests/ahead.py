"""What a whole run will ask for begins with it: npm packages come beside the tests."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests import node

ROOT = Path(__file__).parents[1]
PACKAGES = (Path("clients", "js"), Path("federation", "js"), Path("schema", "js"), Path("js"), Path("accounts", "js"))
FIRST = "gw0"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to fetch what a whole run will ask for."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if session.config.option.collectonly or worker != FIRST:
        return
    threading.Thread(target=_fetch, daemon=True).start()


def _fetch() -> None:
    for folder in PACKAGES:
        try:
            node.install(ROOT / "tests" / folder)
        except (pytest.fail.Exception, pytest.skip.Exception):
            return  # the tests that need them try again, and say why
