"""`documents`: what is registered was checked, under the SHA-256 of its text; all or none."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from countersign import config
from countersign.cli import documents
from countersign.cli.documents import BadFile, Given, read
from countersign.kit import trusted
from countersign.kit.db import Database
from tests.cli.running import verb

GOOD = "query Ready { __typename }"
ID = hashlib.sha256(GOOD.encode()).hexdigest()


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


MANIFESTS: list[Any] = [
    {ID: GOOD},
    {f"sha256:{ID}": GOOD},
    {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": ID, "name": "Ready", "type": "query", "body": GOOD}],
    },
]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=["relay or code generator", "with the name of the hash", "apollo"])
def test_manifests_are_read(tmp_path: Path, manifest: Any) -> None:
    path = write(tmp_path / "persisted-documents.json", manifest)
    assert [given.text for given in read(path)] == [GOOD]


def test_a_folder_gives_every_document_in_it(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.graphql", GOOD)
    write(tmp_path / "two.gql", "{ __typename }\n")
    write(tmp_path / "notes.txt", "nothing")
    assert list(read(tmp_path)) == [
        Given(str(tmp_path / "a" / "one.graphql"), GOOD),
        Given(str(tmp_path / "two.gql"), "{ __typename }\n"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({hashlib.md5(GOOD.encode(), usedforsecurity=False).hexdigest(): GOOD}, "is not the SHA-256"),
        ({"0" * 64: GOOD}, "is not the SHA-256"),
        ({ID: 7}, "is no manifest"),
        ([], "is no manifest"),
        ({}, "is no manifest"),
        ({"operations": [{"id": ID}]}, "is no manifest"),
        ("{", "is not JSON"),
    ],
)
def test_a_manifest_that_lies_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        list(read(write(tmp_path / "manifest.json", content)))


def test_a_folder_without_documents_and_a_file_without_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"no \.graphql files"):
        list(read(tmp_path))
    (tmp_path / "x.graphql").write_bytes(b"\xff")
    with pytest.raises(BadFile, match="cannot be read"):
        list(read(tmp_path))


async def listed(db: Database) -> list[str]:
    async with db.reader() as reader:
        return [found.id for found in await trusted.listed(reader)]


async def test_documents_are_added_listed_and_removed(db: Database, database_dsn: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_dsn, "COUNTERSIGN_DATA": str(tmp_path / "data")}
    good = write(tmp_path / "good.graphql", GOOD)
    bad = write(tmp_path / "bad.graphql", "{ nothingOfThisName }")
    dear = write(
        tmp_path / "dear.graphql",
        "query ($n: Int) { organizations(first: $n) { nodes { subsidiaries(first: $n) { nodes { id } } } } }",
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        done = verb("documents", *arguments, **settings)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    code, _, said = await asyncio.to_thread(run, "add", str(good), str(bad), str(dear))
    assert (code, await listed(db)) == (1, [])
    assert "Cannot query field 'nothingOfThisName'" in said
    assert f"{dear}: " in said, "what may cost more than an operation may is refused, whatever the variables"
    assert "none was added" in said
    code, shown, said = await asyncio.to_thread(run, "add", str(good), "--json")
    assert code == 0, said
    assert json.loads(shown) == [{"id": ID, "name": "Ready", "added": True}]
    assert await listed(db) == [ID]
    code, shown, _ = await asyncio.to_thread(run, "list")
    assert code == 0
    assert ID in shown
    code, _, said = await asyncio.to_thread(run, "remove", ID, "0" * 64)
    assert (code, await listed(db)) == (1, [])
    assert "no document has the id 000" in said


async def test_adding_twice_is_adding_once(db: Database, database_dsn: str) -> None:
    settings = config.Settings(
        database_url=SecretStr(database_dsn),
        database_read_url=None,
        database_owner_url=None,
        public_origin="http://localhost:4600",
        secret=SecretStr("s" * 32),
        key_encryption_key=SecretStr("k" * 32),
    )
    for _ in range(2):
        assert await documents._add(settings, [Given("x", GOOD)], json=False) == 0
    assert await listed(db) == [ID]
