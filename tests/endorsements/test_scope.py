"""An endorsement is about the whole specification or some outcomes; the signed document and the API say which."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from countersign.endorsements import scope
from countersign.kit.db import Database
from countersign.kit.errors import Refusals
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = "endorsement { outcomeKeys state credential }"
SPEC = json.dumps({"outcomes": [{"id": "a", "statement": "Does a."}, {"id": "b", "statement": "Does b."}]}).encode()


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> AsyncIterator[tuple[Api, Scene]]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield api, here


async def endorse(api: Api, here: Scene, **given: Any) -> Any:
    return await api.do(
        "endorseSpec",
        SHOWN,
        here.employer,
        specVersionId=f"version_{here.version}",
        expectedDigest=here.digest,
        statement="We hire.",
        **given,
    )


async def test_the_whole_specification_is_meant_unless_outcomes_are_named(desk: tuple[Api, Scene]) -> None:
    said = (await endorse(*desk))["endorsement"]
    assert (said["state"], said["outcomeKeys"]) == ("IN_FORCE", None)
    credential = json.loads(said["credential"])
    assert " endorses A/B testing" in credential["name"]
    assert "evidence" not in credential


async def test_named_outcomes_stand_in_the_signed_document_and_in_the_api(desk: tuple[Api, Scene]) -> None:
    api, here = desk
    said = (await endorse(api, here, outcomeKeys=["power"]))["endorsement"]
    assert said["outcomeKeys"] == ["power"]
    credential = json.loads(said["credential"])
    assert " endorses a part of A/B testing" in credential["name"]
    assert [(e["name"], e["narrative"], e["genre"]) for e in credential["evidence"]] == [
        ("Scope: power", "Computes the sample size that an experiment needs.", scope.GENRE)
    ]
    answer = await api.client.post(
        "/verify", content=said["credential"].encode(), headers={"content-type": "application/json"}
    )
    assert answer.json()["verdict"] == "VALID"


@pytest.mark.parametrize(
    ("keys", "path"),
    [([], ["outcomeKeys"]), (["power", "sorcery"], ["outcomeKeys", "1"]), (["power", "power"], ["outcomeKeys", "1"])],
)
async def test_outcomes_that_the_version_does_not_have_are_refused(
    desk: tuple[Api, Scene], keys: list[str], path: list[str]
) -> None:
    api, here = desk
    before = await kept(api.db)
    refused = await endorse(api, here, outcomeKeys=keys)
    assert refused["endorsement"] is None
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("INVALID", path)]
    assert await kept(api.db) == before


def test_outcomes_are_kept_in_the_order_of_the_specification() -> None:
    assert scope.read(None, SPEC) is None
    assert [each.key for each in scope.read(["b", "a"], SPEC) or ()] == ["a", "b"]


def test_every_outcome_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Refusals) as caught:
        scope.read(["a", "\u202ea", "", "a"], SPEC)
    assert [refusal.path for refusal in caught.value.refusals] == [("outcomeKeys", n) for n in (1, 2, 3)]
