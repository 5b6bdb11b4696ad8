"""E-mail through a real SMTP server: confirmed before anything is sent, once, in digests, and ended by one click."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.learners.service import Person, enrol
from countersign.notices import mailing
from countersign.notices.composing import Letter, Line, compose
from countersign.notices.rules_sending import LEASE, MAIL_PAUSES
from countersign.notices.smtp import NotSent, Security, Smtp
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.conftest import NOW, ORIGIN
from tests.factories import Factory
from tests.kit.outside_world import certificate
from tests.notices.post import SENDER, Office, office
from tests.notices.support import Market, market
from tests.reviews.support import everything

ADDRESS = "anna.reviewer@employer.example"
BOX = "{ inbox { choices { kind channel rhythm chosen } mailbox { id language address addressState } } }"
SET = "mailbox { id address addressState confirmUntil }"


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Market:
    return await market(db, make)


@pytest_asyncio.fixture
async def post() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


@pytest_asyncio.fixture
async def api(here: Market, signer: Signer, make: Factory, post: Office) -> AsyncIterator[Api]:
    async with served(here.db, signer, make, mailer=post.mailer) as made:
        await made.sign_in(here.employer)
        yield made


async def sent(here: Market, post: Office) -> int:
    """Tell what has happened and send what is due; how many letters were tried."""
    await here.told()
    return await mailing.look(here.db, post.mailer, ORIGIN)


def parts(message: EmailMessage) -> tuple[str, str]:
    """The plain and the HTML text of a letter."""
    plain, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert markup is not None
    return plain.get_content(), markup.get_content()


def links(message: EmailMessage) -> list[str]:
    """The addresses in a letter's plain text, without the origin."""
    return [link.removeprefix(ORIGIN) for link in re.findall(r"http://\S+", parts(message)[0])]


async def confirmed(api: Api, post: Office, here: Market, actor: Actor, address: str = ADDRESS) -> None:
    """Name an address and open the link that is sent to it."""
    done = await api.do("setNoticeAddress", SET, actor, address=address)
    assert done["mailbox"]["addressState"] == "PENDING", done
    assert await sent(here, post) == 1
    answer = await api.client.post(links(post.post.received.pop())[0])
    assert answer.status_code == 200
    post.post.recipients.clear()


async def box_of(api: Api, actor: Actor) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(BOX, actor))["inbox"]
    return found


async def test_nothing_but_the_letter_with_the_link_goes_to_an_address_that_nobody_confirmed(
    api: Api, here: Market, post: Office
) -> None:
    done = await api.do("setNoticeAddress", SET, here.employer, address=f" {ADDRESS} ")
    assert done["mailbox"] | {"id": ""} == {
        "id": "",
        "address": ADDRESS,
        "addressState": "PENDING",
        "confirmUntil": "2026-11-23T12:00:00Z",
    }
    await here.ask_for_review()
    assert await sent(here, post) == 1
    (letter,) = post.post.received
    assert (letter["To"], letter["From"], post.post.recipients) == (ADDRESS, SENDER, [ADDRESS])
    confirm, _unsubscribe = links(letter)
    shown = await api.client.get(confirm)
    assert (shown.status_code, "Confirm your address" in shown.text) == (200, True)
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "PENDING", "looking confirms nothing"
    for _ in range(2):
        assert (await api.client.post(confirm)).status_code == 200
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "CONFIRMED"
    assert await sent(here, post) == 0, "what happened before is in the inbox alone"


async def test_a_letter_tells_in_text_and_html_with_a_way_out_in_its_headers(
    api: Api, here: Market, post: Office
) -> None:
    await confirmed(api, post, here, here.employer)
    await api.do("changeNoticeSettings", "mailbox { id }", here.employer, language="ru")
    request = await here.ask_for_review()
    await here.emit("review.extended", f"rrq_{request}")
    assert await sent(here, post) == 1, "what comes together is one letter"
    (letter,) = post.post.received
    plain, markup = parts(letter)
    assert letter["Subject"] == "2 уведомления от Countersign"
    assert "Вас просят отрецензировать до" in plain
    assert "Вас просят отрецензировать до" in markup
    assert letter["Content-Language"] == "ru"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["Message-ID"].endswith("@localhost>")
    one_click = letter["List-Unsubscribe"].strip("<>").removeprefix(ORIGIN)
    gone = await api.client.post(one_click, data={"List-Unsubscribe": "One-Click"})
    assert gone.status_code == 200
    await here.emit("review.extended", f"rrq_{request}")
    assert await sent(here, post) == 0
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "UNSUBSCRIBED"


async def test_what_a_title_holds_is_text_in_a_letter(api: Api, here: Market, post: Office) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    await here.told()
    evil = '<script>alert("x")</script>\r\nBcc: other@example.com \u202e'
    async with here.db.writer() as tx:
        kept = await tx.fetchval("select mail_id from notices")
    assert kept is not None
    letter = Letter(kept, "en", evil, "now", [Line(evil, None)], ORIGIN, f"{ORIGIN}/u")
    message = compose(letter, SENDER, ADDRESS, NOW)
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
    assert "<script>" not in parts(message)[1]
    with pytest.raises(ValueError, match=r"addr_spec|parts|header|expected"):
        compose(letter, SENDER, "no address\r\nBcc: x@example.com", NOW)


def test_the_way_out_travels_in_its_header_as_an_address_that_machines_read() -> None:
    link = f"https://countersign.example/notices/unsubscribe?box={UUID(int=1)}&code={'c' * 43}&lang=en"
    letter = Letter(UUID(int=2), "ru", "Школа", "now", [Line("Слово " * 60, None)], "https://a.example", link)
    lines = compose(letter, SENDER, ADDRESS, NOW).as_bytes().split(b"\n")
    # RFC 2369: an address in angle brackets; encoded words (RFC 2047) stand in text alone.
    assert f"List-Unsubscribe: <{link}>".encode() in lines
    assert all(len(line) <= 78 for line in lines if not line.startswith(b"List-Unsubscribe:"))


@pytest.mark.parametrize("address", ["anna@.employer.example", "anna@employer.example.", "anna@employer..example"])
async def test_an_address_that_no_letter_reaches_keeps_no_other_letter_waiting(
    api: Api, here: Market, post: Office, clock: FrozenClock, address: str
) -> None:
    others = [await here.colleague(Role.REVIEWER) for _ in range(2)]
    await api.do("setNoticeAddress", SET, here.employer, address=address)
    for number, other in enumerate(others):
        await api.sign_in(other)
        await api.do("setNoticeAddress", SET, other, address=f"other{number}@employer.example")
    assert await sent(here, post) >= len(others)
    assert sorted(post.post.recipients) == ["other0@employer.example", "other1@employer.example"]
    clock.move(LEASE)
    assert await mailing.look(here.db, post.mailer, ORIGIN) == 0, "it is given up, not tried for ever"


async def test_choices_decide_what_is_mailed_when(api: Api, here: Market, post: Office, clock: FrozenClock) -> None:
    await confirmed(api, post, here, here.employer)
    choices = [
        {"kind": "REVIEWS", "channel": "MAIL", "rhythm": "DAILY"},
        {"kind": "REMINDERS", "channel": "NONE"},
        {"kind": "VERSIONS", "channel": "BOTH", "rhythm": "WEEKLY"},
    ]
    await api.do("changeNoticeSettings", "mailbox { id }", here.employer, choices=choices)
    found = {c["kind"]: c for c in (await box_of(api, here.employer))["choices"]}
    assert len(found) == 12
    assert found["REVIEWS"] == {"kind": "REVIEWS", "channel": "MAIL", "rhythm": "DAILY", "chosen": True}
    assert found["ALARMS"] == {"kind": "ALARMS", "channel": "BOTH", "rhythm": "NOW", "chosen": False}
    request = await here.ask_for_review()
    await here.emit("review.reminder", f"rrq_{request}", days=7)
    assert await sent(here, post) == 0
    await here.emit("review.extended", f"rrq_{request}")
    await here.emit("spec_version.deprecated", f"version_{here.made.version}")
    assert await sent(here, post) == 0
    shown = (await api.ask("{ inbox { notices(first: 9) { nodes { topic } } } }", here.employer))["inbox"]["notices"]
    assert [n["topic"] for n in shown["nodes"]] == ["spec_version.deprecated"]
    clock.at = datetime(2026, 11, 23, 7, 0, tzinfo=NOW.tzinfo)
    assert await mailing.look(here.db, post.mailer, ORIGIN) == 2
    subjects = sorted(str(letter["Subject"]) for letter in post.post.received)
    assert subjects == ["Your day on Countersign: 2 notices", "Your week on Countersign: 1 notice"]
    await here.emit("review.extended", f"rrq_{request}")
    assert await sent(here, post) == 0
    clock.move(timedelta(days=1))
    assert await mailing.look(here.db, post.mailer, ORIGIN) == 1


async def test_what_fails_for_now_is_sent_again_after_growing_pauses_and_then_given_up(
    api: Api, here: Market, post: Office, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    post.post.to_letter = "451 Later, please: anna.reviewer@employer.example"
    assert await sent(here, post) == 1
    for pause in MAIL_PAUSES:
        clock.move(pause - timedelta(seconds=1))
        assert await mailing.look(here.db, post.mailer, ORIGIN) == 0
        clock.move(timedelta(seconds=1))
        assert await mailing.look(here.db, post.mailer, ORIGIN) == 1
    row = await owner.fetchrow("select state, attempts, problem from mails where purpose = 'notices'")
    assert row is not None
    assert tuple(row) == ("failed", len(MAIL_PAUSES) + 1, "the mail server answered 451")
    clock.move(timedelta(days=9))
    assert await mailing.look(here.db, post.mailer, ORIGIN) == 0
    await api.sign_in(here.employer)
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "CONFIRMED"


async def test_a_letter_whose_sender_died_is_sent_again_under_the_same_id(
    api: Api, here: Market, post: Office, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    await sent(here, post)
    # As it is when the process dies between the server's answer and the commit.
    await owner.execute("update mails set state = 'sending', due_at = $1, settled_at = null", NOW + LEASE)
    assert await mailing.look(here.db, post.mailer, ORIGIN) == 0
    clock.move(LEASE)
    await mailing.look(here.db, post.mailer, ORIGIN)
    first, second = (letter["Message-ID"] for letter in post.post.received)
    assert first == second


@dataclass
class Slow:
    """A mail server that takes half a lease for each letter, while somebody else looks for letters too."""

    here: Market
    mailer: Smtp
    clock: FrozenClock
    sender: str = SENDER

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Send it, then let time pass."""
        await self.mailer.send(message, recipient)
        self.clock.move(LEASE / 2 + timedelta(seconds=1))
        await mailing.look(self.here.db, self.mailer, ORIGIN)


async def test_letters_that_wait_long_for_their_turn_are_not_sent_twice(
    api: Api, here: Market, post: Office, clock: FrozenClock
) -> None:
    actors = [here.employer, *[await here.colleague(Role.REVIEWER) for _ in range(3)]]
    for number, actor in enumerate(actors):
        await api.sign_in(actor)
        await api.do("setNoticeAddress", SET, actor, address=f"number{number}@employer.example")
    await mailing.look(here.db, Slow(here, post.mailer, clock), ORIGIN)
    assert sorted(post.post.recipients) == [f"number{number}@employer.example" for number in range(len(actors))]


async def test_an_address_that_is_not_there_bounces_and_its_owner_is_told_in_the_inbox(
    api: Api, here: Market, post: Office
) -> None:
    await confirmed(api, post, here, here.employer)
    request = await here.ask_for_review()
    post.post.to_recipient = "550 No such user"
    await sent(here, post)
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "BOUNCED"
    post.post.to_recipient = "250 OK"
    await here.emit("review.extended", f"rrq_{request}")
    assert await sent(here, post) == 0
    assert "mailbox.bounced" in await here.notices_of(here.employer)


TOPICS = "{ inbox { unreadCount notices(first: 9) { nodes { topic } } } }"


async def topics(api: Api, actor: Actor) -> list[str]:
    """What stands unread in an inbox."""
    found = (await api.ask(TOPICS, actor))["inbox"]
    assert found["unreadCount"] == len(found["notices"]["nodes"])
    return [notice["topic"] for notice in found["notices"]["nodes"]]


@pytest.mark.parametrize("end", ["removed", "replaced", "refused"])
async def test_what_was_wanted_by_mail_alone_is_in_the_inbox_once_its_letter_goes_nowhere(
    api: Api, here: Market, post: Office, owner: asyncpg.Connection[asyncpg.Record], end: str
) -> None:
    await confirmed(api, post, here, here.employer)
    choices = [{"kind": "REVIEWS", "channel": "MAIL", "rhythm": "DAILY" if end != "refused" else "NOW"}]
    done = await api.do("changeNoticeSettings", "mailbox { id }", here.employer, choices=choices)
    request = await here.ask_for_review()
    await here.told()
    assert await topics(api, here.employer) == []
    box = done["mailbox"]["id"]
    match end:
        case "removed":
            await api.do("removeNoticeAddress", "mailbox { id }", here.employer, mailboxId=box)
        case "replaced":
            await api.do("setNoticeAddress", SET, here.employer, address="other@employer.example")
        case "refused":
            post.post.to_letter = "554 We take no letters"
            assert await mailing.look(here.db, post.mailer, ORIGIN) == 1
    assert await topics(api, here.employer) == ["review.requested"]
    arrived = await owner.fetchval("select count(*) from outbox where topic = 'notice.arrived'")
    await here.emit("review.extended", f"rrq_{request}")
    await here.told()
    if end != "refused":
        assert await topics(api, here.employer) == ["review.extended", "review.requested"]
        assert await owner.fetchval("select count(*) from outbox where topic = 'notice.arrived'") == arrived + 1


@dataclass
class Changed:
    """A mail server that refuses an address while its owner names another one."""

    api: Api
    owner: Actor
    sender: str = SENDER

    async def send(self, _message: EmailMessage, _recipient: str) -> None:
        """The owner is quicker than the refusal."""
        await self.api.do("setNoticeAddress", SET, self.owner, address="new@employer.example")
        raise NotSent(550, recipient=True)


async def test_a_late_refusal_is_of_the_address_to_which_the_letter_went_and_of_no_newer_one(
    api: Api, here: Market, post: Office
) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    await here.told()
    assert await mailing.look(here.db, Changed(api, here.employer), ORIGIN) == 1
    assert (await box_of(api, here.employer))["mailbox"]["addressState"] == "PENDING"
    await mailing.look(here.db, post.mailer, ORIGIN)
    assert post.post.recipients == ["new@employer.example"]
    assert "mailbox.bounced" not in await here.notices_of(here.employer)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_letters_travel_encrypted_with_a_password_and_a_certificate_that_is_believed(
    security: Security, tmp_path: Path
) -> None:
    letter = Letter(new_id(), "en", "House", "now", [Line("Said.", None)], ORIGIN, f"{ORIGIN}/u")
    message = compose(letter, SENDER, ADDRESS, NOW)
    async with office(security, certificate(tmp_path, "localhost")) as here:
        await here.mailer.send(message, ADDRESS)
        assert here.post.recipients == [ADDRESS]
        with pytest.raises(NotSent) as wrong:
            await replace(here.mailer, trust=None).send(message, ADDRESS)
        assert (wrong.value.status, wrong.value.permanent) == (None, False), "a certificate that nobody believes"
        with pytest.raises(NotSent) as refused:
            await replace(here.mailer, password="wrong").send(message, ADDRESS)  # noqa: S106 - a wrong one
        assert not refused.value.permanent, "our own password says nothing of the letter"
        assert here.post.recipients == [ADDRESS]
    with pytest.raises(NotSent):
        await Smtp("localhost", 9, SENDER, security).send(message, ADDRESS)


async def test_bad_links_change_nothing_and_say_the_same(
    api: Api, here: Market, post: Office, clock: FrozenClock
) -> None:
    await api.do("setNoticeAddress", SET, here.employer, address=ADDRESS)
    await sent(here, post)
    confirm, unsubscribe = links(post.post.received[0])
    query = urlsplit(confirm).query
    before = await everything(here.db)
    bad = [
        confirm.replace("code=", "code=x"),
        confirm.replace("/confirm", "/unsubscribe"),
        unsubscribe.replace("/unsubscribe", "/confirm"),
        re.sub("box=[^&]+", f"box={new_id()}", confirm),
        "/notices/confirm",
        "/notices/confirm?box=%00&code=%00",
        f"/notices/confirm?{query.replace('code=', 'code=ж')}",
    ]
    answers = [await api.client.post(link, headers={"accept-language": "en"}) for link in bad]
    assert {a.status_code for a in answers} == {404}
    assert await everything(here.db) == before
    clock.move(timedelta(hours=24))
    assert (await api.client.post(confirm)).status_code == 404, "its day is over"
    assert (await api.client.post(unsubscribe)).status_code == 200
    await api.sign_in(here.employer)
    assert (await box_of(api, here.employer))["mailbox"] | {"id": ""} == {
        "id": "",
        "language": "en",
        "address": None,
        "addressState": "NONE",
    }


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b", "a b@example.com", "ann\u00e9@example.com", "x" * 300 + "@a.example"],
)
async def test_what_is_no_address_is_refused_and_nothing_changes(api: Api, here: Market, address: str) -> None:
    before = await everything(here.db)
    done = await api.do("setNoticeAddress", SET, here.employer, address=address)
    assert done.get("refused") == "BAD_USER_INPUT" or [e["code"] for e in done.get("errors", [])] == ["INVALID"], done
    ours = {"mailboxes", "mails", "notices"}
    assert {k: v for k, v in (await everything(here.db)).items() if k in ours} == {k: before[k] for k in ours}


async def test_an_address_gets_few_letters_of_confirmation_a_day(
    api: Api, here: Market, post: Office, clock: FrozenClock
) -> None:
    second = await here.colleague(Role.REVIEWER)
    await api.sign_in(second)
    for _ in range(4):
        assert (await api.do("setNoticeAddress", SET, here.employer, address=ADDRESS))["errors"] == []
    assert (await api.do("setNoticeAddress", SET, second, address=ADDRESS.upper()))["errors"] == []
    refused = await api.do("setNoticeAddress", SET, second, address=ADDRESS)
    assert [e["__typename"] for e in refused["errors"]] == ["QuotaExceededError"]
    assert await sent(here, post) == 2, "of several letters to one address only the last is sent"
    clock.move(timedelta(days=1))
    await api.sign_in(second)
    assert (await api.do("setNoticeAddress", SET, second, address=ADDRESS))["errors"] == []


async def test_an_address_lies_sealed_and_goes_with_its_owner(
    api: Api, here: Market, post: Office, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    await here.told()
    kept = " ".join(str(row) for rows in (await everything(here.db)).values() for row in rows)
    for text in (ADDRESS, ADDRESS.encode().hex(), "anna.reviewer"):
        assert text not in kept
    assert await owner.fetchval("select count(*) from audit_events where audit_events::text like '%anna.rev%'") == 0
    assert await owner.fetchval("select count(*) from idempotency_keys where outcome::text like '%anna.rev%'") == 0
    admin = await here.colleague(Role.ORG_ADMIN)
    assert (await box_of(api, admin))["mailbox"] is None
    membership = await owner.fetchval("select id from memberships where person_id = $1", here.employer.person_id)
    done = await api.do("endMembership", "membership { id }", admin, membershipId=f"membership_{membership}")
    assert done["errors"] == []
    for table in ("mailboxes", "mails", "notice_choices"):
        assert await owner.fetchval(f"select count(*) from {table}") == 0, table
    assert await here.notices_of(here.employer) == []
    assert await sent(here, post) == 0


async def test_a_portal_without_a_mail_server_takes_no_address(here: Market, signer: Signer, make: Factory) -> None:
    async with served(here.db, signer, make) as api:
        await api.sign_in(here.employer)
        done = await api.do("setNoticeAddress", SET, here.employer, address=ADDRESS)
    assert [(e["code"], e["message"].partition(":")[0]) for e in done["errors"]] == [
        ("INVALID_STATE", "This portal sends no e-mail")
    ]


async def test_a_token_names_no_address_and_a_learner_has_no_mailbox(api: Api, here: Market) -> None:
    done = await api.do("setNoticeAddress", SET, here.school, address=ADDRESS)
    assert [e["code"] for e in done["errors"]] == ["NOT_ALLOWED"]
    async with here.db.writer() as tx:
        number = await enrol(tx, Person("anna@example.com", "Anna Sample", "DE"))
    learner = Actor(learner_id=number, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
    for field, given in (("removeNoticeAddress", {"mailboxId": "x"}), ("changeNoticeSettings", {"language": "ru"})):
        done = await api.do(field, "mailbox { id }", learner, **given)
        assert [e["code"] for e in done["errors"]] in (["NOT_ALLOWED"], ["NOT_FOUND"])
    assert await box_of(api, learner) == {"choices": [], "mailbox": None}


async def test_who_removes_an_address_gets_no_more_letters_and_nobody_else_can(
    api: Api, here: Market, post: Office
) -> None:
    await confirmed(api, post, here, here.employer)
    await here.ask_for_review()
    await here.told()
    box = (await box_of(api, here.employer))["mailbox"]["id"]
    refused = await api.do("removeNoticeAddress", SET, here.school, mailboxId=box)
    assert [e["code"] for e in refused["errors"]] == ["NOT_FOUND"]
    done = await api.do("removeNoticeAddress", SET, here.employer, mailboxId=box)
    assert done["mailbox"] == {"id": box, "address": None, "addressState": "NONE", "confirmUntil": None}
    assert await sent(here, post) == 0
