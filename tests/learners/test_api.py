"""Learners over HTTP: they read the texts, allow, keep receipts, and correct what is theirs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from countersign.kit.access import Actor, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.learners import service, texts
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory

CONSENTS = """{ viewer { learner { consents {
  purpose method stands grantedAt expiresAt withdrawnAt receipt
  organization { id legalName } text { version language title body sha256 inForce } } } } }"""


@pytest_asyncio.fixture
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    async with served(db, signer, make) as client:
        yield client


@pytest_asyncio.fixture
async def anna(db: Database) -> Actor:
    async with db.writer() as tx:
        number = await service.enrol(tx, Person("anna@example.com", "Anna Example", "DE", "DE-BE"))
    return Actor(learner_id=number, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))


async def test_everybody_reads_the_consent_texts_in_either_language(api: Api) -> None:
    found = await api.ask("{ consentTexts { purpose version language title body sha256 inForce } }")
    rows = found["consentTexts"]
    assert {(r["purpose"], r["language"]) for r in rows if r["inForce"]} == {
        (p.name, language) for p in Purpose for language in texts.LANGUAGES
    }
    for row in rows:
        written = f"{row['title']}\n\n{row['body']}\n".encode()
        assert hashlib.sha256(written).hexdigest() == row["sha256"]
    russian = await api.ask("query ($l: LanguageTag) { consentTexts(language: $l) { language } }", l="ru")
    assert {r["language"] for r in russian["consentTexts"]} == {"ru"}
    assert len(russian["consentTexts"]) * 2 == len(rows)


async def test_a_receipt_says_what_was_agreed_to_and_names_nobody(api: Api, anna: Actor) -> None:
    async with api.db.writer() as tx:
        employer = (await api.make.employer(tx)).organization_id
    payload = await api.do(
        "setConsent",
        "learner { id }",
        anna,
        purpose="CONTACT_BY",
        granted=True,
        organizationId=f"org_{employer}",
        language="ru",
        textVersion=texts.IN_FORCE[Purpose.CONTACT_BY],
    )
    assert payload["errors"] == []
    (consent,) = (await api.ask(CONSENTS, anna))["viewer"]["learner"]["consents"]
    text = texts.TEXTS[Purpose.CONTACT_BY, texts.IN_FORCE[Purpose.CONTACT_BY], "ru"]
    shown = {"version": text.version, "language": "ru", "title": text.title, "body": text.body, "sha256": text.sha256}
    assert consent["text"] == {**shown, "inForce": True}
    receipt = json.loads(consent["receipt"])
    assert receipt["text"] == shown
    assert receipt["organization"] == consent["organization"]
    assert (receipt["purpose"], receipt["method"], receipt["withdrawnAt"]) == ("contact_by", "portal", None)
    assert receipt["grantedAt"] == "2026-11-22T12:00:00.000Z"
    assert "anna" not in consent["receipt"].lower()
    assert (consent["purpose"], consent["method"], consent["stands"]) == ("CONTACT_BY", "PORTAL", True)


async def test_a_withdrawn_consent_stays_in_the_list_with_its_receipt(api: Api, anna: Actor) -> None:
    for granted in (True, False, True):
        await api.do("setConsent", "learner { id }", anna, purpose="ANALYTICS", granted=granted)
    listed = (await api.ask(CONSENTS, anna))["viewer"]["learner"]["consents"]
    assert [c["stands"] for c in listed] == [True, False]
    assert json.loads(listed[1]["receipt"])["withdrawnAt"] is not None
    assert len({json.loads(c["receipt"])["id"] for c in listed}) == 2


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"purpose": "TALENT_SEARCH", "textVersion": "2020-01-01"}, "CONFLICT", ["textVersion"]),
        ({"purpose": "TALENT_SEARCH", "language": "de"}, "INVALID", ["language"]),
        ({"purpose": "CONTACT_BY"}, "REQUIRED", ["organizationId"]),
        ({"purpose": "CONTACT_BY", "organizationId": "org_nobody"}, "NOT_FOUND", ["organizationId"]),
    ],
)
async def test_a_consent_that_says_too_little_is_refused_and_nothing_stands(
    api: Api, anna: Actor, given: dict[str, str], code: str, path: list[str]
) -> None:
    payload = await api.do("setConsent", "learner { id }", anna, granted=True, **given)
    (error,) = payload["errors"]
    assert (payload["learner"], error["code"], error["path"]) == (None, code, path)
    assert (await api.ask(CONSENTS, anna))["viewer"]["learner"]["consents"] == []
