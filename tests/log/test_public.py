"""The log over HTTP: what a stranger needs to check it, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from countersign import app
from countersign.awards import credentials
from countersign.kit.ids import Sealer
from countersign.log import rules
from countersign.log.rules_notes import LogVerifier
from countersign.schema.base import Tools
from tests.conftest import ORIGIN
from tests.log.support import KEY, Ledger


@pytest_asyncio.fixture
async def http(kept: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    door = app.create_app_with(Tools(kept.db, Sealer(b"s" * 32), kept.signer))
    door.state.log_verifier = KEY.verifier
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=door), base_url=ORIGIN) as client:
        yield client


async def fetched(http: httpx.AsyncClient, path: str, **query: Any) -> httpx.Response:
    answer = await http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer


async def test_who_holds_a_signed_endorsement_finds_it_in_the_log(kept: Ledger, http: httpx.AsyncClient) -> None:
    credential = (await fetched(http, f"/endorsements/{kept.live}")).content
    verifier = LogVerifier.parse((await fetched(http, "/log/key")).text)
    said = (await fetched(http, "/log/proof/inclusion", digest=hashlib.sha256(credential).hexdigest())).json()
    checkpoint = verifier.open(said["checkpoint"])
    leaf = json.loads(said["leaf"])
    salted = hashlib.sha256(bytes.fromhex(said["contentSalt"]) + hashlib.sha256(credential).digest())
    assert (leaf["kind"], leaf["content"]) == ("endorsement", salted.hexdigest())
    proof = [bytes.fromhex(part) for part in said["proof"]]
    hash_ = rules.leaf_hash(said["leaf"].encode())
    assert rules.includes(checkpoint.root, hash_, said["index"], checkpoint.size, proof)
    assert verifier.open((await fetched(http, "/log/checkpoint")).text) == checkpoint


async def test_spec_did_document_and_award_are_in_it_too(kept: Ledger, http: httpx.AsyncClient) -> None:
    async with kept.db.fresh_reader() as reader:
        held = await reader.fetch(
            "select 'version', spec_json from spec_versions union all select 'did', body from did_versions"
            " union all select 'key', public from signing_keys"
        )
    award = await credentials.sign(kept.db, kept.signer, *kept.awarded)
    assert award is not None
    assert len(held) > 5
    bytes_: list[tuple[str, bytes]] = [*((row[0], row[1]) for row in held), ("award", award)]
    for kind, body in bytes_:
        said = (await fetched(http, "/log/proof/inclusion", digest=hashlib.sha256(body).hexdigest())).json()
        assert json.loads(said["leaf"])["kind"] == kind


async def test_a_newer_checkpoint_is_shown_to_contain_the_older(kept: Ledger, http: httpx.AsyncClient) -> None:
    async with kept.db.fresh_reader() as reader:
        sizes = [r["size"] for r in await reader.fetch("select size from log_checkpoints where size > 0 order by 1")]
    old, new = sizes[0], sizes[-1]
    was, now = [KEY.verifier.open((await fetched(http, "/log/checkpoint", size=size)).text) for size in (old, new)]
    said = (await fetched(http, "/log/proof/consistency", **{"from": old, "to": new})).json()
    assert rules.extends(was.root, old, now.root, new, [bytes.fromhex(part) for part in said["proof"]])


async def test_tiles_hold_the_hashes_and_the_leaves(kept: Ledger, http: httpx.AsyncClient) -> None:
    checkpoint = KEY.verifier.open(await kept.note())
    width = checkpoint.size
    hashes = (await fetched(http, f"/log/tile/0/000.p/{width}")).content
    entries = (await fetched(http, f"/log/tile/entries/000.p/{width}")).content
    edge = rules.Edge()
    at = 0
    for place in range(width):
        length = int.from_bytes(entries[at : at + 2], "big")
        leaf = entries[at + 2 : at + 2 + length]
        assert hashes[place * 32 : place * 32 + 32] == rules.leaf_hash(leaf)
        assert set(json.loads(leaf)) <= {"at", "event", "kind", "content"}
        edge.add(rules.leaf_hash(leaf), lambda _node, _root: None)
        at += 2 + length
    assert (at, edge.root()) == (len(entries), checkpoint.root)


ABSENT = [
    "/log/proof/inclusion",
    "/log/proof/inclusion?index=999999",
    "/log/proof/inclusion?index=-1",
    "/log/proof/inclusion?index=0&size=999999",
    f"/log/proof/inclusion?digest={'0' * 64}",
    "/log/proof/inclusion?digest=%00",
    "/log/proof/consistency?from=0&to=1",
    "/log/proof/consistency?from=x&to=99999999999999999999",
    "/log/checkpoint?size=999999",
    "/log/tile/0/000",
    "/log/tile/0/999",
    "/log/tile/0/x999/x999/x999/x999/x999/999",
    "/log/tile/9/000.p/1",
    "/log/tile/1/000.p/1",
    "/log/tile/x/000.p/1",
    "/log/tile/entries/000.p/0",
    "/log/tile/entries/000.p/257",
    "/log/tile/entries/%00",
]


async def test_what_is_not_there_is_404(http: httpx.AsyncClient) -> None:
    for path in ABSENT:
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "There is nothing here."}), path


async def test_the_log_says_what_it_is(http: httpx.AsyncClient) -> None:
    told = (await fetched(http, "/log")).json()
    assert (told["origin"], told["key"]) == ("localhost:4600/log", KEY.verifier.text)
    assert base64.b64decode(told["key"].split("+", 2)[2])[:1] == b"\x01"
