"""Long runs: every changed byte, made-up documents, places taken by many at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.kit.db import Database
from countersign.trust import service
from countersign.trust.canonical_status import CAPACITY, place_of
from countersign.trust.signer import Signer
from countersign.trust.verify import verify
from countersign.trust.verify_findings import Verdict
from tests.factories import Factory
from tests.trust import samples
from tests.trust.material import NOW, material
from tests.trust.test_verify import JSON

pytestmark = pytest.mark.campaign


def test_no_changed_byte_of_an_endorsement_passes() -> None:
    original = samples.sample("endorsement")
    data = json.dumps(original).encode()
    given = material()
    passing = []
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        text = bytes(changed).decode("utf-8", "replace")
        if verify(text, given, NOW).verdict is Verdict.VALID and json.loads(text) != original:
            passing.append((position, text[max(0, position - 20) : position + 20]))
    assert passing == []


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict | list) + [holder for item in inner for holder in _holders(item)]


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_made_up_changes_anywhere_in_an_award_neither_break_the_verifier_nor_pass(data: st.DataObject) -> None:
    document = samples.sample("award")
    holder = data.draw(st.sampled_from(_holders(document)))
    if isinstance(holder, dict):
        key = data.draw(st.sampled_from(sorted(holder)) | st.text(max_size=8))
        holder[key] = data.draw(JSON)
    elif holder:
        holder[data.draw(st.integers(0, len(holder) - 1))] = data.draw(JSON)
    report = verify(json.dumps(document), material(), NOW)
    unchanged = document == samples.sample("award")
    assert (report.verdict is Verdict.VALID) == unchanged or _means_the_same(document)


def _means_the_same(document: dict[str, Any]) -> bool:
    """Whether the change was one that JSON-LD does not see: a value in an array of one, or a member without a value."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if v is not None and v != []}
        if isinstance(value, list):
            inner = [plain(v) for v in value if v is not None]
            return inner[0] if len(inner) == 1 else inner
        return value

    return bool(plain(document) == plain(samples.sample("award")))


def test_every_slot_of_a_list_has_a_place_of_its_own() -> None:
    assert {place_of(slot, b"a list's secret.") for slot in range(CAPACITY)} == set(range(CAPACITY))


async def test_thousands_of_places_taken_at_once_never_meet(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        identity = await make.organization(tx, handle="orbita")
        await service.allocate(tx, signer.addresses, identity)
        await tx.execute("update status_lists set next_slot = $1", CAPACITY - 1_500)

    async def take() -> list[service.Slot]:
        async with db.writer() as tx:
            return await service.allocate(tx, signer.addresses, identity, 20)

    taken: list[service.Slot] = []
    for _ in range(20):
        for slots in await asyncio.gather(*(take() for _ in range(10))):
            taken += slots
    assert len({(slot.list_id, slot.index) for slot in taken}) == 4_000
    assert {slot.url.rpartition("/")[2] for slot in taken} == {"1", "2"}
