"""Awards and consent through the API: one allowed role, every refused one, and nothing changed by a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from countersign.awards import credentials
from countersign.kit.access import ANONYMOUS, Actor, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.awards.support import ANNA, Campus, acting, award, campus, consent, facts
from tests.factories import Factory
from tests.reads.toy import ask, ask_code, ask_data

SEALER = Sealer(b"s" * 32)

ISSUE = """
mutation Issue($input: IssueAwardInput!) {
  issueAward(input: $input) {
    award { id state mode earnedOn holderName signed credential url school { handle } specVersion { semver } }
    errors { ... on UserError { code path message } }
  }
}
"""
REVOKE = """
mutation Revoke($input: RevokeAwardInput!) {
  revokeAward(input: $input) { award { id state revocationReason } errors { ... on UserError { code path } } }
}
"""
CONSENT = """
mutation Consent($input: SetConsentInput!) {
  setConsent(input: $input) {
    learner { fullName consents { purpose method stands withdrawnAt expiresAt } }
    errors { ... on UserError { code path } }
  }
}
"""
ONE = "query One($id: ID!) { award(id: $id) { id holderName } node(id: $id) { id } }"
MINE = """{ viewer { organization { handle } roles learner { email awards(first: 10) { nodes { id state } } } } }"""


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return Engine(the_schema(), Tools(db, SEALER, signer))


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Campus:
    async with db.writer() as tx:
        return await campus(tx, make)


def issuing(here: Campus, **changes: Any) -> dict[str, Any]:
    given = {
        "idempotencyKey": str(new_id()),
        "specVersionId": f"version_{here.version}",
        "email": "anna@example.com",
        "fullName": "Anna Example",
        "country": "DE",
        "region": "DE-BE",
        "earnedOn": "2026-10-01",
    }
    return {k: v for k, v in (given | changes).items() if v is not ...}


async def counted(db: Database) -> tuple[int, ...]:
    async with db.writer() as tx:
        return await facts(tx)


async def issue(engine: Engine, here: Campus, actor: Actor | None = None, **changes: Any) -> Any:
    data = await ask_data(engine, ISSUE, actor or here.registrar, input=issuing(here, **changes))
    return data["issueAward"]


async def test_a_registrar_issues_and_the_learner_and_the_school_read_it(
    db: Database, engine: Engine, here: Campus
) -> None:
    made = await issue(engine, here)
    assert made["errors"] == []
    shown = made["award"]
    assert (shown["state"], shown["mode"], shown["earnedOn"]) == ("ISSUED", "STUDY", "2026-10-01")
    assert (shown["holderName"], shown["signed"], shown["credential"]) == ("Anna Example", False, None)
    assert shown["url"] == f"http://localhost:4600/awards/{shown['id']}"
    async with db.reader() as reader:
        learner = await reader.fetchval("select learner_id from learners")
    for actor in (here.registrar, acting(learner)):
        data = await ask_data(engine, ONE, actor, id=shown["id"])
        assert data == {"award": {"id": shown["id"], "holderName": "Anna Example"}, "node": {"id": shown["id"]}}
    mine = await ask_data(engine, MINE, acting(learner))
    assert mine["viewer"]["learner"]["awards"]["nodes"] == [{"id": shown["id"], "state": "ISSUED"}]


async def test_who_may_not_issue_awards_reads_none_of_them(engine: Engine, here: Campus) -> None:
    award_id = (await issue(engine, here))["award"]["id"]
    without_scope = replace(here.registrar, scopes=frozenset(Scope) - {Scope.AWARD_WRITE})
    without_role = replace(here.registrar, roles=frozenset({Role.AUTHOR, Role.ORG_ADMIN}))
    for actor in (without_scope, without_role):
        data = await ask_data(engine, ONE, actor, id=award_id)
        assert data == {"award": None, "node": None}
        assert await ask_code(engine, "{ awards(first: 1) { nodes { id } } }", actor) == "FORBIDDEN"
    assert (await ask_data(engine, ONE, here.registrar, id=award_id))["award"] is not None


async def test_the_address_of_an_award_gives_its_signed_credential(
    db: Database, engine: Engine, here: Campus, signer: Signer
) -> None:
    shown = (await issue(engine, here))["award"]
    credential = await credentials.shared_credential(db, signer, SEALER, shown["url"].rsplit("/", 1)[1])
    assert credential is not None
    data = await ask_data(
        engine, "query($id: ID!) { award(id: $id) { signed credential } }", here.registrar, id=shown["id"]
    )
    assert data["award"] == {"signed": True, "credential": credential.decode()}


async def test_strangers_see_no_award_and_missing_looks_the_same(
    db: Database, engine: Engine, here: Campus, make: Factory
) -> None:
    shown = (await issue(engine, here))["award"]
    async with db.writer() as tx:
        boris = await award(tx, here, type(ANNA)("boris@example.com", "Boris", "DE"))
        strangers = [await make.school(tx, *Role), await make.employer(tx, *Role), acting(boris.learner_id), ANONYMOUS]
    for actor in strangers:
        for text in (shown["id"], "award_x", f"award_{new_id()}"):
            assert await ask_data(engine, ONE, actor, id=text) == {"award": None, "node": None}


@pytest.mark.parametrize("role", [*(r for r in Role if r is not Role.REGISTRAR), "employer", "learner", "nobody"])
async def test_nobody_else_issues_revokes_or_lists_awards(
    db: Database, engine: Engine, here: Campus, make: Factory, role: Role | str
) -> None:
    shown = (await issue(engine, here))["award"]
    async with db.writer() as tx:
        learner = await tx.fetchval("select learner_id from learners")
        if isinstance(role, Role):
            actor = await make.member(tx, here.school, here.registrar.organization_kind, role)  # type: ignore[arg-type] # a school's registrar has a kind
        else:
            actor = {"employer": await make.employer(tx, *Role), "learner": acting(learner), "nobody": ANONYMOUS}[role]
    before = await counted(db)
    given = issuing(here, email="boris@example.com")
    revoking = {"idempotencyKey": str(new_id()), "awardId": shown["id"], "reason": "No"}
    if role == "nobody":
        assert (await ask(engine, ISSUE, actor, input=given))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await ask(engine, REVOKE, actor, input=revoking))["errors"][0]["extensions"][
            "code"
        ] == "UNAUTHENTICATED"
    else:
        issued = (await ask_data(engine, ISSUE, actor, input=given))["issueAward"]
        assert ([e["code"] for e in issued["errors"]], issued["award"]) == (["NOT_ALLOWED"], None)
        revoked = (await ask_data(engine, REVOKE, actor, input=revoking))["revokeAward"]
        assert ([e["code"] for e in revoked["errors"]], revoked["award"]) == (["NOT_ALLOWED"], None)
    assert await ask_code(engine, "{ awards(first: 1) { nodes { id } } }", actor) in {"FORBIDDEN", "UNAUTHENTICATED"}
    assert await counted(db) == before


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"email": "nobody"}, "INVALID", ["email"]),
        ({"fullName": " "}, "REQUIRED", ["fullName"]),
        ({"region": "FR-75"}, "INVALID", ["region"]),
        ({"earnedOn": "2027-01-01"}, "INVALID", ["earnedOn"]),
        ({"specVersionId": "version_x"}, "NOT_FOUND", ["specVersionId"]),
        ({"specVersionId": f"version_{new_id()}"}, "NOT_FOUND", ["specVersionId"]),
    ],
)
async def test_a_malformed_award_is_refused_with_the_place(
    db: Database, engine: Engine, here: Campus, changes: dict[str, Any], code: str, path: list[str]
) -> None:
    before = await counted(db)
    refused = await issue(engine, here, **changes)
    assert refused["award"] is None
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [(code, path)]
    assert await counted(db) == before


async def test_a_second_award_of_the_version_is_a_conflict_and_a_repeat_is_not(
    db: Database, engine: Engine, here: Campus
) -> None:
    given = issuing(here)
    first = await ask(engine, ISSUE, here.registrar, input=given)
    again = await ask(engine, ISSUE, here.registrar, input=given)
    assert first["data"] == again["data"]
    assert again["extensions"]["idempotency"] == "replayed"
    before = await counted(db)
    refused = await issue(engine, here)
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("CONFLICT", ["email"])]
    assert await counted(db) == before


async def test_a_registrar_revokes_once_with_a_reason(db: Database, engine: Engine, here: Campus) -> None:
    shown = (await issue(engine, here))["award"]

    async def revoke(reason: str, award_id: str = shown["id"]) -> Any:
        given = {"idempotencyKey": str(new_id()), "awardId": award_id, "reason": reason}
        return (await ask_data(engine, REVOKE, here.registrar, input=given))["revokeAward"]

    assert [e["code"] for e in (await revoke(" "))["errors"]] == ["REQUIRED"]
    assert [e["code"] for e in (await revoke("No", "award_x"))["errors"]] == ["NOT_FOUND"]
    done = await revoke("Plagiarism")
    assert done == {
        "award": {"id": shown["id"], "state": "REVOKED", "revocationReason": "Plagiarism"},
        "errors": [],
    }
    assert [e["code"] for e in (await revoke("Again"))["errors"]] == ["INVALID_STATE"]
    async with db.reader() as reader:
        assert await reader.fetchval("select count(*) from status_entries where revoked_at is not null") == 1


async def test_a_school_lists_its_own_awards_only(db: Database, engine: Engine, here: Campus, make: Factory) -> None:
    async with db.writer() as tx:
        elsewhere = await campus(tx, make, "elsewhere")
        await award(tx, elsewhere)
    shown = (await issue(engine, here))["award"]
    data = await ask_data(engine, "{ awards(first: 10) { totalCount nodes { id } } }", here.registrar)
    assert data["awards"] == {"totalCount": 1, "nodes": [{"id": shown["id"]}]}


async def test_a_learner_consents_and_withdraws_for_themselves(db: Database, engine: Engine, here: Campus) -> None:
    async with db.writer() as tx:
        anna = await award(tx, here)

    async def set_consent(granted: bool, **more: Any) -> Any:
        given = {"idempotencyKey": str(new_id()), "purpose": "TALENT_SEARCH", "granted": granted, **more}
        return (await ask_data(engine, CONSENT, acting(anna.learner_id), input=given))["setConsent"]

    done = await set_consent(True)
    assert done["learner"]["fullName"] == "Anna Example"
    assert [(c["purpose"], c["method"], c["stands"]) for c in done["learner"]["consents"]] == [
        ("TALENT_SEARCH", "PORTAL", True)
    ]
    assert (await counted(db))[3:5] == (1, 1)
    withdrawn = await set_consent(False)
    assert [(c["stands"], c["withdrawnAt"]) for c in withdrawn["learner"]["consents"]] == [
        (False, "2026-11-22T12:00:00Z")
    ]
    assert (await counted(db))[3:5] == (0, 0)
    late = await set_consent(True, expiresAt="2026-01-01T00:00:00Z")
    assert [(e["code"], e["path"]) for e in late["errors"]] == [("INVALID", ["expiresAt"])]
    assert (await counted(db))[3:5] == (0, 0)


async def test_nobody_consents_for_a_learner(db: Database, engine: Engine, here: Campus, make: Factory) -> None:
    async with db.writer() as tx:
        anna = await award(tx, here)
        await consent(tx, anna.learner_id)
        others = [here.registrar, await make.school(tx, *Role), await make.employer(tx, *Role)]
    before = await counted(db)
    for actor in others:
        for granted in (True, False):
            given = {"idempotencyKey": str(new_id()), "purpose": "TALENT_SEARCH", "granted": granted}
            refused = (await ask_data(engine, CONSENT, actor, input=given))["setConsent"]
            assert ([e["code"] for e in refused["errors"]], refused["learner"]) == (["NOT_ALLOWED"], None)
    assert await counted(db) == before


async def test_the_viewer_is_who_asks(engine: Engine, here: Campus) -> None:
    data = await ask_data(engine, MINE, here.registrar)
    assert data["viewer"]["roles"] == ["AUTHOR", "REGISTRAR"]
    assert data["viewer"]["organization"] is not None
    assert data["viewer"]["learner"] is None
    assert await ask_data(engine, MINE, ANONYMOUS) == {"viewer": None}


async def test_a_school_is_not_told_what_another_school_knows_of_a_learner(
    db: Database, engine: Engine, here: Campus, make: Factory
) -> None:
    async with db.writer() as tx:
        await award(tx, here)
        other = await campus(tx, make, "sql-for-analysts")
    for address in ("ANNA@example.com", "nobody-yet@example.com"):
        given = issuing(other, email=address, fullName="Somebody", country="FR", region=...)
        answer = await ask_data(engine, ISSUE, other.registrar, input=given)
        assert answer["issueAward"]["errors"] == []
        assert answer["issueAward"]["award"]["holderName"] == "Somebody"


@pytest.mark.parametrize("name", ["An\u202ena", "Anna\u0007", "Anna\nExample", "\u2066Anna"])
async def test_a_name_that_would_not_read_as_it_is_written_is_refused(
    db: Database, engine: Engine, here: Campus, name: str
) -> None:
    made = await issue(engine, here, fullName=name)
    assert [(e["code"], e["path"]) for e in made["errors"]] == [("INVALID", ["fullName"])]
    async with db.writer() as tx:
        assert (await facts(tx))[:3] == (0, 0, 0)
