"""How a whole run is spread over processes, and what begins with it: npm packages come beside the tests."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests import node

ROOT = Path(__file__).parents[1]
PACKAGES = (Path("clients", "js"), Path("federation", "js"), Path("schema", "js"), Path("js"), Path("accounts", "js"))
SHARED = ("demo", "market", "served", "strict")
"""Fixtures that start a server for the run: whoever asks for one of them runs in the same process, and first."""
FIRST = "gw0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays in one process, and so does everything that asks one server; the long ones come first."""
    groups = [_group(item) for item in items]
    for item, group in zip(items, groups, strict=True):
        item.add_marker(pytest.mark.xdist_group(group))
    order = {name: place for place, name in enumerate(SHARED)}
    # Sorting is stable: within a group the order is the random one.
    ranked = sorted(zip(items, groups, strict=True), key=lambda pair: order.get(pair[1], len(order)))
    items[:] = [item for item, _ in ranked]


def _group(item: pytest.Item) -> str:
    asked = set(getattr(item, "fixturenames", ()))
    return next((name for name in SHARED if name in asked), item.nodeid.partition("::")[0])


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
