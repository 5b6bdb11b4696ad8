"""Who is signed in brings and takes as with a token, and only while the session stands."""

from __future__ import annotations

from countersign.accounts import service as accounts
from countersign.kit.access import Role
from tests.accounts.support import Person, join, person
from tests.bulk.support import House

EXPORT = """
mutation ($input: StartBulkExportInput!) {
  startBulkExport(input: $input) {
    bulkOperation { id state } errors { __typename ... on UserError { code message } }
  }
}
"""


async def start(house: House, key: str) -> tuple[Person, str]:
    """Somebody signed in, and the id of the export that they asked for."""
    school = house.registrar.organization_id
    assert school is not None
    async with house.db.writer() as tx:
        who = await person(tx)
        await join(tx, who, school, Role.REGISTRAR)
    given = {"query": "{ awards(first: 1) { nodes { id } } }", "idempotencyKey": key}
    said = await house.api.client.post(
        "/graphql", json={"query": EXPORT, "variables": {"input": given}}, headers=who.page(school)
    )
    payload = said.json()["data"]["startBulkExport"]
    assert payload["errors"] == [], said.json()
    if payload["bulkOperation"]["state"] == "AWAITING_APPROVAL":
        await house.approve(payload["bulkOperation"]["id"])
    return who, payload["bulkOperation"]["id"]


async def test_an_export_of_a_session_is_done_while_the_session_stands(house: House) -> None:
    _, operation = await start(house, "while it stands")
    assert await house.work() == 1
    found = await house.look(operation)
    assert found is not None
    assert (found["state"], found["failure"]) == ("COMPLETED", None)


async def test_an_export_ends_with_the_session_that_asked_for_it(house: House) -> None:
    who, operation = await start(house, "signed out")
    async with house.db.writer() as tx:
        await accounts.end_login(tx, who.opened.login_id)
    assert await house.work() == 1
    found = await house.look(operation)
    assert found is not None
    assert (found["state"], found["resultUrl"]) == ("FAILED", None)
    assert "session" in str(found["failure"])
