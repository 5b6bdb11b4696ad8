"""Verifiers that we did not write accept what we sign, and refuse what was altered.

`@digitalbazaar/vc` and `@digitalcredentials/vc`, run by node over documents as they are served. They compare
a status list with the wall clock, whatever time they are given, so these tests sign at the real time.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from countersign.awards import service as awards
from countersign.awards.service import RevokeAward
from countersign.endorsements import service as endorsements
from countersign.endorsements.service import Revoke
from tests import node
from tests.public import outside
from tests.public.conftest import Place

pytestmark = pytest.mark.node


@pytest.fixture(autouse=True)
def _installed() -> None:
    node.install(outside.SOURCES)


async def documents(place: Place) -> dict[str, str]:
    """What the verifiers may look up, as served now."""
    found: dict[str, str] = {}
    for handle in ("orbita", place.version.school_handle):
        listed = place.addresses.status_list(handle, "revocation", 1)
        found[listed] = (await place.get(listed)).text
        found[place.addresses.did(handle)] = (await place.get(place.addresses.did_document(handle))).text
    return found


async def served(place: Place, name: str) -> bytes:
    """The signed document as it is served."""
    path = place.award_path if name == "award" else place.addresses.endorsement(place.endorsement_id)
    answer = await place.get(path)
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("name", ["endorsement", "award"])
async def test_outside_verifiers_accept_what_we_serve(place: Place, name: str) -> None:
    answers = await outside.ask(await served(place, name), await documents(place))
    assert answers.reasons == ""
    assert answers.accepted == [True, True]
    assert answers.revoked is False


@pytest.mark.parametrize("name", ["endorsement", "award"])
async def test_outside_verifiers_refuse_changed_bytes(place: Place, name: str) -> None:
    altered: dict[str, Any] = json.loads(await served(place, name)) | {"name": "Another name"}
    answers = await outside.ask(altered, await documents(place))
    assert answers.accepted == [False, False]
    assert "Invalid signature" in answers.reasons


async def test_outside_verifiers_refuse_a_term_that_no_context_defines(place: Place) -> None:
    altered = json.loads(await served(place, "endorsement"))
    altered["credentialSubject"]["stray"] = "unsigned"
    answers = await outside.ask(altered, await documents(place))
    assert answers.accepted == [False, False]
    assert "Safe mode" in answers.reasons


async def test_outside_verifiers_see_a_revocation_at_once(place: Place) -> None:
    endorsement, award = await served(place, "endorsement"), await served(place, "award")
    async with place.db.writer() as tx:
        await endorsements.revoke(tx, place.employer, Revoke(place.endorsement_id, "The tool is gone."))
    found = await documents(place)
    assert (await outside.ask(endorsement, found)).revoked is True
    assert (await outside.ask(award, found)).revoked is False
    async with place.db.writer() as tx:
        revocation = RevokeAward(place.award.learner_id, place.award.award_id, "Issued by mistake.")
        await awards.revoke(tx, place.school, revocation)
    assert (await outside.ask(award, await documents(place))).revoked is True


async def test_outside_verifiers_refuse_a_key_that_was_taken_away(place: Place) -> None:
    endorsement = await served(place, "endorsement")
    await served(place, "award")
    async with place.db.writer() as tx:
        await tx.execute("update signing_keys set compromised_at = now(), retired_at = now()")
        for identity in (place.employer.organization_id, place.school.organization_id):
            assert identity is not None
            await place.signer.add_key(tx, identity)
        await tx.execute("update status_lists set published_revision = null")
    answers = await outside.ask(endorsement, await documents(place))
    assert answers.accepted == [False, False]
