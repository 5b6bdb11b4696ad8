"""A one-time link signs in on this machine, outside production, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from countersign import app
from countersign.accounts import rules, sign_ins
from countersign.config import Mode, Settings
from countersign.edge.door import Door
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.trust.signer import Signer
from tests.accounts.provider import browser
from tests.accounts.support import Person, person
from tests.conftest import ORIGIN

Made = Callable[[Mode], Door]


@pytest.fixture
def portal(db: Database, signer: Signer) -> Made:
    def made(mode: Mode) -> Door:
        settings = Settings(
            mode=mode, database_url=None, database_read_url=None, database_owner_url=None, public_origin=ORIGIN
        )
        tools = Tools(db, Sealer(b"s" * 32), signer)
        return app.create_app_with(tools, settings.model_copy(update={"secret": SecretStr("s" * 32)}))

    return made


async def link(db: Database) -> tuple[Person, str]:
    async with db.writer() as tx:
        who = await person(tx)
        return who, f"/auth/once/{await sign_ins.link(tx, who.account_id)}"


@pytest.mark.parametrize("mode", [Mode.DEMO, Mode.DEV])
async def test_a_link_signs_in_once_and_afresh(db: Database, portal: Made, mode: Mode) -> None:
    who, path = await link(db)
    door = portal(mode)
    async with browser(door) as ann, browser(door) as second:
        came = await ann.ours.get(path)
        assert (came.status_code, came.headers["location"], came.headers["countersign-mode"]) == (303, "/", "dev")
        me = await ann.me()
        assert (me["signedIn"], me["accountId"], me["provider"]) == (True, str(who.account_id), None)
        assert me["authenticatedAt"] is not None
        assert (await second.ours.get(path)).status_code == 404
        assert (await second.ours.get(f"/auth/once/{rules.new_secret()}")).status_code == 404
        assert (await second.me())["signedIn"] is False


async def test_a_link_is_good_on_this_machine_alone_and_stays_good_for_it(db: Database, portal: Made) -> None:
    _, path = await link(db)
    door = portal(Mode.DEV)
    async with browser(door, client=("203.0.113.9", 1)) as far, browser(door) as near:
        assert (await far.ours.get(path)).status_code == 404
        assert (await near.ours.get(path, headers={"host": "evil.example"})).status_code == 421
        assert (await near.ours.get(path)).status_code == 303


async def test_there_are_no_links_in_production(db: Database, portal: Made) -> None:
    _, path = await link(db)
    async with browser(portal(Mode.PRODUCTION)) as ann:
        assert (await ann.ours.get(path)).status_code == 404
        assert "countersign-mode" not in (await ann.ours.get("/livez")).headers
