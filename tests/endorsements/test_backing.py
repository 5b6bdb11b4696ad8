"""What stands behind an endorsement: files of single pieces, versions compared with what is taught, ledgers."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from countersign.attachments import service as attachments
from countersign.endorsements import backing, renewal, support, support_files
from countersign.endorsements import service as endorsements
from countersign.endorsements.backing import AnotherToolchain
from countersign.endorsements.evidence import Tool, ToolchainConfirmation
from countersign.endorsements.evidence_checks import NamedTwice, UnreadableVersions, Unsuitable
from countersign.endorsements.rules import TooManyAttachments
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound, Refusals
from countersign.kit.ids import new_id
from tests.endorsements.ledger import PLEDGE, TOOLS, market, put_in_force
from tests.factories import Factory
from tests.reviews.support import scene

MIGRATION = Path(__file__).parents[2] / "migrations" / "versions"


async def file(tx: Tx, actor: Actor, name: str = "letter.pdf", sha256: str = "ab" * 32) -> UUID:
    """A file of the actor's organization that was received."""
    made = await attachments.announce(tx, actor, attachments.AnnounceAttachment(name, 5, sha256))
    await tx.execute(
        "insert into attachment_files (attachment_id, media_type, name, data, size, sha256, width, height, received_at)"
        " values ($1, 'application/pdf', $2, '\\x00', 5, $3, null, null, $4)",
        *(made, name, sha256, await tx.now()),
    )
    return made


async def kept(tx: Tx) -> list[Any]:
    tables = ("endorsements", "endorsement_evidence", "evidence_attachments", "endorsement_attachments", "pledges")
    return [await tx.fetchval(f"select count(*) from {table}") for table in tables]


async def test_a_file_is_behind_one_piece_and_its_digest_is_in_the_signed_sentence(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    letter, budget = await file(tx, here.employer), await file(tx, here.employer, "budget.pdf", "cd" * 32)
    word = endorsements.EndorseSpec(
        here.version, here.digest, "We hire.", (PLEDGE, TOOLS), evidence_files=((letter, budget), ())
    )
    identity = await endorsements.endorse(tx, here.employer, word)
    document = json.loads(await tx.fetchval("select document from endorsements where id = $1", identity))
    said = [piece["narrative"] for piece in document["evidence"]]
    assert said == [
        " ".join(
            (
                PLEDGE.sentence(),
                f"Attached: letter.pdf (application/pdf, 5 bytes), SHA-256 {'ab' * 32}.",
                f"Attached: budget.pdf (application/pdf, 5 bytes), SHA-256 {'cd' * 32}.",
            )
        ),
        TOOLS.sentence(),
    ]
    rows = await tx.fetch("select narrative from endorsement_evidence where endorsement_id = $1 order by no", identity)
    assert [row["narrative"] for row in rows] == said
    assert not await endorsements.public_attachment(tx, letter)
    await put_in_force(tx, identity)
    assert await endorsements.public_attachment(tx, letter)
    given = await backing.given(tx, identity)
    assert (given.evidence, given.evidence_files, given.files) == ((PLEDGE, TOOLS), ((letter, budget), ()), ())


async def test_files_of_others_missing_ones_and_too_many_are_refused_with_their_place(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    foreign, own = await file(tx, await make.employer(tx)), await file(tx, here.employer)
    before = await kept(tx)
    cases = (
        (((), (foreign,)), NotFound, ("evidence", 1, "attachmentIds", 0)),
        (((own, new_id()), ()), NotFound, ("evidence", 0, "attachmentIds", 1)),
        (((own, own), ()), TooManyAttachments, ("evidence", 0, "attachmentIds")),
        ((tuple(new_id() for _ in range(6)), ()), TooManyAttachments, ("evidence", 0, "attachmentIds")),
    )
    for given, kind, path in cases:
        word = endorsements.EndorseSpec(here.version, here.digest, "We hire.", (PLEDGE, TOOLS), evidence_files=given)
        with pytest.raises(kind) as caught:
            async with tx.savepoint():
                await endorsements.endorse(tx, here.employer, word)
        assert caught.value.path == path
    assert await kept(tx) == before


async def test_a_renewal_carries_the_evidence_with_its_files(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    letter = await file(tx, here.employer)
    word = endorsements.EndorseSpec(here.version, here.digest, "We hire.", (TOOLS, PLEDGE), evidence_files=((letter,),))
    first = await endorsements.endorse(tx, here.employer, word)
    await put_in_force(tx, first)
    second = await renewal.renew(tx, here.employer, renewal.Renew(first, here.digest))
    assert await backing.given(tx, second) == await backing.given(tx, first)
    assert await tx.fetchval("select count(*) from pledges") == 2


async def test_confirmed_tools_are_compared_with_what_the_version_teaches(tx: Tx, make: Factory) -> None:
    told = b"tool,also known as,cycle,supported until,source\nPython,CPython,3.13,,https://example.org\n"
    await support.store(tx, SYSTEM, support_files.read(told), source="support.csv", data=told)
    tools = (Tool("CPython", ">=3.12,<3.14"), Tool("SciPy", "1.11"))
    here = await market(tx, make, replace(TOOLS, tools=tools))
    record = await tx.fetchval("select payload from endorsement_evidence where endorsement_id = $1", here.endorsement)
    assert [(tool["name"], tool["agreement"]) for tool in record["tools"]] == [
        ("CPython", "confirmed"),
        ("SciPy", "not_taught"),
    ]


async def test_a_team_that_uses_another_version_confirms_nothing(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    before = await kept(tx)
    other = ToolchainConfirmation((Tool("SciPy", "1.11"), Tool("python", "2.7")), TOOLS.checked_on)
    word = endorsements.EndorseSpec(here.version, here.digest, "We hire.", (PLEDGE, other))
    with pytest.raises(AnotherToolchain) as caught:
        async with tx.savepoint():
            await endorsements.endorse(tx, here.employer, word)
    assert caught.value.path == ("evidence", 1, "tools", 1, "versions")
    assert caught.value.message == (
        "This version teaches Python 3.13, and 2.7 is none of that: ask for a change instead."
    )
    assert await kept(tx) == before


@pytest.mark.parametrize(
    ("piece", "kind", "path"),
    [
        (replace(TOOLS, tools=(Tool("Python", "web, 2026"),)), UnreadableVersions, ("tools", 0, "versions")),
        (replace(TOOLS, tools=(Tool("Node.js"), Tool("NODEJS", "24"))), NamedTwice, ("tools", 1, "name")),
        (replace(TOOLS, checked_on=date(2026, 11, 22) - timedelta(days=367)), Unsuitable, ("checkedOn",)),
    ],
)
async def test_a_confirmation_that_says_nothing_of_today_is_refused(
    tx: Tx, make: Factory, piece: ToolchainConfirmation, kind: type[Exception], path: tuple[str | int, ...]
) -> None:
    here = await scene(tx, make, published=True)
    before = await kept(tx)
    word = endorsements.EndorseSpec(here.version, here.digest, "We hire.", (piece,))
    with pytest.raises(Refusals) as caught:
        async with tx.savepoint():
            await endorsements.endorse(tx, here.employer, word)
    (fault,) = caught.value.refusals
    assert isinstance(fault, kind)
    assert fault.path == ("evidence", 0, *path)
    assert await kept(tx) == before


async def test_pledges_that_were_signed_before_there_were_ledgers_get_theirs(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.writer() as tx:
        await market(tx, make)
    columns = "endorsement_id, evidence_id, organization_id, seats, role, region, opens_on, closes_on, reserved"
    before = await owner.fetch(f"select {columns} from pledges")
    await owner.execute("delete from pledges")
    path = next(MIGRATION.glob("*_backing.py"))
    specification = importlib.util.spec_from_file_location("backing_migration", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    await owner.execute(module.BACKFILL)
    assert await owner.fetch(f"select {columns} from pledges") == before
    assert len(before) == 1
