"""After erasure a canary of each personal column is nowhere: dump, logs, exports, files of the server, answers."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from countersign.awards import jobs
from countersign.bulk import uploads
from countersign.kit.access import Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.embedded import EmbeddedPostgres
from countersign.kit.embedded_programs import wheel
from countersign.kit.migrate import migrate
from countersign.kit.vault import keys_of
from countersign.learners.service import Person
from countersign.privacy import gathering
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.awards.support import acting, award, campus
from tests.bulk.support import House, lines, path_of, row
from tests.conftest import VAULT
from tests.factories import Factory
from tests.patience import WAIT

EMAIL = "canary.hd4x@example.com"
NAME = "Canária Hd4x Öz"
FILE_NAME = "Canary Hd4x Of-The-File"
REASON = "canary hd4x copied the report"
WORDS = "erase me for good"
HOLDERS = "{ awards(first: 9) { nodes { holderName credential revocationReason url } } }"


def spellings(canary: str) -> set[bytes]:
    """How a text may be hidden: as it is, in JSON, in hexadecimal, in base64, as a bare digest."""
    plain = canary.encode()
    digest = hashlib.sha256(plain)
    return {
        *(plain, json.dumps(canary)[1:-1].encode(), plain.hex().encode(), base64.b64encode(plain)[:-4]),
        *(digest.digest(), digest.hexdigest().encode()),
    }


def found_in(data: bytes, canaries: set[str]) -> set[str]:
    """The canaries that sing in bytes, in any spelling."""
    return {canary for canary in canaries if any(spelling in data for spelling in spellings(canary))}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own, whose files can be looked at."""
    with EmbeddedPostgres(tmp_path / "data", durable=False) as started:
        yield started


def bytes_of_the_server(server: EmbeddedPostgres, dsn: str) -> bytes:
    """Everything in its data directory (tables, logs, and the write-ahead log with every row ever written), a dump."""
    command = [str(wheel() / "bin" / "pg_dump"), "--enable-row-security", dsn]
    dump = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"CREATE TABLE public.learner_keys" in dump
    files = [path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()]
    assert len(files) > 500
    return b"\n".join([dump, *files])


async def personal(tx: Tx) -> dict[str, list[bytes]]:
    """What is in every sealed column of every learner's table, opened."""
    opened: dict[str, list[bytes]] = {}
    keys = await keys_of(tx, [r[0] for r in await tx.fetch("select learner_id from learner_keys")])
    for cls in gathering.tables():
        for column in sorted(cls.__personal__):
            name = f"{cls.__tablename__}.{column.removesuffix('_sealed')}"
            rows = await tx.fetch(f"select learner_id, {column} as sealed from {cls.__tablename__}")
            opened[name] = [
                keys[r["learner_id"]].open(name, r["sealed"])
                for r in rows
                if r["sealed"] is not None and r["learner_id"] in keys
            ]
    return opened


async def answers(api: Api, registrar: Actor, urls: list[str]) -> bytes:
    """What the school and strangers are answered about the awards."""
    said = [json.dumps(await api.post(HOLDERS, registrar), ensure_ascii=False)]
    for url in urls:
        said += [(await api.client.get(path_of(url).replace("/awards/", way))).text for way in ("/awards/", "/v/")]
    return "\n".join(said).encode()


async def test_after_erasure_no_canary_sings_anywhere(
    server: EmbeddedPostgres,
    signer: Signer,
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    dsn = await server.create_database("canary")
    await migrate(dsn)
    db = await Database.open(dsn, clock=clock, pool_size=4, vault=VAULT, wait_seconds=WAIT)
    make = Factory(clock)
    try:
        async with db.writer() as tx:
            here = await campus(tx, make)
            other = await campus(tx, make, "another-block")
            strange = await campus(tx, make, "third-block")
            person = Person(EMAIL, NAME, "DE", "DE-BE")
            made = await award(tx, here, person)
            await award(tx, other, person, date(2026, 10, 2))
        assert await jobs.sign_pending(db, signer) == 2
        async with served(db, signer, make) as api:
            house = House(api, db, here, api.tools)
            learner = acting(made.learner_id)
            await _school_writes(house, other.registrar)
            kept = await _files_lie(house, House(api, db, strange, api.tools))
            urls = [n["url"] for n in (await api.ask(HOLDERS, here.registrar))["awards"]["nodes"]]
            exported = await house.start_export("{ awards(first: 9) { nodes { holderName credential } } }")
            assert await house.work() == 1
            result = (await house.look(exported["bulkOperation"]["id"]) or {})["resultUrl"]
            copy = (await api.do("exportMyData", "copy { url }", learner))["copy"]["url"]
            # Every sealed column has its canary: who adds a column adds one here.
            async with db.writer() as tx:
                columns = await personal(tx)
            salted = _subject(columns["awards.credential"][0])
            canaries = {EMAIL, NAME, FILE_NAME, REASON, *salted}
            for name, values in columns.items():
                assert any(found_in(value, canaries) for value in values), f"{name} holds no canary"
            # The test can hear: before the erasure the owner's files and the school's answers sing.
            got = [await house.get(result), await house.get(copy, learner)]
            sung = got[0].content + _unpacked(got[1]) + await answers(api, here.registrar, urls)
            assert found_in(sung, canaries) == canaries - {FILE_NAME}
            assert found_in(await _uploaded(db), canaries) == {EMAIL, FILE_NAME}
            # At rest nothing of it is to be read, even now.
            assert found_in(bytes_of_the_server(server, dsn), canaries) == set()
            said = await api.do("eraseMe", "erasure { erasedAt }", learner, confirmation=WORDS)
            assert said["errors"] == []
            # And now nowhere, by nobody, with every key that is left.
            assert [(await house.get(url, who)).status_code for url, who in ((result, None), (copy, learner))] == [
                404,
                401,
            ]
            assert found_in(await answers(api, here.registrar, urls), canaries) == set()
            assert await _uploaded(db) == kept, "files of others, in which the learner is not, stay"
            async with db.writer() as tx:
                assert not any((await personal(tx)).values())
                assert await tx.fetchval("select count(*) from upload_chunks") == 1
                assert await tx.fetchval("select count(*) from bulk_chunks") == 0
            assert found_in(bytes_of_the_server(server, dsn), canaries) == set()
    finally:
        await db.close()
    logged = caplog.text + "".join(capfd.readouterr())
    assert logged
    assert found_in(logged.encode(), canaries) == set()


async def _school_writes(house: House, other: Actor) -> None:
    """The other ways in: a file for a bulk import, and the reason of a revocation."""
    again = row(2, email=EMAIL, fullName=FILE_NAME, spec="another-block")
    refused = await house.imported(lines([row(1, fullName=FILE_NAME), again]))
    assert refused["state"] == "FAILED"
    headless = await house.imported(f"{EMAIL},{FILE_NAME},DE\n".encode(), written="CSV")
    assert headless["firstRowErrors"][0]["message"].startswith("the first line is no header")
    nodes = (await house.api.ask("{ awards(first: 9) { nodes { id } } }", other))["awards"]["nodes"]
    said = await house.api.do("revokeAward", "award { state }", other, awardId=nodes[0]["id"], reason=REASON)
    assert said["errors"] == []


async def _files_lie(house: House, strange: House) -> bytes:
    """Files of which nobody has made anything yet; what a school sent that has nothing to do with the learner."""
    assert await _uploaded(house.db) == b"", "what a refused import was sent has gone with it"
    named = lines([row(1, email=EMAIL, fullName=FILE_NAME)])
    await house.upload(named)
    # A school that awarded the learner nothing, and writes addresses in its own way.
    await strange.upload(named.replace(b"@", b"\\u0040").replace(b"canary.hd4x", b"CANARY.hd4x"))
    other = lines([row(2)])
    await strange.upload(other)
    return other


async def _uploaded(db: Database) -> bytes:
    async with db.fresh_reader() as reader:
        rows = await reader.fetch("select id from uploads order by id")
        return b"".join([await uploads.read_whole(reader, db.vault, row["id"]) or b"" for row in rows])


def _subject(credential: bytes) -> set[str]:
    """What a credential says of its holder: the salted hash of the address, and its salt."""
    identifier = json.loads(credential)["credentialSubject"]["identifier"][0]
    return {identifier["identityHash"], identifier["salt"]}


def _unpacked(got: httpx.Response) -> bytes:
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
