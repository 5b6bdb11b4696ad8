"""Verifiers that we did not write accept what we sign, and refuse what was altered.

`@digitalbazaar/vc` and `@digitalcredentials/vc`, run by node. They compare a status list with the wall clock, whatever
time they are given, so these tests sign at the real time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from countersign.kit.access import OrganizationKind
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.trust import documents, service
from countersign.trust.documents import (
    Achievement,
    Award,
    Endorsement,
    Evidence,
    Level,
    Measure,
    Outcome,
    Party,
    Recipient,
)
from countersign.trust.service import Slot
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.trust import outside


@dataclass(frozen=True)
class Made:
    """One endorsement and one award that holds it, as they would be served."""

    tx: Tx
    signer: Signer
    endorsement: bytes
    endorsement_slot: Slot
    award: bytes
    award_slot: Slot

    async def documents(self) -> dict[str, str]:
        """What the verifiers may look up: DID documents and status lists, as served now."""
        found: dict[str, str] = {}
        for handle in ("orbita", "northgate"):
            did = await service.did_document(self.tx, self.signer.addresses, handle)
            listed = await service.status_list(self.tx, self.signer, handle, "revocation", 1)
            assert did is not None
            assert listed is not None
            found[self.signer.addresses.did(handle)] = did.body.decode()
            found[self.signer.addresses.status_list(handle, "revocation", 1)] = listed.body.decode()
        return found


@pytest.fixture(autouse=True)
def _installed() -> None:
    outside.node()
    outside.install()


@pytest.fixture
async def made(tx: Tx, clock: FrozenClock, signer: Signer, make: Factory) -> Made:
    """An endorsement and an award signed a minute ago."""
    clock.at = datetime.now(UTC) - timedelta(minutes=1)
    now = clock.at
    addresses = signer.addresses
    school = await make.organization(tx, OrganizationKind.SCHOOL, handle="northgate")
    employer = await make.organization(tx, handle="orbita")
    frozen = documents.achievement(
        addresses,
        Achievement(
            slug="ab-testing-python",
            semver="1.0.0",
            name="A/B-тесты продуктовых метрик <на> Python & «SciPy»",
            description="Designs, runs and reads an online controlled experiment.",
            criteria="Pass the graded report.",
            creator=Party("northgate", "Northgate"),
            language="ru",
            credits=Decimal("2.5"),
            measures=(Measure("report", "Report", levels=(Level("ready", "Ready"),), required_level="ready"),),
        ),
    )
    endorsement_slot = (await service.allocate(tx, addresses, employer))[0]
    endorsement = Endorsement(
        id=new_id(),
        endorser=Party("orbita", "Orbita"),
        title="A/B testing",
        slug="ab-testing-python",
        semver="1.0.0",
        achievement=frozen,
        spec_json=b"{}",
        statement="We interview every holder.",
        valid_from=now,
        valid_until=now + timedelta(days=365),
        status=endorsement_slot.status,
        evidence=(Evidence("Pledge", "5 seats", "Industry validation: hiring pledge"),),
    )
    signed = await signer.sign(tx, employer, documents.endorsement_credential(addresses, endorsement))
    award_slot = (await service.allocate(tx, addresses, school))[0]
    award = Award(
        id=new_id(),
        school=Party("northgate", "Northgate"),
        achievement=frozen,
        endorsements=(signed,),
        recipient=Recipient("learner@example.com", "salt"),
        awarded_at=now,
        valid_from=now,
        status=award_slot.status,
        outcomes=(Outcome("report", "ready"),),
    )
    credential = await signer.sign(tx, school, documents.award_credential(addresses, award))
    return Made(tx, signer, signed, endorsement_slot, credential, award_slot)


@pytest.mark.parametrize("name", ["endorsement", "award"])
async def test_outside_verifiers_accept_what_we_sign(made: Made, name: str) -> None:
    answers = await outside.ask(getattr(made, name), await made.documents())
    assert answers.reasons == ""
    assert answers.accepted == [True, True]
    assert answers.revoked is False


@pytest.mark.parametrize("name", ["endorsement", "award"])
async def test_outside_verifiers_refuse_changed_bytes(made: Made, name: str) -> None:
    altered: dict[str, Any] = json.loads(getattr(made, name)) | {"name": "Another name"}
    answers = await outside.ask(altered, await made.documents())
    assert answers.accepted == [False, False]
    assert "Invalid signature" in answers.reasons


async def test_outside_verifiers_refuse_a_term_that_no_context_defines(made: Made) -> None:
    altered = json.loads(made.endorsement)
    altered["credentialSubject"]["stray"] = "unsigned"
    answers = await outside.ask(altered, await made.documents())
    assert answers.accepted == [False, False]
    assert "Safe mode" in answers.reasons


async def test_outside_verifiers_see_a_revocation_at_once(made: Made) -> None:
    await service.revoke(made.tx, made.endorsement_slot.list_id, made.endorsement_slot.index)
    found = await made.documents()
    assert (await outside.ask(made.endorsement, found)).revoked is True
    assert (await outside.ask(made.award, found)).revoked is False


async def test_outside_verifiers_refuse_a_key_that_was_taken_away(made: Made) -> None:
    await made.tx.execute("update signing_keys set compromised_at = now(), retired_at = now()")
    for handle in ("orbita", "northgate"):
        identity = await made.tx.fetchval("select id from organizations where handle = $1", handle)
        await made.signer.ensure_key(made.tx, identity)
    await made.tx.execute("update status_lists set published_revision = null")
    answers = await outside.ask(made.endorsement, await made.documents())
    assert answers.accepted == [False, False]
