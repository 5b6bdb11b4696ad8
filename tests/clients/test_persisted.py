"""Apollo Client's persisted queries against the demo: an unknown digest is asked again in full, a known one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.kit import trusted
from tests import node
from tests.cli.running import verb
from tests.serving import Demo

pytestmark = pytest.mark.node


async def test_apollo_client_runs_registered_documents_by_their_digest(demo: Demo, js: Path, tmp_path: Path) -> None:
    given = {"url": demo.said["graphql"]}
    before: dict[str, Any] = await node.ask(js / "persisted.mjs", given)
    assert {way: said["handles"] for way, said in before.items()} == {"post": 1, "get": 1}
    assert before["post"]["sent"] == ["POST 400", "POST 200"]
    assert before["get"]["sent"] == ["GET 400", "POST 200"]
    document = before["post"]["document"]
    file = tmp_path / "handles.graphql"
    file.write_text(document, encoding="utf-8")
    data = ("--data", str(demo.data))
    assert verb("documents", "add", str(file), *data).returncode == 0
    after: dict[str, Any] = await node.ask(js / "persisted.mjs", given)
    assert {way: said["sent"] for way, said in after.items()} == {"post": ["POST 200"], "get": ["GET 200"]}
    assert verb("documents", "remove", trusted.digest(document), *data).returncode == 0
