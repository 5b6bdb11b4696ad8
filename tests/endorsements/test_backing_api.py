"""Pledges, kept promises and drift through the API: one allowed and every refused role, and what everyone may read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest_asyncio

from countersign.endorsements import drift, support, support_files
from countersign.endorsements.evidence import HiringPledge
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, Role
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.endorsements.ledger import CLOSES, OPENS, TOOLS, Market, colleague, market
from tests.factories import Factory
from tests.reads.toy import ask_data

ERRORS = "errors { __typename ... on UserError { code path message } }"
ENTRY = "id kind bySchool reference reason settlement { kind }"
PLEDGE = "id state seats seatsLeft waiting reserved redeemed returned broken withdrawalReason"
RESERVE = f"""mutation ($input: ReserveSeatInput!) {{ reserveSeat(input: $input) {{
  reservation {{ {ENTRY} }} pledge {{ {PLEDGE} }} {ERRORS} }} }}"""
REDEEM = f"""mutation ($input: RedeemSeatInput!) {{ redeemSeat(input: $input) {{
  entry {{ {ENTRY} reservation {{ reference }} }} pledge {{ {PLEDGE} }} {ERRORS} }} }}"""
RELEASE = f"""mutation ($input: ReleaseSeatInput!) {{ releaseSeat(input: $input) {{
  entry {{ {ENTRY} }} pledge {{ {PLEDGE} }} {ERRORS} }} }}"""
WITHDRAW = f"""mutation ($input: WithdrawPledgeInput!) {{ withdrawPledge(input: $input) {{
  pledge {{ {PLEDGE} }} {ERRORS} }} }}"""
RESOLVE = f"""mutation ($input: ResolveDriftAlarmInput!) {{ resolveDriftAlarm(input: $input) {{
  driftAlarm {{ state note pending concerns {{ id }} }} {ERRORS} }} }}"""
PROMISES = """query ($id: ID!) { organization(by: {id: $id}) { keptPromises {
  rate low high kept broken pending returned pledges seats schools definition } } }"""
LEDGER = f"""query ($id: ID!) {{ pledge(id: $id) {{ {PLEDGE} endorser {{ id }} endorsement {{ live }}
  entries(first: 10) {{ totalCount nodes {{ {ENTRY} }} }} }} }}"""
ALARMS = """query ($id: ID!) { endorsement(id: $id) { driftAlarms { id cause tool versions supportedUntil pending }
  evidence { kind expiresOn attachments { sha256 } ... on HiringPledge { pledge { state } }
    ... on ToolchainConfirmation { tools { name agreement } } }
  pledges { state } specVersion { driftAlarms { cause } } } }"""


@dataclass
class Desk:
    """The API over a market."""

    engine: Engine
    db: Database
    here: Market
    make: Factory

    async def do(self, text: str, actor: Actor, **given: Any) -> Any:
        """The payload of a mutation."""
        data = await ask_data(self.engine, text, actor, input={"idempotencyKey": str(new_id()), **given})
        return next(iter(data.values()))

    async def reserve(self, reference: str = "holder-1", actor: Actor | None = None) -> Any:
        """The payload of reserveSeat."""
        pledge = f"plg_{self.here.pledge}"
        return await self.do(RESERVE, actor or self.here.school, pledgeId=pledge, reference=reference)


@pytest_asyncio.fixture
async def desk(db: Database, make: Factory, signer: Signer) -> Desk:
    """Two pledged seats, and a confirmed toolchain."""
    async with db.writer() as tx:
        here = await market(tx, make, HiringPledge(6, "junior analyst", "EU remote", OPENS, CLOSES), TOOLS)
    return Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, here, make)


async def test_a_seat_is_reserved_redeemed_and_read(desk: Desk) -> None:
    reserved = await desk.reserve()
    assert reserved["errors"] == []
    assert reserved["pledge"] | {"id": ""} == {
        "id": "",
        "state": "OPEN",
        "seats": 6,
        "seatsLeft": 5,
        "waiting": 1,
        "reserved": 1,
        "redeemed": 0,
        "returned": 0,
        "broken": 0,
        "withdrawalReason": None,
    }
    assert (reserved["reservation"]["reference"], reserved["reservation"]["settlement"]) == ("holder-1", None)
    seat = reserved["reservation"]["id"]
    redeemed = await desk.do(REDEEM, desk.here.employer, reservationId=seat)
    assert redeemed["errors"] == []
    assert redeemed["entry"]["reservation"] == {"reference": "holder-1"}
    assert (redeemed["pledge"]["redeemed"], redeemed["pledge"]["seatsLeft"]) == (1, 5)
    again = await desk.do(REDEEM, desk.here.employer, reservationId=seat)
    assert [(e["__typename"], e["code"], e["path"]) for e in again["errors"]] == [
        ("InvalidStateError", "INVALID_STATE", ["reservationId"])
    ]


async def test_roles_that_may_not_are_refused_and_nothing_changes(desk: Desk, db: Database) -> None:
    seat = (await desk.reserve())["reservation"]["id"]
    async with db.writer() as tx:
        people = {role: await colleague(tx, desk.make, desk.here.school, role) for role in (Role.AUTHOR, Role.AUDITOR)}
        people |= {
            role: await colleague(tx, desk.make, desk.here.employer, role) for role in (Role.REVIEWER, Role.ORG_ADMIN)
        }
        before = await tx.fetch("select * from pledges"), await tx.fetch("select * from pledge_entries")
    for actor in (*people.values(), replace(desk.here.school, scopes=frozenset())):
        asked = (
            await desk.reserve("holder-2", actor),
            await desk.do(REDEEM, actor, reservationId=seat),
            await desk.do(RELEASE, actor, reservationId=seat, reason="A reason"),
            await desk.do(WITHDRAW, actor, pledgeId=f"plg_{desk.here.pledge}", reason="A reason"),
        )
        assert [[e["code"] for e in payload["errors"]] for payload in asked] == [["NOT_ALLOWED"]] * 4
    async with db.writer() as tx:
        assert (await tx.fetch("select * from pledges"), await tx.fetch("select * from pledge_entries")) == before


async def test_the_ledger_is_for_the_two_and_the_figures_for_everyone(desk: Desk, db: Database) -> None:
    seats = [(await desk.reserve(f"h{n}"))["reservation"]["id"] for n in range(6)]
    for seat in seats[:4]:
        await desk.do(REDEEM, desk.here.employer, reservationId=seat)
    await desk.do(RELEASE, desk.here.employer, reservationId=seats[4], reason="No budget")
    await desk.do(RELEASE, desk.here.school, reservationId=seats[5], reason="She moved away")
    async with db.writer() as tx:
        stranger = await desk.make.employer(tx)
    for actor, lines in ((desk.here.school, 12), (desk.here.employer, 12), (stranger, 0), (ANONYMOUS, 0)):
        data = await ask_data(desk.engine, LEDGER, actor, id=f"plg_{desk.here.pledge}")
        assert data["pledge"]["entries"]["totalCount"] == lines
        assert (data["pledge"]["redeemed"], data["pledge"]["broken"], data["pledge"]["returned"]) == (4, 1, 1)
        promised = await ask_data(desk.engine, PROMISES, actor, id=f"org_{desk.here.employer.organization_id}")
        found = promised["organization"]["keptPromises"]
        assert (found["rate"], found["low"], found["high"]) == ("0.800", "0.376", "0.964")
        assert [found[name] for name in ("kept", "broken", "pending", "returned", "pledges", "seats", "schools")] == [
            *(4, 1, 0, 1, 1, 6, 1)
        ]
        assert found["definition"].startswith("Of the reserved seats whose outcome is known")


async def test_who_never_pledged_has_no_rate(desk: Desk) -> None:
    data = await ask_data(desk.engine, PROMISES, ANONYMOUS, id=f"org_{desk.here.school.organization_id}")
    found = data["organization"]["keptPromises"]
    assert (found["rate"], found["kept"], found["broken"], found["pledges"]) == (None, 0, 0, 0)


async def test_pledges_are_listed_by_state_endorser_and_school(desk: Desk) -> None:
    text = "query ($f: PledgeFilter) { pledges(first: 5, filter: $f) { totalCount nodes { role } } }"
    school, employer = (f"org_{a.organization_id}" for a in (desk.here.school, desk.here.employer))
    for wanted, count in (
        ({}, 1),
        ({"state": "OPEN"}, 1),
        ({"state": "LAPSED"}, 0),
        ({"endorserId": employer, "schoolId": school}, 1),
        ({"endorserId": school}, 0),
        ({"specVersionId": f"version_{desk.here.here.version}"}, 1),
    ):
        data = await ask_data(desk.engine, text, ANONYMOUS, f=wanted)
        assert data["pledges"]["totalCount"] == count, wanted


async def test_an_alarm_stands_on_the_version_and_on_the_endorsement_until_it_is_resolved(
    desk: Desk, db: Database
) -> None:
    told = b"tool,cycle,supported until,source\nPython,3.13,2026-10-31,https://example.org\n"
    async with db.writer() as tx:
        await support.store(tx, SYSTEM, support_files.read(told), source="support.csv", data=told)
    assert await drift.look(db) == 2
    data = (await ask_data(desk.engine, ALARMS, ANONYMOUS, id=f"end_{desk.here.endorsement}"))["endorsement"]
    (alarm,) = data["driftAlarms"]
    assert alarm | {"id": ""} == {
        "id": "",
        "cause": "SUPPORT_ENDED",
        "tool": "Python",
        "versions": "3.13",
        "supportedUntil": "2026-10-31",
        "pending": True,
    }
    assert [each["cause"] for each in data["specVersion"]["driftAlarms"]] == ["SUPPORT_ENDED"] * 2
    assert [(piece["kind"], piece["expiresOn"]) for piece in data["evidence"]] == [
        ("HIRING_PLEDGE", "2027-03-31"),
        ("TOOLCHAIN_CONFIRMATION", "2027-09-20"),
    ]
    assert data["evidence"][0]["pledge"] == data["pledges"][0] == {"state": "OPEN"}
    assert data["evidence"][1]["tools"] == [{"name": "Python", "agreement": "CONFIRMED"}]
    refused = await desk.do(RESOLVE, desk.here.school, driftAlarmId=alarm["id"], note="Not ours")
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"]
    done = await desk.do(RESOLVE, desk.here.employer, driftAlarmId=alarm["id"], note="We use 3.14")
    assert (done["errors"], done["driftAlarm"]["state"], done["driftAlarm"]["pending"]) == ([], "RESOLVED", False)
    data = (await ask_data(desk.engine, ALARMS, ANONYMOUS, id=f"end_{desk.here.endorsement}"))["endorsement"]
    assert data["driftAlarms"] == []
    assert len(data["specVersion"]["driftAlarms"]) == 1


async def test_dates_of_a_tool_are_found_by_any_of_its_names(desk: Desk, db: Database) -> None:
    told = b"tool,also known as,cycle,supported until,source\nNode.js,Node,20,2026-04-30,https://example.org\n"
    async with db.writer() as tx:
        await support.store(tx, SYSTEM, support_files.read(told), source="support.csv", data=told)
    text = "query ($t: String) { toolCycles(first: 5, filter: {tool: $t}) { nodes { tool cycle supported } } }"
    for name, found in (("Node.js", 1), ("NODE", 1), ("node js", 1), ("Deno", 0), ("", 0), ("\u202eNode", 1)):
        data = await ask_data(desk.engine, text, ANONYMOUS, t=name)
        assert len(data["toolCycles"]["nodes"]) == found, name
        assert all(not cycle["supported"] for cycle in data["toolCycles"]["nodes"])
