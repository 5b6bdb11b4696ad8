"""Who endorses elsewhere is asked through the guarded fetcher: for keys, for status lists, for what they host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from countersign.endorsements import foreign, foreign_checks, policies
from countersign.endorsements.policies import Publish
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import ANONYMOUS, SYSTEM, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.fetcher import ANYTHING, Fetcher
from countersign.trust.canonical_codes import base64url_encode
from countersign.trust.documents import CONTEXTS
from countersign.trust.signer import Signer
from tests.endorsements.abroad import HOST, LIST, STATUS, WEB, WEB_KEYS, Guild, Post, outcomes, posted
from tests.factories import Factory
from tests.kit.outside_world import World, world
from tests.trust.others import RSA, jwk, pem

GOOD = dict.fromkeys(("contexts", "schema", "terms", "proof", "dates", "status", "subject", "issuer"), "PASSED")
PROFILE = f"https://{HOST}/issuer.json"
HOSTED = f"https://{HOST}/endorsements/3.json"
KEY_OF_ANOTHER = ec.derive_private_key(8, ec.SECP256R1())
SUSPENDED = WEB.listed(LIST.replace("revocation", "suspension"), "suspension", (5,))


@pytest_asyncio.fixture(scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("outside"), HOST, "keys.example") as made:
        yield made


@pytest_asyncio.fixture
async def post(db: Database, signer: Signer, make: Factory, outside: World) -> AsyncIterator[Post]:
    """A guild with a did:web, which the operator knows."""
    async with db.writer() as tx:
        for issuer in (WEB.id, PROFILE):
            await foreign.recognize(tx, SYSTEM, issuer, "A guild elsewhere")
    async with posted(db, signer, make, outside) as made:
        made.guild = WEB
        yield made


async def looked(post: Post) -> int:
    """One look at what is due."""
    return await foreign_checks.look(post.api.db, post.api.tools.fetcher, post.api.tools.signer.workers)


async def test_keys_and_the_status_list_are_asked_for_and_kept_by_their_digests(post: Post) -> None:
    post.publishes(4, 6)
    for document in (post.signed(credentialStatus=STATUS), post.jwt(credentialStatus=STATUS)):
        made = await post.bring(document)
        assert made["errors"] == []
        found = made["foreignEndorsement"]
        assert (outcomes(made), found["verified"]) == (GOOD, True)
        fetched = {each["purpose"]: each for each in found["fetched"]}
        assert (fetched["KEYS"]["url"], fetched["STATUS"]["url"]) == (WEB_KEYS, LIST)
        assert fetched["KEYS"]["sha256"] == hashlib.sha256(WEB.keys()).hexdigest()
        assert fetched["KEYS"]["size"] == len(WEB.keys())
        assert "404" not in str(fetched["STATUS"])
        (look,) = found["checks"]
        assert (look["verified"], look["wanted"], found["checkedAt"]) == (True, False, look["checkedAt"])
        assert {each["passedAt"] for each in found["findings"]} == {look["checkedAt"]}
    async with post.api.db.writer() as tx:
        kinds = await tx.fetch("select action from audit_events where kind = 'foreign_check'")
        assert [row["action"] for row in kinds] == ["foreign_endorsement.checked"] * 2


async def test_what_is_wrong_elsewhere_shows_in_its_own_finding(post: Post) -> None:
    other = Guild(WEB.id, KEY_OF_ANOTHER, WEB.method, WEB.suite)
    listed = WEB.listed(LIST)
    by_other = {**listed, "issuer": "did:web:other.example"}
    short = WEB.listed(LIST, validUntil="2026-11-02T00:00:00Z")
    now, signed = post.now(), post.signed(credentialStatus=STATUS)
    wrong: list[tuple[str, bytes, dict[str, bytes]]] = [
        ("proof", other.keys(), {}),
        ("proof", WEB.keys(id="did:web:other.example"), {}),
        ("proof", WEB.keys(assertionMethod=[]), {}),
        ("status", WEB.keys(), {LIST: WEB.proven(WEB.listed(LIST, places=(5,)), now).encode()}),
        ("status", WEB.keys(), {LIST: other.proven(listed, now).encode()}),
        ("status", WEB.keys(), {LIST: json.dumps(listed).encode()}),
        ("status", WEB.keys(), {LIST: WEB.proven(by_other, now).encode()}),
        ("status", WEB.keys(), {LIST: WEB.proven(short, now).encode()}),
        ("status", WEB.keys(), {LIST: WEB.proven(WEB.listed(LIST, "suspension"), now).encode()}),
        ("status", WEB.keys(), {LIST: other.token(listed).encode()}),
        (
            "status",
            WEB.keys(),
            {LIST.replace("revocation", "suspension"): WEB.proven(SUSPENDED, now).encode()},
        ),
    ]
    for number, (check, keys, pages) in enumerate(wrong):
        post.publishes()
        post.outside.stands(WEB_KEYS, keys)
        for url, body in pages.items():
            post.outside.stands(url, body)
        made = await post.bring(signed + " " * number)
        failed = {name for name, outcome in outcomes(made).items() if outcome == "FAILED"}
        assert made["foreignEndorsement"]["verified"] is False
        assert check in failed, (number, made)
        assert failed <= {"proof", "status"}
        post.outside.pages.clear()


async def test_a_status_list_that_is_a_token_counts_by_its_own_signature(post: Post) -> None:
    for places, outcome in (((), "PASSED"), ((5,), "FAILED")):
        post.publishes()
        post.outside.stands(LIST, WEB.token(WEB.listed(LIST, places=places)).encode())
        made = await post.bring(post.jwt(credentialStatus=STATUS) + " " * len(places))
        assert outcomes(made) == {**GOOD, "status": outcome}


async def test_a_list_of_revocations_is_asked_for_where_the_credential_says(post: Post, clock: FrozenClock) -> None:
    url = f"https://{HOST}/revocations.json"
    extended = {
        "@context": [*CONTEXTS, "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"],
        "credentialStatus": {"id": url, "type": "1EdTechRevocationList"},
    }
    post.outside.stands(WEB_KEYS, WEB.keys())
    post.outside.stands(url, json.dumps({"id": url, "issuer": WEB.id, "revokedCredential": []}).encode())
    made = await post.bring(post.signed(**extended))
    assert (outcomes(made), made["foreignEndorsement"]["verified"]) == (GOOD, True)
    assert {each["url"] for each in made["foreignEndorsement"]["fetched"]} == {WEB_KEYS, url}
    named = [{"id": post.credential()["id"], "revocationReason": "We left the trade."}]
    post.outside.stands(url, json.dumps({"id": url, "issuer": WEB.id, "revokedCredential": named}).encode())
    clock.move(timedelta(days=1))
    assert await looked(post) == 1
    assert (await post.apart())["foreignEndorsements"][0]["verified"] is False
    assert await sentence(post, made, "status") == "The issuer has revoked it. Its reason: We left the trade."


async def test_a_signed_open_badges_2_endorsement_is_verified_by_its_issuers_profile(post: Post) -> None:
    key = f"https://{HOST}/key.json"
    said = {"id": PROFILE, "type": "Issuer", "publicKey": key}
    held = {"id": key, "type": "CryptographicKey", "owner": PROFILE, "publicKeyPem": pem(RSA)}
    post.outside.stands(PROFILE, json.dumps(said).encode())
    post.outside.stands(key, json.dumps(held).encode())
    claims = hosted(post, id="urn:uuid:1", verification={"type": "SignedBadge", "creator": key})
    made = await post.bring(Guild(PROFILE, RSA, key).token(claims, kid=None, typ=None))
    good = dict.fromkeys(("schema", "proof", "dates", "status", "subject", "issuer"), "PASSED")
    assert (outcomes(made), made["foreignEndorsement"]["verified"]) == (good, True)
    assert made["foreignEndorsement"]["format"] == "OPEN_BADGES_2"
    assert {each["purpose"] for each in made["foreignEndorsement"]["fetched"]} == {"ISSUER", "KEY"}


async def test_a_token_list_that_has_expired_says_nothing(post: Post) -> None:
    post.publishes()
    ended = int(post.now().timestamp()) - 1
    post.outside.stands(LIST, WEB.token({**WEB.listed(LIST), "exp": ended}).encode())
    assert outcomes(await post.bring(post.jwt(credentialStatus=STATUS)))["status"] == "FAILED"


async def sentence(post: Post, made: dict[str, Any], check: str) -> str:
    """What is told of one check now."""
    question = "query ($id: ID!) { foreignEndorsement(id: $id) { findings { check detail } } }"
    seen = await post.api.ask(question, post.here.school, id=made["foreignEndorsement"]["id"])
    return next(str(each["detail"]) for each in seen["foreignEndorsement"]["findings"] if each["check"] == check)


async def test_silence_is_no_refusal_and_what_was_verified_outlives_it_for_a_week(
    post: Post, clock: FrozenClock
) -> None:
    made = await post.bring(post.signed(credentialStatus=STATUS))
    found = made["foreignEndorsement"]
    assert outcomes(made) == {**GOOD, "proof": "NOT_REACHED", "status": "NOT_REACHED"}
    assert "was asked." in str(found["findings"])
    assert (found["verified"], found["provedAt"]) == (False, None)
    clock.move(timedelta(hours=5))
    assert await looked(post) == 0
    clock.move(timedelta(hours=1))
    post.publishes()
    assert await looked(post) == 1
    seen = (await post.apart())["foreignEndorsements"]
    assert [each["verified"] for each in seen] == [True]
    assert await looked(post) == 0
    post.outside.pages.clear()
    days, told = [], []
    for _ in range(9):
        clock.move(timedelta(days=1))
        assert await looked(post) == 1
        days.append((await post.apart())["foreignEndorsements"][0]["verified"])
        told.append(await sentence(post, made, "status"))
    when = "on 2026-11-22 18:00 UTC; what was verified then is believed for a week without an answer."
    assert [words.partition("It last passed ")[2] for words in told] == [
        f"{age}, {when}" for age in ("a day before", *(f"{number} days before" for number in range(2, 10)))
    ]
    assert days == [True] * 7 + [False] * 2
    assert await post.kept("foreign_checks") == 4, "not reached, verified, silent, given up: the rest was the same"
    post.publishes(5)
    clock.move(timedelta(minutes=2))
    again = await post.again(made)
    status = next(each for each in again["foreignEndorsement"]["findings"] if each["check"] == "status")
    assert (status["outcome"], status["verdict"]) == ("FAILED", "REVOKED")
    assert status["passedAt"] == "2026-11-22T18:00:00Z"
    assert again["foreignEndorsement"]["checks"][0]["wanted"] is True


async def test_a_revocation_elsewhere_ends_co_validation_and_history_keeps_both(post: Post, clock: FrozenClock) -> None:
    async with post.api.db.writer() as tx:
        policy = QuorumPolicy(groups=1, foreign_counts=True)
        await policies.publish(tx, SYSTEM, Publish(policy, "Those whom we know count."))
    post.publishes()
    clock.move(timedelta(hours=1))
    made = await post.bring(post.signed(credentialStatus=STATUS))
    assert (await post.apart())["coValidated"] is True
    before = clock.now()
    clock.move(timedelta(days=1))
    post.publishes(5)
    assert await looked(post) == 1
    question = """query ($id: ID!, $at: DateTime!) { specVersion(by: {id: $id}) { now: coValidated
      then: coValidated(asOf: $at) coValidationHistory { coValidated because { kind } } } }"""
    seen = (await post.api.ask(question, None, id=f"version_{post.here.version}", at=before.isoformat()))["specVersion"]
    assert (seen["now"], seen["then"]) == (False, True)
    last = seen["coValidationHistory"][0]
    assert (last["coValidated"], [cause["kind"] for cause in last["because"]]) == (False, ["FOREIGN_CHECKED"])
    assert made["foreignEndorsement"]["verified"] is True
    async with post.api.db.writer() as tx:
        topics = await tx.fetch("select topic from outbox where topic like 'spec.co_validation_lost%'")
        assert len(topics) == 1


async def test_an_issuer_known_only_later_is_judged_anew(post: Post, db: Database, clock: FrozenClock) -> None:
    unknown = Guild("did:web:guild.example", WEB.key, "did:web:guild.example#1", WEB.suite)
    post.outside.stands(f"https://{HOST}/.well-known/did.json", unknown.keys())
    post.guild = unknown
    made = await post.bring(post.signed())
    assert outcomes(made) == {**GOOD, "issuer": "NOT_CHECKED"}
    async with db.writer() as tx:
        await foreign.recognize(tx, SYSTEM, unknown.id, "The guild")
    clock.move(timedelta(minutes=2))
    assert await looked(post) == 1
    assert (await post.apart())["foreignEndorsements"][0]["verified"] is True


class Meanwhile(Fetcher):
    """Lets something happen while somebody elsewhere is asked."""

    def __init__(self, inner: Fetcher, happens: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.inner, self.happens = inner, happens

    async def get(self, url: str, accept: str = ANYTHING) -> bytes:
        """What stands there, after what happens."""
        await self.happens()
        return await self.inner.get(url, accept)


async def test_what_is_learnt_while_its_issuer_is_asked_is_not_forgotten(
    post: Post, db: Database, clock: FrozenClock
) -> None:
    unknown = Guild("did:web:guild.example", WEB.key, "did:web:guild.example#1", WEB.suite)
    post.outside.stands(f"https://{HOST}/.well-known/did.json", unknown.keys())
    post.guild = unknown
    await post.bring(post.signed())
    clock.move(timedelta(days=1))

    async def known() -> None:
        async with db.writer() as tx:
            await foreign.recognize(tx, SYSTEM, unknown.id, "The guild")

    tools = post.api.tools
    assert await foreign_checks.look(db, Meanwhile(tools.fetcher, known), tools.signer.workers) == 1
    clock.move(timedelta(minutes=2))
    assert await looked(post) == 1
    assert (await post.apart())["foreignEndorsements"][0]["verified"] is True


async def test_a_slow_look_overwrites_no_newer_one(post: Post, clock: FrozenClock) -> None:
    post.publishes()
    await post.bring(post.signed(credentialStatus=STATUS))
    clock.move(timedelta(days=1))
    inner = post.api.tools.fetcher

    async def revoked() -> None:
        if slow.happens is revoked:
            slow.happens = nothing
            clock.move(timedelta(minutes=2))
            post.publishes(5)
            assert await looked(post) == 1
            post.outside.pages.clear()

    async def nothing() -> None:
        return

    slow = Meanwhile(inner, revoked)
    await foreign_checks.look(post.api.db, slow, post.api.tools.signer.workers)
    assert await post.kept("foreign_checks") == 2, "verified, revoked: and not what was late"


async def test_one_that_cannot_be_read_keeps_no_other_waiting(
    post: Post, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    post.publishes()
    for spaces in range(2):
        await post.bring(post.signed(credentialStatus=STATUS) + " " * spaces)
    damaged = "update foreign_endorsements set document = '\\xff' where id = $1"
    await owner.execute(damaged, await owner.fetchval("select id from foreign_endorsements order by id limit 1"))
    clock.move(timedelta(days=1))
    assert await looked(post) == 1


async def test_neighbours_on_a_shared_host_sign_nothing_for_each_other(post: Post) -> None:
    post.publishes()
    for kid in (f"https://{HOST}/other/key", f"https://{HOST}/design/../other/key", f"https://{HOST}/design/keys/1"):
        post.outside.stands(kid, json.dumps(jwk(KEY_OF_ANOTHER)).encode())
        forged = Guild(WEB.id, KEY_OF_ANOTHER, kid).token({**post.credential(), "iss": WEB.id})
        made = await post.bring(forged)
        assert outcomes(made)["proof"] == "FAILED", kid
        assert f"does not name {kid}" in str(made["foreignEndorsement"]["findings"])
        assert {each["purpose"] for each in made["foreignEndorsement"]["fetched"]} == {"KEYS"}


async def test_an_https_issuer_signs_with_a_key_that_its_own_document_names(post: Post) -> None:
    key = "https://keys.example/1"
    post.guild = Guild(PROFILE, WEB.key, key, WEB.suite)
    post.outside.stands(key, json.dumps(jwk(WEB.key)).encode())
    post.outside.stands(PROFILE, json.dumps({"id": PROFILE, "assertionMethod": [key]}).encode())
    for document in (post.jwt(), post.signed()):
        made = await post.bring(document)
        assert outcomes(made) == GOOD, "it may lie anywhere, since its issuer says so"
        assert {each["purpose"]: each["url"] for each in made["foreignEndorsement"]["fetched"]} == {
            "KEYS": PROFILE,
            "KEY": key,
        }
    post.outside.stands(PROFILE, json.dumps({"id": PROFILE}).encode())
    made = await post.bring(post.jwt() + " ")
    assert outcomes(made)["proof"] == "FAILED"
    assert {each["purpose"] for each in made["foreignEndorsement"]["fetched"]} == {"KEYS"}


async def test_an_issuer_that_is_its_own_key_is_asked_nothing(post: Post) -> None:
    key = base64url_encode(json.dumps(jwk(RSA)).encode())
    post.guild = Guild(f"did:jwk:{key}", RSA, f"did:jwk:{key}#0")
    made = await post.bring(post.jwt())
    assert outcomes(made) == {**GOOD, "issuer": "NOT_CHECKED"}
    post.guild = Guild("did:jwk:e30", RSA, "did:jwk:e30#0")
    assert outcomes(await post.bring(post.jwt()))["proof"] == "FAILED"
    post.guild = Guild("did:jwk:=", RSA, "did:jwk:=#0")
    assert outcomes(await post.bring(post.jwt()))["proof"] == "NOT_CHECKED"
    assert post.outside.requests == []


def hosted(post: Post, **more: Any) -> dict[str, Any]:
    """An Open Badges 2.0 Endorsement of the version."""
    return {
        "@context": "https://w3id.org/openbadges/v2",
        "type": "Endorsement",
        "id": HOSTED,
        "claim": {"id": post.url, "endorsementComment": "Great."},
        "issuer": PROFILE,
        "issuedOn": "2026-10-01T00:00:00Z",
        "verification": {"type": "hosted"},
        **more,
    }


async def test_a_hosted_endorsement_is_verified_by_asking_for_it_at_its_own_address(post: Post) -> None:
    good = dict.fromkeys(("schema", "proof", "dates", "status", "subject", "issuer"), "PASSED")
    profile = {"id": PROFILE, "type": "Issuer", "name": "A guild"}
    scope = {"verification": {"allowedOrigins": [HOST], "startsWith": [f"https://{HOST}/endorsements/"]}}
    cases: list[tuple[dict[str, Any], bytes, dict[str, Any], dict[str, str]]] = [
        ({}, b"200 OK", profile, good),
        ({"issuer": {"id": PROFILE, "name": "A guild"}}, b"200 OK", {**profile, **scope}, good),
        ({"claim": {"id": post.url, "endorsementComment": "Poor."}}, b"200 OK", profile, {**good, "proof": "FAILED"}),
        ({"revoked": True}, b"200 OK", profile, {**good, "status": "FAILED"}),
        ({}, b"410 Gone", profile, {**good, "proof": "FAILED", "status": "FAILED"}),
        ({}, b"404 Not Found", profile, {**good, "proof": "FAILED", "status": "NOT_REACHED"}),
        ({}, b"503 Later", profile, {**good, "proof": "NOT_REACHED", "status": "NOT_REACHED"}),
        ({}, b"200 OK", {**profile, "id": "https://other.example/"}, {**good, "proof": "FAILED"}),
        (
            *({}, b"200 OK", {**profile, "verification": {"startsWith": f"https://{HOST}/other/"}}),
            {**good, "proof": "FAILED"},
        ),
        (
            *({}, b"200 OK", {**profile, "verification": {"allowedOrigins": ["other.example"]}}),
            {**good, "proof": "FAILED"},
        ),
    ]
    for number, (more, status, issuer, expected) in enumerate(cases):
        post.outside.stands(HOSTED, json.dumps(hosted(post, **more)).encode(), status)
        post.outside.stands(PROFILE, json.dumps(issuer).encode())
        made = await post.bring(json.dumps(hosted(post)) + " " * number)
        assert outcomes(made) == expected, (number, made)
        assert made["foreignEndorsement"]["verified"] is (expected == good)
    assert all(b"application/ld+json" in head for head in post.outside.requests)
    signed = await post.bring(json.dumps(hosted(post, verification={"type": "SignedBadge"})))
    assert outcomes(signed)["proof"] == "NOT_CHECKED"
    assert "import the signed text itself" in str(signed["foreignEndorsement"]["findings"])


UNREADABLE = (b"", b"[1]", b"\xff", b"{" * 99, b'{"a": 1, "a": 2}', b"x" * 300_000, b"[" * 200_000)
NOT_PUBLIC = (
    *("did:web:127.0.0.1", "did:web:localhost%3A22:x", "did:web:inner.example", "https://user@guild.example/"),
    *("https://[", "http://guild.example/", "did:web:..", "did:web:guild.example:..:x", "did:ion:abc", "urn:x"),
    "https://guild.example/" + "x" * 3000,
)


async def test_what_cannot_be_read_elsewhere_is_not_reached_and_breaks_nothing(post: Post) -> None:
    for number, body in enumerate(UNREADABLE):
        post.outside.stands(WEB_KEYS, body)
        post.outside.stands(LIST, body)
        made = await post.bring(post.signed(credentialStatus=STATUS) + " " * number)
        assert made["errors"] == []
        assert outcomes(made) == {**GOOD, "proof": "NOT_REACHED", "status": "NOT_REACHED"}, body[:9]


async def test_a_nul_of_a_stranger_is_kept_as_a_mark(post: Post) -> None:
    where = f"https://{HOST}/\x00"
    post.outside.stands(WEB_KEYS, b'{"a\\u0000": 1, "a\\u0000": 2}')
    made = await post.bring(post.jwt(credentialStatus={**STATUS, "statusListCredential": where}))
    fetched = made["foreignEndorsement"]["fetched"]
    assert where.replace("\x00", "\ufffd") in {each["url"] for each in fetched}
    made = await post.bring(json.dumps(hosted(post, **{"x\x00": 1, "id": where})))
    assert made["errors"] == []


async def test_nothing_but_the_public_internet_is_asked(post: Post) -> None:
    post.outside.names.hosts["inner.example"] = [["10.0.0.1"]]
    status = {**STATUS, "statusListCredential": "https://inner.example/1"}
    for issuer in NOT_PUBLIC:
        post.guild = Guild(issuer, WEB.key, f"{issuer}#1", WEB.suite)
        made = await post.bring(post.jwt(credentialStatus=status))
        assert made["errors"] == []
        assert outcomes(made)["proof"] in {"NOT_REACHED", "NOT_CHECKED"}, issuer
        assert outcomes(made)["status"] == "NOT_REACHED", issuer
        assert made["foreignEndorsement"]["verified"] is False
    assert post.outside.requests == []


async def test_only_its_school_has_it_checked_anew_and_not_twice_a_minute(
    post: Post, make: Factory, clock: FrozenClock
) -> None:
    post.publishes()
    made = await post.bring(post.signed())
    asked, checks = len(post.outside.requests), await post.kept("foreign_checks")
    async with post.api.db.writer() as tx:
        stranger = await make.school(tx)
        registrar = await make.member(tx, post.here.school_id, OrganizationKind.SCHOOL, Role.REGISTRAR)
    for actor in (stranger, registrar, post.here.employer, ANONYMOUS):
        refused = await post.again(made, actor)
        assert refused.get("refused") or refused["errors"][0]["code"] in {"NOT_ALLOWED", "NOT_FOUND"}, actor
    assert (await post.again(made))["errors"] == []
    assert (len(post.outside.requests), await post.kept("foreign_checks")) == (asked, checks)
    clock.move(timedelta(minutes=2))
    assert (await post.again(made))["errors"] == []
    assert (len(post.outside.requests), await post.kept("foreign_checks")) == (asked + 1, checks + 1)
    await post.api.do(
        "withdrawForeignEndorsement",
        "clientMutationId",
        post.here.school,
        foreignEndorsementId=made["foreignEndorsement"]["id"],
    )
    clock.move(timedelta(days=2))
    assert (await post.again(made))["errors"][0]["code"] == "INVALID_STATE"
    assert await looked(post) == 0
    assert len(post.outside.requests) == asked + 1


async def test_one_process_asks_at_a_time_and_with_no_transaction_open(post: Post, clock: FrozenClock) -> None:
    made = await post.bring(post.signed())
    clock.move(timedelta(hours=7))
    key = made["foreignEndorsement"]["id"].removeprefix("fen_")
    before = len(post.outside.requests)
    async with post.api.db.writer() as tx:
        await tx.fetchrow("select from foreign_watches where foreign_endorsement_id = $1 for update", key)
        assert await looked(post) == 0
    assert len(post.outside.requests) == before
