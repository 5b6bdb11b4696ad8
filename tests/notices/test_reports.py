"""Letters that come back after the mail server took them: read from its report, believed about the address of now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.notices import reports
from countersign.notices.rules_reports import LARGEST, Fate, Report, read
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.cli.running import verb
from tests.factories import Factory
from tests.notices.post import Office, office
from tests.notices.support import Market, market
from tests.notices.test_mail import SET, box_of, confirmed, sent, topics

LETTER = UUID("01a20460-0600-7578-a571-f802005e94a8")


def report(
    letter: UUID = LETTER,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    kind: str = "delivery-status",
    headers_alone: bool = False,
    fields: str = "",
) -> bytes:
    """A report as mail servers write it."""
    made = MIMEMultipart("report", report_type=kind)
    made["From"], made["Subject"] = "MAILER-DAEMON@mx.example", "Undelivered Mail Returned to Sender"
    made.attach(MIMEText("I'm sorry to have to inform you that your message could not be delivered.\n"))
    if kind == "delivery-status":
        whole, recipient = Message(), Message()
        whole["Reporting-MTA"] = "dns; mx.example"
        recipient["Final-Recipient"] = "rfc822; somebody.else@forwarded.example"
        recipient["Action"], recipient["Status"] = action, status
        status_part = MIMEMultipart("x")
        status_part.set_payload([whole, recipient])
        del status_part["Content-Type"]
        status_part["Content-Type"] = "message/delivery-status"
        made.attach(status_part)
    else:
        feedback = MIMEText(fields or "Feedback-Type: abuse\nUser-Agent: Reader/1\nVersion: 1\n")
        feedback.replace_header("Content-Type", "message/feedback-report")
        del feedback["Content-Transfer-Encoding"]
        made.attach(feedback)
    original = EmailMessage()
    original["Message-ID"], original["Subject"] = f"<{letter}@portal.example>", "2 notices"
    original.set_content("…")
    if headers_alone:
        made.attach(MIMEText(f"Subject: 2 notices\nMessage-ID: <{letter}@portal.example>\n", "rfc822-headers"))
    else:
        made.attach(MIMEMessage(original))
    return made.as_bytes()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (report(), Report(LETTER, Fate.NO_SUCH_ADDRESS)),
        (report(headers_alone=True), Report(LETTER, Fate.NO_SUCH_ADDRESS)),
        (report(action="Failed", status="4.4.7"), Report(LETTER, Fate.NOT_DELIVERED)),
        (report(kind="feedback-report"), Report(LETTER, Fate.UNWANTED)),
        (report(kind="feedback-report", fields="Feedback-Type: not-spam\n"), None),
        (report(action="delayed", status="4.4.1"), None),
        (report(action="delivered", status="2.0.0"), None),
        (report().replace(str(LETTER).encode(), b"a-letter-of-somebody-else"), None),
        (b"Subject: Out of office\n\nI am back on Monday.\n", None),
        (b"", None),
        (b"\x00\xff" * 100, None),
        (report() + b" " * LARGEST, None),
        (b'Content-Type: multipart/report; boundary="a"\n\n--a\n' + b"Content-Type: message/rfc822\n\n" * 5_000, None),
        (b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000)), None),
        (report().replace(b"Message-ID: <", b"Message-ID: " + b"(" * 1_000 + b"<"), None),
        (report().replace(b"boundary=", b"a=b; " * 5_000 + b"boundary="), None),
        (b'Content-Type: multipart/report; report-type=delivery-status; boundary="a"\n\n--a\n', None),
        (b'Content-Type: multipart/report; boundary="a"\n\n--a\nContent-Type: message/delivery-status\n\nX: y', None),
    ],
)
def test_a_report_is_read_as_what_it_ends_and_anything_else_as_nothing(data: bytes, found: Report | None) -> None:
    assert read(data) == found


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


async def letter_of(api: Api, here: Market, post: Office) -> UUID:
    """A letter that was taken by the mail server: its own id, as its header says it."""
    await confirmed(api, post, here, here.employer)
    choices = [{"kind": "REVIEWS", "channel": "MAIL", "rhythm": "NOW"}]
    await api.do("changeNoticeSettings", "mailbox { id }", here.employer, choices=choices)
    await here.ask_for_review()
    assert await sent(here, post) == 1
    return UUID(str(post.post.received[-1]["Message-ID"]).partition("@")[0].removeprefix("<"))


async def state_of(api: Api, here: Market) -> str:
    state: str = (await box_of(api, here.employer))["mailbox"]["addressState"]
    return state


@pytest.mark.parametrize(
    ("fate", "state", "told"),
    [
        (Fate.NO_SUCH_ADDRESS, "BOUNCED", ["mailbox.bounced", "review.requested"]),
        (Fate.NOT_DELIVERED, "CONFIRMED", ["review.requested"]),
        (Fate.UNWANTED, "UNSUBSCRIBED", []),
    ],
)
async def test_what_is_reported_later_is_done_once_as_if_it_had_been_said_at_once(
    api: Api, here: Market, post: Office, fate: Fate, state: str, told: list[str]
) -> None:
    letter = await letter_of(api, here, post)
    assert await topics(api, here.employer) == []
    for _ in range(2):
        async with here.db.writer() as tx:
            await reports.take(tx, Report(letter, fate))
        await here.told()
        assert await state_of(api, here) == state
        assert sorted(await topics(api, here.employer)) == told


async def test_an_address_that_was_named_since_is_not_blamed_for_the_one_before(
    api: Api, here: Market, post: Office, clock: FrozenClock
) -> None:
    letter = await letter_of(api, here, post)
    clock.move(timedelta(minutes=10))  # a session of half an hour names it
    await api.do("setNoticeAddress", SET, here.employer, address="new@work.example")
    async with here.db.writer() as tx:
        assert await reports.take(tx, Report(letter, Fate.NO_SUCH_ADDRESS)) is None
    assert await state_of(api, here) == "PENDING"
    assert "review.requested" in await topics(api, here.employer), "the letter itself is lost"


async def test_an_address_that_is_named_at_the_same_moment_is_not_unsubscribed(
    api: Api, here: Market, post: Office
) -> None:
    async def told() -> UUID | None:
        async with here.db.writer() as tx:
            return await reports.take(tx, Report(letter, Fate.UNWANTED))

    letter = await letter_of(api, here, post)
    async with here.db.writer() as naming:
        await naming.execute(
            "update mailboxes set state = 'pending', nonce = '\\x00', confirm_until = confirm_until + interval '1 hour'"
        )
        taking = asyncio.create_task(told())
        for _ in range(1_000):
            if await naming.fetchval("select exists (select from pg_locks where not granted)"):
                break
    assert await taking is None
    assert await state_of(api, here) == "PENDING"


async def test_a_letter_that_was_never_ours_changes_nothing(api: Api, here: Market, post: Office) -> None:
    await confirmed(api, post, here, here.employer)
    async with here.db.writer() as tx:
        assert await reports.take(tx, Report(new_id(), Fate.NO_SUCH_ADDRESS)) is None
    assert await state_of(api, here) == "CONFIRMED"


async def test_the_verb_takes_a_report_from_a_pipe(
    api: Api,
    here: Market,
    post: Office,
    database_dsn: str,
    tmp_path: Path,
    owner: asyncpg.Connection[asyncpg.Record],
) -> None:
    letter = await letter_of(api, here, post)
    file = tmp_path / "report.eml"
    place = ("--data", str(tmp_path / "data"))
    for data, said in ((b"Subject: hello\n\n", "nothing changed"), (report(letter), "nothing more")):
        file.write_bytes(data)
        done = verb("mail-report", str(file), *place, DATABASE_URL=database_dsn)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    assert await state_of(api, here) == "BOUNCED"
    told = await owner.fetch(
        "select action, object from audit_events where actor = 'system' and action = 'mail_report'"
    )
    assert [row["object"].partition("_")[0] for row in told] == ["mailbox"]
