"""Sign-in by OpenID Connect, with a provider that we did not write: what is good opens a session, nothing else does."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from countersign.accounts import rules
from countersign.accounts.rules_tokens import NotGood, derived
from countersign.edge.door import Door
from countersign.kit.db import Database
from tests.accounts.provider import CALLBACK, NAME, PAGE, Browser, People, browser, party, query

pytestmark = pytest.mark.node


async def sessions(db: Database) -> int:
    async with db.fresh_reader() as reader:
        found: int = await reader.fetchval("select count(*) from account_logins")
    return found


async def test_the_request_carries_code_pkce_state_and_nonce(ann: Browser) -> None:
    asked = query(await ann.asked(f"/auth/sign-in/{NAME}"))
    fixed = {name: value for name, value in asked.items() if name not in {"state", "nonce", "code_challenge"}}
    assert fixed == {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "code_challenge_method": "S256",
    }
    kept = ann.ours.cookies["cs-signin"]
    verifier = derived(kept, asked["state"], "verifier")
    digest = hashlib.sha256(verifier.encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert len({asked["state"], asked["nonce"], verifier, kept}) == 4
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    again = query(await ann.asked(f"/auth/sign-in/{NAME}"))
    assert not {again[name] for name in ("state", "nonce", "code_challenge")} & set(asked.values())


async def test_signing_in_opens_a_session_and_goes_where_it_was_asked_to(
    ann: Browser, db: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    began = datetime.now(UTC).replace(microsecond=0)  # providers tell whole seconds
    came = await ann.sign_in(f"/auth/sign-in/{NAME}?to=/v/42%3Flang%3Dru")
    assert (came.status_code, came.headers["location"]) == (303, "/v/42?lang=ru")
    cookies = came.headers.get_list("set-cookie")
    assert [c for c in cookies if c.startswith("cs=")] == [
        f"cs={ann.ours.cookies['cs']}; Path=/; HttpOnly; SameSite=Lax"
    ]
    me = await ann.me()
    assert (me["signedIn"], me["provider"]) == (True, "People")
    proved = datetime.fromisoformat(me["authenticatedAt"])
    assert began <= proved <= datetime.now(UTC)
    row = await owner.fetchrow("select * from account_logins")
    assert row is not None
    assert row["sha256"] == rules.secret_digest(ann.ours.cookies["cs"])
    assert row["email_key"] == rules.address_key("ann@people.example")
    assert row["provider_session"] is not None
    audited = await owner.fetchrow("select action, decision, actor, login_id from audit_events")
    assert audited is not None
    assert tuple(audited) == ("signIn", "done", f"person:{row['account_id']}", row["id"])
    assert await sessions(db) == 1


async def test_the_same_subject_is_the_same_account_and_each_sign_in_a_new_session(
    ann: Browser, door: Door, people: People
) -> None:
    await ann.sign_in()
    first, before = await ann.me(), ann.ours.cookies["cs"]
    await ann.sign_in()
    assert ann.ours.cookies["cs"] != before
    assert (await ann.me())["accountId"] == first["accountId"]
    async with browser(door) as thief:
        thief.ours.cookies.set("cs", before)
        assert (await thief.me())["signedIn"] is False, "the browser's session of before has ended"
    await people.turn(subject="bob")
    async with browser(door) as bob:
        await bob.sign_in()
        assert (await bob.me())["accountId"] != first["accountId"]


async def test_an_address_that_the_provider_does_not_vouch_for_is_not_kept(
    ann: Browser, people: People, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await people.turn(verified=False)
    await ann.sign_in()
    assert await owner.fetchval("select email_key from account_logins") is None


FORGED: dict[str, dict[str, Any]] = {
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another audience": {"claims": {"aud": "another"}},
    "another nonce": {"claims": {"nonce": "another"}},
    "none": {"by": "nobody"},
    "public key as a secret": {"by": "public key as a secret"},
    "signed by a stranger under the same kid": {"by": "stranger"},
    "brings its own key": {"by": "stranger who brings the key"},
    "an unknown kid": {"by": "stranger", "header": {"kid": "another"}},
    "an algorithm that is not this provider's": {"by": "another algorithm"},
    "a logout token": {"header": {"typ": "logout+jwt"}},
}


@pytest.mark.parametrize("forged", list(FORGED))
async def test_a_forged_token_opens_nothing(
    ann: Browser, people: People, db: Database, forged: str, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await people.turn(forge=FORGED[forged])
    came = await ann.sign_in()
    assert (came.status_code, "cs" in ann.ours.cookies) == (400, False)
    assert came.headers.get_list("set-cookie") == []
    assert (await sessions(db), await owner.fetchval("select count(*) from accounts")) == (0, 0)
    audited = await owner.fetchrow("select action, decision, actor, object from audit_events")
    assert audited is not None
    assert tuple(audited) == ("signIn", "denied", "nobody", f"provider:{NAME}")


async def test_an_unforged_token_of_the_same_way_is_good(ann: Browser, people: People) -> None:
    await people.turn(forge={"claims": {"amr": ["pwd"]}})
    assert (await ann.sign_in()).status_code == 303


async def test_the_provider_refuses_another_verifier_and_a_code_for_the_second_time(
    ann: Browser, people: People
) -> None:
    """The provider is the judge; we send what it needs to judge by, and open nothing when it refuses."""
    now = datetime.now(UTC)
    answer = query(await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}")))
    with pytest.raises(NotGood):
        await party(people).redeem(answer["code"], answer["state"], rules.new_secret(), now)
    assert (await people.turn())["asked"] == [{"status": 400, "error": "invalid_grant"}]
    answer = query(await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}")))
    given = (answer["code"], answer["state"], ann.ours.cookies["cs-signin"], now)
    assert (await party(people).redeem(*given)).subject == "ann"
    with pytest.raises(NotGood):
        await party(people).redeem(*given)
    assert [a["error"] for a in (await people.turn())["asked"]] == ["invalid_grant", None, "invalid_grant"]


async def test_an_answer_is_good_once_and_in_the_browser_where_it_began(
    ann: Browser, door: Door, people: People, db: Database
) -> None:
    answer = await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}"))
    async with browser(door) as another:
        assert (await another.come_back(answer)).status_code == 400
        await another.asked(f"/auth/sign-in/{NAME}")  # has a cookie of its own
        assert (await another.come_back(answer)).status_code == 400
    assert (await ann.come_back(answer)).status_code == 303
    assert (await ann.come_back(answer)).status_code == 400
    assert await sessions(db) == 1
    assert len((await people.turn())["asked"]) == 1, "an answer that is not ours is not taken to the provider"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"state": rules.new_secret()},
        {"state": None},
        {"code": None},
        {"code": "another"},
        {"error": "access_denied"},
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_opens_nothing(
    ann: Browser, db: Database, wrong: dict[str, str | None]
) -> None:
    answer = query(await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}")))
    changed = {name: value for name, value in {**answer, **wrong}.items() if value is not None}
    assert (await ann.ours.get(CALLBACK, params=changed)).status_code == 400
    assert await sessions(db) == 0


async def test_who_says_no_at_the_provider_is_not_signed_in(ann: Browser, people: People, db: Database) -> None:
    await people.turn(subject="")
    assert (await ann.sign_in()).status_code == 400
    assert await sessions(db) == 0


async def test_new_keys_of_the_provider_are_fetched_when_they_are_met_and_once_a_minute(
    ann: Browser, people: People
) -> None:
    seconds = 1_000.0
    here = party(people)
    here.monotonic = lambda: seconds

    async def code() -> tuple[str, str, str, datetime]:
        answer = query(await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}")))
        return answer["code"], answer["state"], ann.ours.cookies["cs-signin"], datetime.now(UTC)

    assert (await here.redeem(*await code())).subject == "ann"
    known = here._keys.value
    await people.turn(rotate=True)
    seconds += 60
    assert (await here.redeem(*await code())).subject == "ann"
    assert here._keys.value != known
    await people.turn(rotate=True)
    seconds += 59
    with pytest.raises(NotGood):
        await here.redeem(*await code())
    seconds += 1
    assert (await here.redeem(*await code())).subject == "ann"


async def test_step_up_asks_for_the_password_again_and_changes_the_session(
    ann: Browser, people: People, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    long_ago = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    await people.turn(authTime=long_ago)
    await ann.sign_in()
    before, old = await ann.me(), ann.ours.cookies["cs"]
    asked = query(await ann.asked("/auth/step-up"))
    assert (asked["max_age"], asked["prompt"]) == ("0", "login")
    assert (await ann.sign_in("/auth/step-up")).status_code == 400, "the provider did not ask anew"
    await people.turn(authTime=None)
    came = await ann.sign_in("/auth/step-up?to=/graphql")
    assert (came.status_code, came.headers["location"]) == (303, "/graphql")
    after = await ann.me()
    assert ann.ours.cookies["cs"] != old
    assert after["accountId"] == before["accountId"]
    assert datetime.fromisoformat(after["authenticatedAt"]) > datetime.fromisoformat(before["authenticatedAt"])
    assert await owner.fetchval("select count(*) from account_logins where ended_at is null") == 1


async def test_a_step_up_by_somebody_else_changes_nothing(ann: Browser, people: People, db: Database) -> None:
    await ann.sign_in()
    before = await ann.me()
    await people.turn(subject="bob")
    ann.theirs.cookies.clear()
    assert (await ann.sign_in("/auth/step-up")).status_code == 400
    assert await ann.me() == before
    assert await sessions(db) == 1


async def test_without_a_session_there_is_no_step_up(ann: Browser) -> None:
    assert (await ann.ours.get("/auth/step-up")).status_code == 401
    await ann.sign_in()
    from_another_page = await ann.ours.get("/auth/step-up", headers={"sec-fetch-site": "cross-site"})
    assert from_another_page.status_code == 403


async def test_the_provider_ends_its_session_with_us(ann: Browser, door: Door, people: People) -> None:
    await ann.sign_in()
    claims = await logout_claims(people, sub="ann")
    wrong: list[dict[str, Any]] = [
        {"claims": {**claims, "aud": "another"}},
        {"claims": {**claims, "iss": "https://evil.example"}},
        {"claims": {**claims, "nonce": "x"}},
        {"claims": {**claims, "events": {}}},
        {"claims": {**claims, "iat": claims["iat"] - 3_600}},
        {"claims": {name: value for name, value in claims.items() if name != "sub"}},
        {"claims": {name: value for name, value in claims.items() if name != "jti"}},
        {"claims": claims, "header": {"typ": "at+jwt"}},
    ]
    for sign in wrong:
        token = (await people.turn(sign=sign))["token"]
        assert (await said_by_provider(door, token)).status_code == 400, sign
    assert (await said_by_provider(door, "a.b.c")).status_code == 400
    assert (await ann.me())["signedIn"] is True
    good = (await people.turn(sign={"claims": claims, "header": {"typ": "logout+jwt"}}))["token"]
    assert (await said_by_provider(door, good)).status_code == 200
    assert (await ann.me())["signedIn"] is False
    await ann.sign_in()
    assert (await said_by_provider(door, good)).status_code == 200
    assert (await ann.me())["signedIn"] is True, "a logout token is good once"
    for session, stays in (("another", True), ((await people.turn())["sid"], False)):
        claims = await logout_claims(people, sid=session)
        await said_by_provider(door, (await people.turn(sign={"claims": claims}))["token"])
        assert (await ann.me())["signedIn"] is stays


async def logout_claims(people: People, **who: str) -> dict[str, Any]:
    """What a provider says when somebody signs out there."""
    now = int(datetime.now(UTC).timestamp())
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    said = {"iss": people.issuer, "aud": "portal", "iat": now, "exp": now + 120, "jti": rules.new_secret()}
    return {**said, "events": events, **who}


async def said_by_provider(door: Door, token: str) -> Any:
    async with browser(door) as them:
        return await them.ours.post(f"/auth/back-channel/{NAME}", data={"logout_token": token})


async def test_signing_out_needs_our_page_and_ends_the_session(ann: Browser, door: Door) -> None:
    await ann.sign_in()
    for headers in ({}, {"x-countersign": "1"}, {"sec-fetch-site": "same-origin"}, {**PAGE, "origin": "null"}):
        assert (await ann.ours.post("/auth/sign-out", headers=headers)).status_code == 403
    assert (await ann.me())["signedIn"] is True
    cookie = ann.ours.cookies["cs"]
    said = await ann.ours.post("/auth/sign-out", headers=PAGE)
    assert said.json()["ended"] == 1
    assert query(said.json()["endSessionUrl"])["client_id"] == "portal"
    assert "cs" not in ann.ours.cookies
    async with browser(door) as thief:
        thief.ours.cookies.set("cs", cookie)
        assert (await thief.me())["signedIn"] is False


async def test_signing_out_everywhere_ends_every_session_of_the_account(
    ann: Browser, door: Door, people: People
) -> None:
    await ann.sign_in()
    async with browser(door) as elsewhere, browser(door) as bob:
        await elsewhere.sign_in()
        await people.turn(subject="bob")
        await bob.sign_in()
        said = await ann.ours.post("/auth/sign-out-everywhere", headers=PAGE)
        assert said.json()["ended"] == 2
        assert [(await b.me())["signedIn"] for b in (ann, elsewhere, bob)] == [False, False, True]
