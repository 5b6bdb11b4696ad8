"""The clients that people use, against the running demo: each queries, pages, changes, follows and is refused."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import node
from tests.patience import WAIT
from tests.serving import ROOT, Demo

pytestmark = pytest.mark.node

CLIENTS = ["apollo", "urql", "urql-sse", "sse", "ws", "relay"]
STACK = 'query { stack(by: { handle: "product-analyst" }) { id handle title } }'
PUBLISHED = "query { credentialSpecs(first: 100, filter: { state: PUBLISHED }) { nodes { slug } } }"
MINE = "query($slug: String!) { credentialSpec(by: { slug: $slug }) { id slug } }"


@pytest.fixture(scope="module")
def compiled(js: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where relay-compiler compiled our documents against the exported schema, and persisted them."""
    folder = tmp_path_factory.mktemp("relay")
    (folder / "out").mkdir()
    (folder / "persisted.json").write_text("{}")
    shutil.copytree(js / "relay", folder / "src")
    shutil.copy(ROOT / "schema.graphql", folder)
    wanted = {
        "src": "src",
        "schema": "schema.graphql",
        "language": "javascript",
        "artifactDirectory": "out",
        "eagerEsModules": False,
        "persistConfig": {"file": "persisted.json", "algorithm": "SHA256"},
    }
    (folder / "relay.config.json").write_text(json.dumps(wanted))
    command = [str(js / "node_modules" / ".bin" / "relay-compiler"), "--noWatchman", "relay.config.json"]
    done = subprocess.run(
        command, cwd=folder, env=node.environment(), capture_output=True, text=True, check=False, timeout=WAIT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def run() -> str:
    """A word of this run, for slugs that are new."""
    return secrets.token_hex(4)


@pytest_asyncio.fixture(scope="module")
async def said(demo: Demo, js: Path, compiled: Path, run: str) -> dict[str, dict[str, Any]]:
    """What every client says at every step, from one run of node."""
    given = {
        "url": demo.said["graphql"],
        "socket": demo.said["graphql"].replace("http:", "ws:"),
        "token": demo.token("school"),
        "handle": "product-analyst",
        "run": run,
        "compiled": str(compiled),
        "clients": CLIENTS,
        "watching": CLIENTS,
    }
    found: dict[str, dict[str, Any]] = await node.ask(js / "clients.mjs", given)
    return found


def bare(value: Any) -> Any:
    """A client's data without what its cache added: `__typename`."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if not key.startswith("__")}
    return [bare(item) for item in value] if isinstance(value, list) else value


def data(said: dict[str, dict[str, Any]], client: str, step: str) -> Any:
    """What a client got at a step; fails the test with its error."""
    outcome = said[client][step]
    assert "error" not in outcome, outcome["error"]
    return bare(outcome["data"])


@pytest.mark.parametrize("client", CLIENTS)
def test_client_queries(said: dict[str, dict[str, Any]], demo: Demo, client: str) -> None:
    assert data(said, client, "query") == demo.ask(STACK)


@pytest.mark.parametrize("client", CLIENTS)
def test_client_pages_through_to_the_end(said: dict[str, dict[str, Any]], demo: Demo, client: str) -> None:
    published = [found["slug"] for found in demo.ask(PUBLISHED)["credentialSpecs"]["nodes"]]
    assert len(published) > 12
    assert data(said, client, "page") == published


@pytest.mark.parametrize("client", CLIENTS)
def test_client_changes_and_repeats_without_a_second_effect(
    said: dict[str, dict[str, Any]], demo: Demo, client: str, run: str
) -> None:
    made = data(said, client, "mutate")["createSpec"]
    assert made["errors"] == []
    assert made["clientMutationId"] == client
    slug = f"{client}-{run}"
    assert made["spec"] == demo.ask(MINE, {"slug": slug}, "school")["credentialSpec"]
    assert data(said, client, "again")["createSpec"] == made


@pytest.mark.parametrize("client", CLIENTS)
def test_client_reads_the_code_of_a_refusal(said: dict[str, dict[str, Any]], client: str) -> None:
    assert data(said, client, "refuse") == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("client", CLIENTS)
def test_client_follows_events_and_goes_on_where_it_stopped(
    said: dict[str, dict[str, Any]], client: str, run: str
) -> None:
    seen = data(said, client, "subscribe")
    assert seen["heard"]["kind"] == "CREATED"
    assert seen["heard"]["spec"]["slug"].startswith(f"{client}-seen-")
    assert seen["after"][-1]["spec"]["slug"] == seen["missed"]
    events = [seen["heard"]["eventId"], *(event["eventId"] for event in seen["after"])]
    assert len(set(events)) == len(events)
    assert all(event["spec"]["slug"].endswith(run) for event in seen["after"])


def test_urql_is_answered_with_one_result_although_it_accepts_streams_too(said: dict[str, dict[str, Any]]) -> None:
    accepts = data(said, "urql", "accepts")
    assert len(accepts) == 1
    assert {"application/json", "text/event-stream", "multipart/mixed"} <= set(accepts[0].split(", "))
    assert "text/event-stream, multipart/mixed" in data(said, "urql-sse", "accepts")


def test_relay_persists_each_operation_under_its_digest(compiled: Path) -> None:
    texts = json.loads((compiled / "persisted.json").read_text())
    operations = {text.split("(")[0].split()[1] for text in texts.values()}
    assert operations >= {"documentsStackQuery", "documentsPublishedPaginationQuery", "documentsCreateMutation"}
