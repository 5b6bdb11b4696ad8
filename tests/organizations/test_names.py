"""Names that look like those of others."""

from __future__ import annotations

import pytest

from countersign.kit.access import SYSTEM, OrganizationKind
from countersign.kit.db import Database
from countersign.organizations import service as organizations
from countersign.trust.signer import Signer
from tests.api import served
from tests.factories import Factory


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        ("Nordbank", False),
        ("N\u043erdbank", True),  # a Cyrillic o
        ("\u0391pple Academy", True),  # a Greek A
        ("Банк «Лукоморье»", False),
        ("Банк Home Credit", False),
        ("Банк-Home", False),
        ("АО «Nordbank»", False),
        ("Универсиtет", True),
        ("Škoda Łódź Ærø", False),
        ("学校 School", False),
    ],
)
async def test_a_name_that_mixes_alphabets_within_a_word_is_told(
    db: Database, signer: Signer, make: Factory, name: str, *, mixed: bool
) -> None:
    async with db.writer() as tx:
        command = organizations.Register(OrganizationKind.EMPLOYER, "look-alike", name, "DE")
        await organizations.register(tx, SYSTEM, command)
    async with served(db, signer, make) as api:
        data = await api.ask('{ organization(by: {handle: "look-alike"}) { legalName mixedScripts } }')
    assert data["organization"] == {"legalName": name, "mixedScripts": mixed}
