"""Every check of the audit suite of npm's graphql-http passes, those that it only recommends too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import node
from tests.serving import Demo

pytestmark = pytest.mark.node

# As `graphql-http` 1.23.1 names them.
AUDITS = (Path(__file__).parent / "audits.txt").read_text().split()


@pytest_asyncio.fixture(scope="module")
async def audited(demo: Demo, js: Path) -> dict[str, dict[str, Any]]:
    """The whole suite over the running demo, by the names of its checks."""
    return {found["id"]: found for found in await node.ask(js / "audit.mjs", {"url": demo.said["graphql"]})}


def test_the_suite_has_the_checks_that_are_named_here(audited: dict[str, dict[str, Any]]) -> None:
    assert len(AUDITS) == 61
    assert list(audited) == AUDITS


@pytest.mark.parametrize("audit", AUDITS)
def test_audit_passes(audited: dict[str, dict[str, Any]], audit: str) -> None:
    found = audited[audit]
    assert (found["status"], found["reason"]) == ("ok", None), found["name"]
