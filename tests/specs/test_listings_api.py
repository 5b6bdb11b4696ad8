"""Listings through the API: shown with their notice and gaps, completed by a school, never endorsable."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from countersign.kit.access import SYSTEM, Role
from countersign.kit.db import Database
from countersign.specs import service
from countersign.trust.signer import Signer
from tests.api import served
from tests.factories import Factory
from tests.specs.support import everything, ground

PROGRAMS = Path(str(files("countersign") / "data")) / "new-jersey/programs.csv"


@pytest.mark.parametrize(
    ("chosen", "number"),
    [({}, 892), ({"search": "WELDING"}, 9), ({"longestHours": 20}, 47), ({"fieldCode": "nowhere"}, 0)],
)
async def test_listings_are_found_and_say_that_they_are_not_validated(
    db: Database, signer: Signer, make: Factory, chosen: dict[str, Any], number: int
) -> None:
    await service.import_listings(db, SYSTEM, PROGRAMS)
    async with served(db, signer, make) as api:
        data = await api.ask(
            """query ($f: ListingFilter) { listings(first: 2, filter: $f) { totalCount nodes { id notice source
                 externalId provider place country title description features prerequisites
                 fieldCode fieldOfStudy workloadHours
                 length price currency award industryCredential accreditation listedOn gaps importedAt } } }""",
            f=chosen,
        )
    found = data["listings"]
    assert found["totalCount"] == number
    for listing in found["nodes"]:
        assert listing["notice"].startswith("Listed, not validated")
        assert {"LEARNING_OUTCOMES", "ASSESSMENT", "LEVEL", "QUALITY_ASSURANCE", "SKILLS"} <= set(listing["gaps"])


async def test_school_completes_a_listing_and_others_cannot(
    db: Database, signer: Signer, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await service.import_listings(db, SYSTEM, PROGRAMS)
    async with db.writer() as tx:
        await ground(tx)
        school, employer = await make.school(tx, Role.AUTHOR), await make.employer(tx)
    async with served(db, signer, make) as api:
        query = """{ listings(first: 1, filter: {search: "welding", longestHours: 900}) {
          nodes { id title workloadHours } } }"""
        listing = (await api.ask(query))["listings"]["nodes"][0]
        before = await everything(owner)
        refused = await api.do("completeListing", "draft { id }", employer, listingId=listing["id"])
        assert refused.get("draft") is None
        assert await everything(owner) == before
        made = await api.do(
            "completeListing",
            "spec { slug } draft { gaps content { title workloadHours } listing { id } }",
            school,
            listingId=listing["id"],
            slug="completed-listing",
        )
        assert made["errors"] == []
        assert made["spec"] == {"slug": "completed-listing"}
        draft = made["draft"]
        assert draft["listing"] == {"id": listing["id"]}
        assert draft["content"] == {"title": listing["title"], "workloadHours": listing["workloadHours"]}
        assert "PRIMARY_OUTCOME" in draft["gaps"]
        assert (await api.ask("query ($id: ID!) { listing(id: $id) { title } }", id=listing["id"]))["listing"] == {
            "title": listing["title"]
        }
