"""What only members see leaves in bulk when two persons want it (threat 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.ids import new_id
from countersign.organizations import approvals
from tests.bulk.support import House, lines, row
from tests.factories import Factory

AWARDS = "{ awards { nodes { id } } }"
OPERATION = "bulkOperation { id state resultUrl }"
APPROVALS = "{ approvals(first: 5) { nodes { id action state objectId mine } } }"


async def started(house: House, query: str = AWARDS) -> dict[str, Any]:
    payload = await house.api.do("startBulkExport", OPERATION, house.registrar, query=query)
    assert payload["errors"] == []
    operation: dict[str, Any] = payload["bulkOperation"]
    return operation


async def admin(house: House, make: Factory) -> Actor:
    async with house.db.writer() as tx:
        return await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.ORG_ADMIN)


async def waiting(house: House, actor: Actor) -> dict[str, Any]:
    (only,) = (await house.api.ask(APPROVALS, actor))["approvals"]["nodes"]
    found: dict[str, Any] = only
    return found


async def state(house: House, operation: str) -> str:
    shown = await house.api.ask("query ($id: ID!) { bulkOperation(id: $id) { state } }", house.registrar, id=operation)
    return str(shown["bulkOperation"]["state"])


async def test_an_export_of_what_members_see_happens_when_another_person_approves(house: House, make: Factory) -> None:
    await house.imported(lines([row(1)]))
    operation = await started(house)
    assert operation["state"] == "AWAITING_APPROVAL"
    assert await house.work() == 0
    boss = await admin(house, make)
    proposal = await waiting(house, boss)
    assert proposal == {**proposal, "action": "BULK_EXPORT", "objectId": operation["id"], "mine": False}
    assert (await waiting(house, house.registrar))["mine"]
    approved = await house.api.do("approve", "approval { state }", boss, approvalId=proposal["id"])
    assert approved["approval"] == {"state": "APPROVED"}
    assert await state(house, operation["id"]) == "QUEUED"
    assert await house.work() == 1
    assert await state(house, operation["id"]) == "COMPLETED"


async def test_whoever_started_an_export_does_not_approve_it(house: House, make: Factory) -> None:
    operation = await started(house)
    boss = await admin(house, make)
    proposal = await waiting(house, boss)
    async with house.db.writer() as tx:
        again = await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.AUDITOR)
        elsewhere = await make.school(tx, Role.ORG_ADMIN)
        # The registrar becomes an admin and comes with another token: it is the same person.
        await tx.execute(
            "update memberships set roles = $2 where person_id = $1",
            *(house.registrar.person_id, [Role.ORG_ADMIN.value, Role.REGISTRAR.value]),
        )
    same = replace(house.registrar, roles=house.registrar.roles | {Role.ORG_ADMIN}, token_id=new_id())
    codes = {}
    for name, actor in {"same": same, "auditor": again, "elsewhere": elsewhere}.items():
        refused = await house.api.do("approve", "approval { state }", actor, approvalId=proposal["id"])
        codes[name] = [error["code"] for error in refused["errors"]]
    assert codes == {"same": ["NOT_ALLOWED"], "auditor": ["NOT_ALLOWED"], "elsewhere": ["NOT_FOUND"]}
    assert await state(house, operation["id"]) == "AWAITING_APPROVAL"
    assert await house.work() == 0


async def test_a_rejected_export_never_happens(house: House, make: Factory) -> None:
    operation = await started(house)
    boss = await admin(house, make)
    proposal = await waiting(house, boss)
    rejected = await house.api.do("reject", "approval { state reason }", boss, approvalId=proposal["id"], reason="No.")
    assert rejected["approval"] == {"state": "REJECTED", "reason": "No."}
    assert await state(house, operation["id"]) == "CANCELED"
    late = await house.api.do("approve", "approval { state }", boss, approvalId=proposal["id"])
    assert [error["code"] for error in late["errors"]] == ["INVALID_STATE"]
    assert await house.work() == 0


async def test_what_nobody_approves_in_three_days_expires(house: House, make: Factory, clock: FrozenClock) -> None:
    operation = await started(house)
    boss = await admin(house, make)
    clock.move(timedelta(days=3))
    proposal = await waiting(house, boss)
    assert proposal["state"] == "EXPIRED"
    late = await house.api.do("approve", "approval { state }", boss, approvalId=proposal["id"])
    assert [error["code"] for error in late["errors"]] == ["INVALID_STATE"]
    assert await approvals.lapse(house.db) == 1
    assert await state(house, operation["id"]) == "CANCELED"


async def test_an_export_that_was_stopped_stays_stopped_when_it_is_approved(house: House, make: Factory) -> None:
    operation = await started(house)
    stopped = await house.api.do("cancelBulkOperation", OPERATION, house.registrar, bulkOperationId=operation["id"])
    assert stopped["bulkOperation"]["state"] == "CANCELED"
    boss = await admin(house, make)
    proposal = await waiting(house, boss)
    await house.api.do("approve", "approval { state }", boss, approvalId=proposal["id"])
    assert await state(house, operation["id"]) == "CANCELED"
    assert await house.work() == 0


async def test_what_everyone_sees_takes_one_person(house: House) -> None:
    assert (await started(house, "{ organizations { nodes { handle } } }"))["state"] == "QUEUED"
    nested = "{ organizations { nodes { handle parent { handle } } } }"
    assert (await started(house, nested))["state"] == "QUEUED"
