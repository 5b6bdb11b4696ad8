"""The inbox over the API: one's own notices and nobody else's, read and unread, and told as they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio

from countersign.awards import service as awards
from countersign.awards.consent import SetConsent, set_consent
from countersign.endorsements import service as endorsements
from countersign.endorsements.jobs import sign
from countersign.endorsements.rules import State
from countersign.kit.access import ANONYMOUS, Actor, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.notices import making
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.conftest import NOW
from tests.endorsements.ledger import PLEDGE
from tests.factories import Factory
from tests.live.support import desk
from tests.notices.support import INBOX, Market, market
from tests.reviews.support import everything, scene
from tests.specs.samples import COMPLETE

ARRIVED = "subscription { noticeArrived { eventId kind notice { id topic sentence unread } } }"


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Market:
    return await market(db, make)


@pytest_asyncio.fixture
async def api(here: Market, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    async with served(here.db, signer, make) as made:
        yield made


async def inbox(api: Api, actor: Actor) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(INBOX, actor))["inbox"]
    return found


async def test_an_inbox_holds_ones_own_notices_the_newest_first(api: Api, here: Market) -> None:
    request = await here.ask_for_review()
    await here.emit("review.extended", f"rrq_{request}")
    await here.told()
    found = await inbox(api, here.employer)
    assert (found["unreadCount"], found["unread"]) == (2, [{"kind": "REVIEWS", "count": 2}])
    assert [n["topic"] for n in found["notices"]["nodes"]] == ["review.extended", "review.requested"]
    assert found["notices"]["nodes"][1]["sentence"].startswith("You are asked to review “")
    assert (await inbox(api, here.school))["unreadCount"] == 0
    assert (await api.ask("{ inbox { unreadCount } }"))["inbox"] is None, "nobody has no inbox"
    second = await here.colleague(Role.REVIEWER)
    assert (await inbox(api, second))["unreadCount"] == 0, "it is not a colleague's"
    ids = [n["id"] for n in found["notices"]["nodes"]]
    question = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await api.ask(question, second, ids=ids))["nodes"] == [None, None]
    assert (await api.ask(question, here.employer, ids=ids))["nodes"] == [{"id": i} for i in ids]


async def test_reading_marks_and_unmarks_and_what_came_since_stays_unread(api: Api, here: Market) -> None:
    request = await here.ask_for_review()
    for _ in range(2):
        await here.emit("review.extended", f"rrq_{request}")
    await here.told()
    newest, middle, oldest = (n["id"] for n in (await inbox(api, here.employer))["notices"]["nodes"])
    done = await api.do("markNotice", "notice { id unread readAt }", here.employer, noticeId=oldest)
    assert done["notice"] == {"id": oldest, "unread": False, "readAt": "2026-11-22T12:00:00Z"}
    await api.do("markNotice", "notice { id }", here.employer, noticeId=oldest, read=False)
    assert (await inbox(api, here.employer))["unreadCount"] == 3
    await api.do("markAllNoticesRead", "notice { id }", here.employer, upToId=middle)
    unread = "{ inbox { unreadCount notices(first: 5, filter: {unread: true}) { nodes { id } } } }"
    left = (await api.ask(unread, here.employer))["inbox"]
    assert (left["unreadCount"], left["notices"]["nodes"]) == (1, [{"id": newest}])


async def test_nobody_marks_what_is_not_theirs(api: Api, here: Market) -> None:
    await here.ask_for_review()
    await here.told()
    (notice,) = (await inbox(api, here.employer))["notices"]["nodes"]
    second = await here.colleague(Role.REVIEWER)
    await api.authorization(second)
    await here.told()
    before = await everything(here.db)
    for actor in (second, here.school):
        for field, argument in (("markNotice", "noticeId"), ("markAllNoticesRead", "upToId")):
            for text in (notice["id"], f"notice_{new_id()}", "nonsense"):
                done = await api.do(field, "notice { id }", actor, **{argument: text})
                assert [e["code"] for e in done["errors"]] == ["NOT_FOUND"], (field, text)
    assert (await api.do("markNotice", "notice { id }", None, noticeId=notice["id"]))["refused"] == "UNAUTHENTICATED"
    after = await everything(here.db)
    changing = {"api_tokens", "budgets", "attempts"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


async def test_a_learner_has_an_inbox_in_the_language_of_their_consent(api: Api, here: Market) -> None:
    async with here.db.writer() as tx:
        await specs.publish(tx, here.school, here.made.version)
        person = Person("anna@example.com", "Anna Sample", "DE")
        issued = await awards.issue(tx, here.school, awards.IssueAward(here.made.version, person, NOW.date()))
    learner = Actor(learner_id=issued.learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
    await here.told()
    (notice,) = (await inbox(api, learner))["notices"]["nodes"]
    assert (notice["topic"], "has awarded you" in notice["sentence"]) == ("award.issued", True)
    async with here.db.writer() as tx:
        await set_consent(tx, learner, SetConsent(Purpose.ANALYTICS, granted=True, language="ru"))
    (notice,) = (await inbox(api, learner))["notices"]["nodes"]
    assert "вручает вам награду" in notice["sentence"]
    assert (await inbox(api, here.school))["unreadCount"] == 0
    done = await api.do("markNotice", "notice { unread aboutId organization { id } }", learner, noticeId=notice["id"])
    assert done["notice"] == {"unread": False, "aboutId": None, "organization": None}


async def test_a_notice_arrives_at_its_reader_and_costs_others_no_statement(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with desk(db, signer, make) as house:
        async with db.writer() as tx:
            made = await scene(tx, make)
            second = await make.member(tx, made.employer_id, made.employer.organization_kind, Role.AUDITOR)  # type: ignore[arg-type] # an employer has a kind
        here = Market(db, make, made)
        followers = [
            await house.follow(await house.signed_in(actor), ARRIVED) for actor in (made.employer, second, made.school)
        ]
        nobody = await house.follow(ANONYMOUS, ARRIVED)
        await here.ask_for_review()
        await house.settled()
        before = house.engine.live.statements
        await making.look(db)
        while await making.look(db):
            pass
        (told,) = await followers[0].until(1)
        await house.settled()
        assert (told["kind"], told["notice"]["topic"], told["notice"]["unread"]) == (
            "REVIEWS",
            "review.requested",
            True,
        )
        assert [f.told for f in (*followers[1:], nobody)] == [[], [], []]
        assert house.engine.live.statements == before + 1


async def test_what_an_endorsement_is_about_is_linked_to(api: Api, here: Market) -> None:
    request = await here.ask_for_review()
    await here.told()
    (notice,) = (
        await api.ask(
            "{ inbox { notices(first: 5) { nodes { link aboutId eventId organization { id } } } } }", here.employer
        )
    )["inbox"]["notices"]["nodes"]
    assert (notice["link"], notice["aboutId"]) == (None, f"rrq_{request}")
    assert notice["eventId"].startswith("event_")
    assert notice["organization"] == {"id": f"org_{here.made.employer_id}"}


async def test_every_link_of_an_inbox_opens_and_nothing_leads_to_what_may_not_be_opened(
    api: Api, here: Market, signer: Signer
) -> None:
    asked = "{ inbox { notices(first: 50) { nodes { topic link } } } }"

    async def links(actor: Actor) -> dict[str, str | None]:
        found = (await api.ask(asked, actor))["inbox"]["notices"]["nodes"]
        return {notice["topic"]: notice["link"] for notice in found}

    made = here.made
    admin = await here.colleague(Role.ORG_ADMIN, Role.AUTHOR, of=here.school)
    word = endorsements.EndorseSpec(made.version, made.digest, "We hire.", (PLEDGE,))
    async with here.db.writer() as tx:
        await specs.let_read(tx, made.version, made.employer_id)
        key = await endorsements.endorse(tx, here.employer, word)
        pledge = await tx.fetchval("select id from pledges where endorsement_id = $1", key)
    assert await sign(here.db, signer, key) is State.IN_FORCE
    await here.told()
    assert await links(admin) == {"endorsement.in_force": None}
    async with here.db.writer() as tx:
        await specs.publish(tx, here.school, made.version)
        draft = await specs.new_draft_from(tx, here.school, made.version)
        await specs.edit_draft(tx, here.school, specs.EditDraft(draft, COMPLETE | {"description": "Otherwise said."}))
        await specs.publish(tx, here.school, await specs.submit(tx, here.school, specs.Submit(draft, "1.0.1")))
    await here.emit("endorsement.expiring", f"end_{key}", days=1)
    await here.emit("pledge.withdrawn", f"plg_{pledge}")
    await here.emit("domain.lost", f"org_{made.school_id}", domain="school.example")
    await here.told()
    found = await links(admin) | await links(here.employer)
    found |= {f"{topic} for the school": link for topic, link in (await links(here.school)).items()}
    leading = sorted({urlsplit(link).path for link in found.values() if link is not None})
    assert {"domain.lost", "pledge.withdrawn", "endorsement.expiring", "endorsement.reaffirmable"} <= set(found)
    async with here.db.writer() as tx:
        slug = await tx.fetchval("select slug from specs where id = $1", made.spec)
        houses = await tx.fetch(
            "select handle from organizations where id in ($1, $2)", made.school_id, made.employer_id
        )
    versions = [f"/specs/{slug}/versions/1.0.{number}/criteria" for number in (0, 1)]
    assert leading == sorted([*(f"/orgs/{house['handle']}" for house in houses), *versions, f"/v/{key}"])
    for link in leading:
        answer = await api.client.get(link)
        assert answer.status_code == 200, link
