"""The school hides an endorsement on its page and shows it again: it counts, and verifies, all the same."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from countersign.endorsements import jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import Party
from countersign.endorsements.rules_display import MOVES, Act, Display, NotTheSchool, move
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.factories import Factory
from tests.reviews.support import Scene, scene

PAGE = """query ($id: ID!) { node(id: $id) { ... on SpecVersion { coValidated liveEndorsementCount endorsementsNotShown
  endorsements(first: 5) { totalCount nodes { id hidden viewerCan { hide show } } } } } }"""
EXPECTED = {
    (Display.SHOWN, Act.HIDE): ({Party.SCHOOL}, Display.HIDDEN),
    (Display.HIDDEN, Act.SHOW): ({Party.SCHOOL}, Display.SHOWN),
}


@pytest.mark.parametrize(("display", "act", "party"), list(itertools.product(Display, Act, Party)))
def test_every_display_act_and_party_does_what_the_table_says(display: Display, act: Act, party: Party) -> None:
    expected = EXPECTED.get((display, act))
    if expected is None:
        with pytest.raises(InvalidState):
            move(display, act, party)
    elif party not in expected[0]:
        with pytest.raises(NotTheSchool):
            move(display, act, party)
    else:
        assert move(display, act, party) is expected[1]
    assert set(MOVES) == set(EXPECTED)


class Page:
    """A version that two employers endorse, and its page."""

    def __init__(self, api: Api, here: Scene, second: Actor, ids: list[str]) -> None:
        self.api = api
        self.here = here
        self.second = second
        self.ids = ids

    async def shown(self, actor: Actor | None = None) -> Any:
        """What a reader sees of the page."""
        return (await self.api.ask(PAGE, actor, id=f"version_{self.here.version}"))["node"]

    async def do(self, act: str, identity: str, actor: Actor | None = None) -> Any:
        """The payload of hideEndorsement or showEndorsement."""
        return await self.api.do(act, "endorsement { id hidden }", actor or self.here.school, endorsementId=identity)


@pytest_asyncio.fixture
async def page(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Page]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        second = await make.employer(tx)
    ids = []
    for actor in (here.employer, second):
        async with db.writer() as tx:
            word = endorsements.EndorseSpec(here.version, here.digest, "We hire.")
            key = await endorsements.endorse(tx, actor, word)
        await jobs.sign(db, signer, key)
        ids.append(f"end_{key}")
    async with served(db, signer, make) as api:
        yield Page(api, here, second, ids)


async def test_a_hidden_endorsement_counts_and_verifies_and_the_page_says_that_one_is_not_shown(page: Page) -> None:
    first, second = page.ids
    assert (await page.do("hideEndorsement", first))["endorsement"] == {"id": first, "hidden": True}
    shown = await page.shown()
    assert (shown["coValidated"], shown["liveEndorsementCount"], shown["endorsementsNotShown"]) == (True, 2, 1)
    assert shown["endorsements"]["totalCount"] == 1
    assert [node["id"] for node in shown["endorsements"]["nodes"]] == [second]
    served_at = await page.api.client.get(f"/endorsements/{first.removeprefix('end_')}")
    answer = await page.api.client.post(
        "/verify", content=served_at.content, headers={"content-type": "application/json"}
    )
    assert answer.json()["verdict"] == "VALID"


async def test_the_school_and_the_endorser_see_what_is_hidden_and_the_school_shows_it_again(
    page: Page, clock: FrozenClock
) -> None:
    first, _ = page.ids
    await page.do("hideEndorsement", first)
    for actor in (page.here.school, page.here.employer):
        nodes = {node["id"]: node for node in (await page.shown(actor))["endorsements"]["nodes"]}
        assert nodes[first]["hidden"]
        own = actor is page.here.school
        assert nodes[first]["viewerCan"] == {"hide": False, "show": own}
    assert len((await page.shown(page.second))["endorsements"]["nodes"]) == 1
    clock.move(timedelta(days=1))
    assert (await page.do("showEndorsement", first))["endorsement"] == {"id": first, "hidden": False}
    shown = await page.shown()
    assert (shown["endorsements"]["totalCount"], shown["endorsementsNotShown"]) == (2, 0)
    assert (await page.do("hideEndorsement", first))["endorsement"]["hidden"]


async def test_what_is_hidden_is_not_hidden_again_and_what_is_shown_not_shown(page: Page) -> None:
    first, _ = page.ids
    assert [e["code"] for e in (await page.do("showEndorsement", first))["errors"]] == ["INVALID_STATE"]
    await page.do("hideEndorsement", first)
    assert [e["code"] for e in (await page.do("hideEndorsement", first))["errors"]] == ["INVALID_STATE"]


async def test_only_the_school_of_the_version_hides_and_shows(page: Page, make: Factory) -> None:
    async with page.api.db.writer() as tx:
        other = await make.school(tx)
        registrar = await make.member(tx, page.here.school_id, OrganizationKind.SCHOOL, Role.REGISTRAR)
    actors = (page.here.employer, page.second, other, registrar)
    for actor in actors:
        await page.api.authorization(actor)
    before = await kept(page.api.db)
    for actor, act in itertools.product(actors, ("hideEndorsement", "showEndorsement")):
        answer = await page.do(act, page.ids[0], actor)
        [code] = [e["code"] for e in answer["errors"]]
        # Another school learns that it is shown: everybody sees that.
        assert code == ("INVALID_STATE" if actor is other and act == "showEndorsement" else "NOT_ALLOWED")
    nobody = await page.api.do("hideEndorsement", "endorsement { id }", None, endorsementId=page.ids[0])
    assert nobody["refused"] == "UNAUTHENTICATED"
    assert await kept(page.api.db) == before


async def test_what_waits_for_its_signature_cannot_be_hidden(page: Page, make: Factory) -> None:
    async with page.api.db.writer() as tx:
        third = await make.employer(tx)
        word = endorsements.EndorseSpec(page.here.version, page.here.digest, "We hire.")
        waiting = await endorsements.endorse(tx, third, word)
    refused = await page.do("hideEndorsement", f"end_{waiting}")
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("NOT_FOUND", ["endorsementId"])]
