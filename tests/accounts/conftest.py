"""One identity provider for the files that ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from countersign.edge.door import Door
from countersign.kit.clock import DatabaseClock
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.accounts.provider import Browser, People, browser, portal, running

_PORTALS: dict[str, Door] = {}
"""Making one takes as long as a dozen sign-ins, and it keeps nothing of a test but budgets."""


@pytest_asyncio.fixture(scope="session")
async def provider() -> AsyncIterator[People]:
    """The provider's process."""
    async with running() as started:
        yield started


@pytest_asyncio.fixture
async def people(provider: People) -> AsyncIterator[People]:
    """The provider, as it is at its start."""
    await provider.reset()
    yield provider


@pytest_asyncio.fixture
async def door(db: Database, signer: Signer, people: People) -> Door:
    """Our portal with this provider, at the time that it really is: the provider has no other."""
    db.clock = DatabaseClock()
    if people.issuer not in _PORTALS:
        _PORTALS[people.issuer] = portal(db, signer, people)
    return _PORTALS[people.issuer]


@pytest_asyncio.fixture
async def ann(door: Door) -> AsyncIterator[Browser]:
    """A browser."""
    async with browser(door) as made:
        yield made
