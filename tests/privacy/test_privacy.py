"""A learner takes a copy of everything, or is erased; nobody else does either, and what others hold stays valid."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import LargeBinary, inspect

from countersign import app
from countersign.awards import jobs
from countersign.kit.access import Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.learners import service as learners
from countersign.privacy import files, gathering
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.awards.support import ANNA, Campus, acting, award, campus, consent
from tests.factories import Factory

COPY = "copy { id url size sha256 available }"
WORDS = "Erase me  for good"
HOLDERS = "{ awards(first: 5) { nodes { id holderName state signed credential url } } }"


@dataclass
class Place:
    """A school, a learner with a signed award, and who else may try."""

    api: Api
    db: Database
    make: Factory
    here: Campus
    anna: Actor

    async def fetch(self, url: str, actor: Actor | None) -> httpx.Response:
        """A file or page of ours."""
        return await self.api.client.get(httpx.URL(url).path, headers=await self.api.authorization(actor))

    async def copy(self) -> dict[str, Any]:
        """Anna's copy, as the archive's `my-data.json` and its files."""
        made = await self.api.do("exportMyData", COPY, self.anna)
        assert made["errors"] == [], made
        got = await self.fetch(made["copy"]["url"], self.anna)
        assert got.status_code == 200
        assert len(got.content) == made["copy"]["size"]
        with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
            texts = {name: archive.read(name).decode() for name in archive.namelist()}
        return {**json.loads(texts["my-data.json"]), "files": texts, "made": made["copy"]}

    async def value(self, sql: str, *args: object) -> Any:
        """One value, as the service sees it."""
        async with self.db.writer() as tx:
            return await tx.fetchval(sql, *args)


@pytest_asyncio.fixture
async def place(db: Database, make: Factory, signer: Signer) -> AsyncIterator[Place]:
    async with db.writer() as tx:
        here = await campus(tx, make)
        made = await award(tx, here)
        await consent(tx, made.learner_id)
    assert await jobs.sign_pending(db, signer) == 1
    async with served(db, signer, make) as api:
        yield Place(api, db, make, here, acting(made.learner_id))


async def test_a_copy_holds_every_row_with_names_opened_and_credentials_as_they_were_signed(place: Place) -> None:
    copied = await place.copy()
    (me,), (mine,) = copied["tables"]["learners"], copied["tables"]["awards"]
    assert (me["full_name"], me["email"], me["region"]) == (ANNA.full_name, ANNA.email, ANNA.region)
    assert mine["holder_name"] == ANNA.full_name
    assert copied["files"][f"credentials/{mine['id']}.json"] == mine["credential"]
    assert json.loads(mine["credential"])["proof"]
    assert copied["tables"]["consents"][0]["purpose"] == "talent_search"
    assert copied["organizations"][mine["organization_id"]]
    assert "learner_id" not in copied["files"]["my-data.json"]


async def test_a_copy_says_which_organization_saw_the_learner_when_and_why(place: Place) -> None:
    async with place.db.writer() as tx:
        employer = await place.make.employer(tx)
        await tx.execute(
            "insert into candidate_views (learner_id, organization_id, viewed_on, first_viewed_at, purpose)"
            " values ($1, $2, $3, $4, 'talent_search')",
            place.anna.learner_id,
            employer.organization_id,
            (await tx.now()).date(),
            await tx.now(),
        )
    copied = await place.copy()
    (seen,) = copied["tables"]["candidate_views"]
    assert (seen["viewed_on"], seen["purpose"]) == ("2026-11-22", "talent_search")
    assert copied["organizations"][str(employer.organization_id)]
    assert str(employer.person_id) not in copied["files"]["my-data.json"]


def test_every_column_of_a_learners_table_is_opened_shown_or_a_secret() -> None:
    app.declare_tables()
    names = {cls.__tablename__ for cls in gathering.tables()}
    assert {"learners", "awards", "consents", "candidate_views", "learner_keys"} <= names
    for cls in gathering.tables():
        columns = {c.key: c for c in inspect(cls).columns}
        assert cls.__personal__ | cls.__secret__ <= set(columns), cls
        for name, column in columns.items():
            if isinstance(column.type, LargeBinary):
                assert name in cls.__personal__ | cls.__secret__, f"{cls.__tablename__}.{name}: bytes that nobody reads"


async def test_a_copy_is_sealed_its_owners_alone_and_gone_after_a_day(place: Place, clock: FrozenClock) -> None:
    url = (await place.copy())["made"]["url"]
    stored = await place.value("select archive_sealed from data_copies")
    assert stored[:1] == b"\x01"
    async with place.db.writer() as tx:
        boris = acting(await learners.enrol(tx, replace(ANNA, email="boris@example.com")))
    for stranger in (None, boris, place.here.registrar):
        assert (await place.fetch(url, stranger)).status_code in {401, 404}
    clock.at += timedelta(days=1)
    assert (await place.fetch(url, place.anna)).status_code == 404
    assert await files.expire(place.db) == 1
    assert await place.value("select count(*) from data_copies") == 0


async def test_more_than_five_copies_a_day_are_a_conflict(place: Place) -> None:
    for _ in range(5):
        await place.copy()
    sixth = await place.api.do("exportMyData", COPY, place.anna)
    assert [e["code"] for e in sixth["errors"]] == ["CONFLICT"]
    assert await place.value("select count(*) from data_copies") == 5


@pytest.mark.parametrize("words", ["", "yes", "erase me"])
async def test_without_the_words_nothing_is_erased(place: Place, words: str) -> None:
    said = await place.api.do("eraseMe", "erasure { erasedAt }", place.anna, confirmation=words)
    assert [(e["code"], e["path"]) for e in said["errors"]] == [("INVALID", ["confirmation"])]
    assert await place.value("select count(*) from learner_keys") == 1
    assert await place.value("select count(*) from candidate_search") == 1


async def test_nobody_else_exports_or_erases(place: Place) -> None:
    async with place.db.writer() as tx:
        admin = await place.make.school(tx, Role.ORG_ADMIN, Role.AUDITOR, Role.REGISTRAR)
    for stranger in (None, admin, place.here.registrar, replace(place.anna, scopes=frozenset())):
        for field, given in (("exportMyData", {}), ("eraseMe", {"confirmation": WORDS})):
            said = await place.api.do(field, "clientMutationId", stranger, **given)
            assert (
                said.get("refused") in {"FORBIDDEN", "UNAUTHENTICATED"} or said["errors"][0]["code"] == "NOT_ALLOWED"
            ), said
    assert await place.value("select count(*) from learner_keys") == 1
    assert await place.value("select count(*) from data_copies") == 0


async def test_erasing_destroys_the_key_and_leaves_award_status_and_signature(place: Place, signer: Signer) -> None:
    before = (await place.api.ask(HOLDERS, place.here.registrar))["awards"]["nodes"][0]
    assert before["holderName"] == ANNA.full_name
    own = (await place.fetch(before["url"], None)).json()
    copied = (await place.copy())["made"]["url"]
    said = await place.api.do("eraseMe", "erasure { erasedAt }", place.anna, confirmation=WORDS)
    assert (said["errors"], said["erasure"]["erasedAt"]) == ([], "2026-11-22T12:00:00Z")
    # The school's row stands, and says nothing of whom.
    after = (await place.api.ask(HOLDERS, place.here.registrar))["awards"]["nodes"][0]
    assert after == {**before, "holderName": None, "credential": None}
    # The address says so, to people and to programs; nobody signs anew.
    for path in (before["url"], before["url"].replace("/awards/", "/v/")):
        gone = await place.fetch(path, None)
        assert gone.status_code == 410
        assert "erased" in gone.text
    assert await jobs.sign_pending(place.db, signer) == 0
    # The learner's own copy is as valid as it was.
    judged = await place.api.client.post("/verify", json=own)
    assert judged.json()["verdict"] == "VALID", judged.json()
    # Whoever acted for the learner does so no more; copies, consents, the directory and the index are empty.
    assert (await place.fetch(copied, place.anna)).status_code in {401, 404}
    assert (await place.api.post("{ viewer { learner { id } } }", place.anna))["errors"]
    for table in ("learner_keys", "data_copies", "learner_directory", "candidate_search", "candidate_award"):
        assert await place.value(f"select count(*) from {table}") == 0, table
    assert await place.value("select count(*) from consents where withdrawn_at is null") == 0
    assert await place.value("select count(*) from awards where state = 'issued' and status_index is not null") == 1
    # The log says so too, and forgets with what salt it hid the credential (tests/log tries that).
    assert await place.value("select count(*) from audit_events where action = 'award.erased'") == 1


async def test_a_school_may_still_revoke_the_award_of_who_was_erased(place: Place) -> None:
    node = (await place.api.ask(HOLDERS, place.here.registrar))["awards"]["nodes"][0]
    await place.api.do("eraseMe", "erasure { erasedAt }", place.anna, confirmation=WORDS)
    said = await place.api.do(
        "revokeAward", "award { state revocationReason }", place.here.registrar, awardId=node["id"], reason="By error"
    )
    assert (said["errors"], said["award"]) == ([], {"state": "REVOKED", "revocationReason": None})
    assert await place.value("select count(*) from status_entries where revoked_at is not null") == 1


async def test_who_comes_back_after_erasure_is_a_new_learner(place: Place) -> None:
    await place.api.do("eraseMe", "erasure { erasedAt }", place.anna, confirmation="удалите мои данные навсегда")
    async with place.db.writer() as tx:
        again = await award(tx, place.here)
    assert again.learner_id != place.anna.learner_id
    nodes = (await place.api.ask(HOLDERS, place.here.registrar))["awards"]["nodes"]
    assert [node["holderName"] for node in nodes] == [None, ANNA.full_name]
