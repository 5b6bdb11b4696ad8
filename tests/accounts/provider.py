"""The identity provider of the tests, and browsers that sign in there: oidc-provider of npm, on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import SecretStr

from countersign import app
from countersign.accounts.oidc import RelyingParty
from countersign.accounts.providers import Provider
from countersign.config import Mode, Settings
from countersign.edge.door import Door
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.trust.signer import Signer
from tests import node
from tests.conftest import ORIGIN
from tests.patience import WAIT

JS = Path(__file__).parent / "js"
LEAST_NODE = 22
NAME = "people"
CALLBACK = f"{ORIGIN}/auth/callback/{NAME}"
SECRET = "a secret of the client: with / and + and %"  # noqa: S105 - the test's own


@dataclass(frozen=True)
class People:
    """The running provider."""

    issuer: str

    @property
    def provider(self) -> Provider:
        """As the settings name it."""
        return Provider(NAME, self.issuer, "portal", SECRET, "People")

    @property
    def settings(self) -> str:
        """For `COUNTERSIGN_OIDC_PROVIDERS`."""
        named = {"name": NAME, "label": "People", "issuer": self.issuer, "client_id": "portal"}
        return json.dumps([{**named, "client_secret": SECRET}])

    async def turn(self, **knobs: Any) -> dict[str, Any]:
        """Turn its knobs: who signs in, how its tokens are forged, `rotate` its keys, `sign` a token."""
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT) as http:
            answer = await http.post(f"{self.issuer}/control", json=knobs)
        said: dict[str, Any] = answer.json()
        return said

    async def reset(self) -> None:
        """As it was at its start."""
        await self.turn(rotate="back", subject="ann", authTime=None, verified=True, forge=None, asked=[])


@asynccontextmanager
async def running() -> AsyncIterator[People]:
    """The provider, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        node.node(LEAST_NODE),
        str(node.install(JS) / "provider.mjs"),
        CALLBACK,
        SECRET,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT):
            issuer = (await process.stdout.readline()).decode().strip()
        assert issuer.startswith("http://127.0.0.1:"), "the provider did not start"
        yield People(issuer)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@dataclass
class Browser:
    """One browser: our cookies, and those of the provider."""

    ours: httpx.AsyncClient
    theirs: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=WAIT))

    async def asked(self, path: str) -> str:
        """The provider's address to which we send the browser."""
        begun = await self.ours.get(path)
        assert begun.status_code == 303, begun.text
        return str(begun.headers["location"])

    async def provider_answers(self, address: str) -> str:
        """The provider's answer: an address of ours, with a code or an error."""
        for _ in range(6):
            answer = await self.theirs.get(address)
            assert answer.is_redirect, answer.text
            address = str(answer.next_request.url) if answer.next_request is not None else ""
            if address.startswith(CALLBACK):
                return address
        raise AssertionError(address)

    async def come_back(self, address: str) -> httpx.Response:
        """Follow the provider's answer to us."""
        return await self.ours.get(address)

    async def sign_in(self, path: str = f"/auth/sign-in/{NAME}") -> httpx.Response:
        """The whole way; our last answer."""
        return await self.come_back(await self.provider_answers(await self.asked(path)))

    async def me(self) -> dict[str, Any]:
        """Who we say they are."""
        said: dict[str, Any] = (await self.ours.get("/auth/me", headers=PAGE)).json()
        return said


PAGE = {"x-countersign": "1", "sec-fetch-site": "same-origin"}


def settings_of(people: People, mode: Mode = Mode.DEV) -> Settings:
    """Settings with this provider."""
    return Settings(
        mode=mode,
        database_url=None,
        database_read_url=None,
        database_owner_url=None,
        public_origin=ORIGIN,
        secret=SecretStr("s" * 32),
        key_encryption_key=SecretStr("k" * 32),
        oidc_providers=SecretStr(people.settings),
    )


def portal(db: Database, signer: Signer, people: People) -> Door:
    """Our application with this provider."""
    return app.create_app_with(Tools(db, Sealer(b"s" * 32), signer), settings_of(people))


@asynccontextmanager
async def browser(door: Door, **more: Any) -> AsyncIterator[Browser]:
    """A browser with empty cookies."""
    transport = httpx.ASGITransport(app=door, client=more.pop("client", ("127.0.0.1", 4711)))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, **more) as ours:
        made = Browser(ours)
        try:
            yield made
        finally:
            await made.theirs.aclose()


def query(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def party(people: People) -> RelyingParty:
    """What we are to the provider, without a portal around it."""
    return RelyingParty(people.provider, CALLBACK)
