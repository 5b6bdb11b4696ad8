"""Signing in and out: `/auth/…`. Redirects to identity providers and back; sessions in cookies, never in addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from structlog.contextvars import get_contextvars

from countersign.accounts import limits, rules, service, sign_ins
from countersign.accounts.oidc import OutOfReach, RelyingParty
from countersign.accounts.providers import Provider, is_loopback
from countersign.accounts.rules_tokens import NotGood
from countersign.accounts.service import Opened
from countersign.accounts.sign_ins import Begun, SomebodyElse
from countersign.edge import identity
from countersign.edge.gates import Gates, Headers
from countersign.edge.identity import Credentials, cookie, set_cookie
from countersign.edge.negotiation import JSON
from countersign.edge.responses import Refused, refuse, respond
from countersign.edge.signin_pages import HEADERS, page
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.budgets import site
from countersign.kit.db import Database
from countersign.kit.logs import logger

BEGINS: Final = 120
FAILURES: Final = 30
PROVIDER_CALLS: Final = 600
WITHIN: Final = timedelta(minutes=10)
"""So many sign-ins may one address begin, so many may fail, so many sign-outs may come from a provider's."""
LARGEST_FORM: Final = 32 * 1024
_NAVIGATED: Final = frozenset({None, "none", "same-origin"})

log = logger("sign-in")


@dataclass(frozen=True, slots=True)
class SignIns:
    """The addresses under `/auth/`."""

    parties: Mapping[str, RelyingParty]
    gates: Gates
    origin: str
    links: bool = False
    """Whether one-time links sign in: in demo and dev, and from this machine alone."""

    @classmethod
    def of(cls, providers: Sequence[Provider], origin: str, gates: Gates, *, links: bool) -> SignIns:
        """Those of an installation; each provider sends browsers back to an address of its own."""
        parties = {p.name: RelyingParty(p, f"{origin}/auth/callback/{p.name}") for p in providers}
        return cls(parties, gates, origin, links)

    def routes(self) -> list[BaseRoute]:
        """Every address."""
        once = [Route("/auth/once/{secret}", self.by_link, methods=["GET"])] if self.links else []
        return [
            *once,
            Route("/auth/me", self.me, methods=["GET"]),
            Route("/auth/sign-in/{provider}", self.begin, methods=["GET"]),
            Route("/auth/step-up", self.step_up, methods=["GET"]),
            Route("/auth/callback/{provider}", self.finish, methods=["GET"]),
            Route("/auth/sign-out", self.sign_out, methods=["POST"]),
            Route("/auth/sign-out-everywhere", self.sign_out_everywhere, methods=["POST"]),
            Route("/auth/ticket", self.ticket, methods=["POST"]),
            Route("/auth/back-channel/{provider}", self.end_by_provider, methods=["POST"]),
        ]

    async def me(self, request: Request) -> Response:
        """Whether somebody is signed in and until when; with whom one may sign in."""
        shown = [{"name": p.provider.name, "label": p.provider.shown} for p in self.parties.values()]
        try:
            actor = await self._signed_in(request)
        except identity.NotSignedIn as refused:
            return _json({"signedIn": False, "providers": shown}, 200, refused)
        except Refused as refused:
            return _refuse(refused)
        if actor.login_id is None:
            return _json({"signedIn": False, "providers": shown})
        async with _db(request).fresh_reader() as reader:
            login = await service.login(reader, actor.login_id)
        said = {
            "signedIn": True,
            "accountId": str(actor.account_id),
            "provider": next((p.provider.shown for p in self._parties_of(login.issuer)), None),
            "authenticatedAt": _moment(login.authenticated_at),
            "endsAt": _moment(login.ends_at),
            "providers": shown,
        }
        return _json(said)

    async def begin(self, request: Request) -> Response:
        """To the provider. Whoever comes from another site's page is not signed in by it: the state is ours."""
        party = self.parties.get(request.path_params["provider"])
        if party is None:
            return page(request, "absent", 404)
        return await self._go(request, party, None)

    async def step_up(self, request: Request) -> Response:
        """To the provider of the session, which asks for the password again."""
        if request.headers.get("sec-fetch-site") not in _NAVIGATED:
            return page(request, "failed", 403)
        secret = cookie(_headers(request), self.gates.session_cookie)
        login = None
        if secret is not None:
            async with _db(request).fresh_reader() as reader:
                login = await service.login_of(reader, secret, _db(request).clock.now())
        party = next(iter(self._parties_of(login.issuer)), None) if login is not None else None
        if login is None or party is None:
            return page(request, "failed", 401)
        return await self._go(request, party, login)

    async def _go(self, request: Request, party: RelyingParty, login: service.Session | None) -> Response:
        name = self._browser_cookie
        given = cookie(_headers(request), name)
        browser = given if given is not None and rules.is_secret(given) else rules.new_secret()
        async with _db(request).writer() as tx:
            if not await limits.take(tx, _sealer(request), "sign-in", _address(request), most=BEGINS, within=WITHIN):
                return page(request, "often", 429)
            back = rules.return_path(request.query_params.get("to"))
            state = await sign_ins.begin(
                tx, browser, party.provider.name, back, login_id=login.id if login is not None else None
            )
        try:
            where = await party.address(state, browser, fresh=login is not None)
        except OutOfReach:
            return page(request, "away", 503)
        kept = set_cookie(self.gates, browser, seconds=int(rules.SIGN_IN.total_seconds()), name=name)
        return Response(status_code=303, headers={**HEADERS, "location": where, "set-cookie": kept})

    async def finish(self, request: Request) -> Response:
        """Back from the provider: a session under a new id, or the same page for everything that is not good."""
        party = self.parties.get(request.path_params["provider"])
        if party is None:
            return page(request, "absent", 404)
        db = _db(request)
        begun: Begun | None = None
        try:
            begun, opened = await self._redeem(request, party)
        except OutOfReach:
            return page(request, "away", 503)
        except (NotGood, SomebodyElse) as refused:
            log.warning("sign-in refused", provider=party.provider.name, why=str(refused))
            async with db.writer() as tx:
                await sign_ins.record_refusal(tx, party.provider.name)
                often = not await limits.take(
                    tx, _sealer(request), "failed sign-in", _address(request), most=FAILURES, within=WITHIN
                )
            return page(request, "often", 429) if often else page(request, "failed", 400)
        return self.signed_in(opened, begun.return_to)

    async def _redeem(self, request: Request, party: RelyingParty) -> tuple[Begun, Opened]:
        """Who came back. Raises NotGood, SomebodyElse, OutOfReach."""
        asked, headers, db = request.query_params, _headers(request), _db(request)
        browser, state = cookie(headers, self._browser_cookie), asked.get("state", "")
        if browser is None or len(asked.getlist("state")) != 1 or len(asked.getlist("code")) > 1:
            raise NotGood("it did not begin in this browser")
        async with db.writer() as tx:
            now = await tx.now()
            begun = await sign_ins.take(tx, browser, party.provider.name, state)
        if begun is None:
            raise NotGood("it did not begin here, or is over")
        await party.check_issuer(asked.get("iss"))
        code = asked.get("code")
        if not code or "error" in asked:
            raise NotGood("the provider refused")
        claims = await party.redeem(code, state, browser, now, fresh=begun.login_id is not None)
        async with db.writer() as tx:
            before = cookie(headers, self.gates.session_cookie)
            return begun, await sign_ins.finish(tx, party.provider.issuer, claims, begun, before)

    async def by_link(self, request: Request) -> Response:
        """Sign in as an account of a demo by a link that was printed on this machine; good once."""
        secret = request.path_params["secret"]
        here = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if not is_loopback(request.client.host if request.client else "") or not is_loopback(here):
            return page(request, "absent", 404)
        async with _db(request).writer() as tx:
            before = cookie(_headers(request), self.gates.session_cookie)
            opened = await sign_ins.redeem_link(tx, secret, before) if rules.is_secret(secret) else None
        return page(request, "absent", 404) if opened is None else self.signed_in(opened, "/")

    def signed_in(self, opened: Opened, to: str) -> Response:
        """Go on with the session's cookie; the one of the sign-in is forgotten."""
        answer = Response(status_code=303, headers={**HEADERS, "location": to})
        answer.headers.append("set-cookie", set_cookie(self.gates, opened.cookie))
        answer.headers.append("set-cookie", set_cookie(self.gates, "", seconds=0, name=self._browser_cookie))
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End this session; `endSessionUrl` is where the browser signs out at the provider too."""
        return await self._end(request, everywhere=False)

    async def sign_out_everywhere(self, request: Request) -> Response:
        """End every session of the account."""
        return await self._end(request, everywhere=True)

    async def _end(self, request: Request, *, everywhere: bool) -> Response:
        try:
            actor = await self._signed_in(request)
        except Refused as refused:
            return _refuse(refused)
        if actor.login_id is None:
            return _refuse(identity.SessionEnded())
        async with _db(request).writer() as tx:
            login = await service.login(tx, actor.login_id)
            ended = await sign_ins.sign_out(tx, actor, everywhere=everywhere)
        url = None
        for party in self._parties_of(login.issuer):
            url = await party.sign_out_address(f"{self.origin}/")
        answer = _json({"ended": ended, "endSessionUrl": url})
        answer.headers["set-cookie"] = set_cookie(self.gates, "", seconds=0)
        return answer

    async def ticket(self, request: Request) -> Response:
        """A ticket with which one socket may be opened within 30 seconds (`ticket` in `connection_init`)."""
        try:
            actor = await self._signed_in(request)
        except Refused as refused:
            return _refuse(refused)
        if actor.login_id is None:
            return _refuse(identity.SessionEnded())
        async with _db(request).writer() as tx:
            made = await sign_ins.ticket(tx, actor.login_id)
        return _json({"ticket": made, "seconds": int(rules.TICKET.total_seconds())})

    async def end_by_provider(self, request: Request) -> Response:
        """Back-channel logout (OpenID Connect Back-Channel Logout 1.0): the provider ends sessions."""
        party = self.parties.get(request.path_params["provider"])
        token = await _form_value(request, "logout_token") if party is not None else None
        if party is None or token is None:
            return _json({"error": "invalid_request"}, 400)
        async with _db(request).writer() as tx:
            now, sealer = await tx.now(), _sealer(request)
            allowed = await limits.take(tx, sealer, "provider", _address(request), most=PROVIDER_CALLS, within=WITHIN)
        if not allowed:
            return _json({"error": "slow_down"}, 429)
        try:
            ended = await party.ended(token, now)
        except OutOfReach:
            return _json({"error": "temporarily_unavailable"}, 503)
        except NotGood as refused:
            log.warning("back-channel logout refused", provider=party.provider.name, why=str(refused))
            return _json({"error": "invalid_request"}, 400)
        async with _db(request).writer() as tx:
            once = f"{party.provider.name} {ended.id}"
            if await limits.take(tx, sealer, "logout token", once, most=1, within=timedelta(hours=1)):
                await sign_ins.end_by_provider(tx, party.provider.issuer, ended)
        return Response(status_code=200, headers=HEADERS)

    @property
    def _browser_cookie(self) -> str:
        return f"{self.gates.session_cookie}-signin"

    def _parties_of(self, issuer: str) -> Sequence[RelyingParty]:
        return [party for party in self.parties.values() if party.provider.issuer == issuer]

    async def _signed_in(self, request: Request) -> Actor:
        """Who asks with a session; ANONYMOUS without one. A token is no session. Raises Refused."""
        given = Credentials.of(_headers(request), self.gates)
        if given.session is None:
            return ANONYMOUS
        return await identity.actor(_db(request), given.session_alone())


async def _form_value(request: Request, name: str) -> str | None:
    """The one value of a small form."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    size = 0
    parts = []
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_FORM:
            return None
        parts.append(part)
    try:
        values = parse_qs(b"".join(parts).decode("ascii"), max_num_fields=20).get(name, [])
    except ValueError:
        return None
    return values[0] if len(values) == 1 else None


def _json(said: Mapping[str, Any], status: int = 200, refused: Refused | None = None) -> Response:
    answer = respond(json.dumps(said).encode(), JSON, status)
    for name, value in refused.headers if refused is not None else ():
        if name == b"set-cookie":
            answer.headers["set-cookie"] = value.decode()
    return answer


def _refuse(refused: Refused) -> Response:
    request_id = str(get_contextvars().get("request_id", ""))
    headers = {name.decode().replace("-", "_"): value.decode() for name, value in refused.headers}
    return refuse(refused.message, refused.code, refused.status, JSON, request_id, **headers)


def _headers(request: Request) -> Headers:
    return dict(request.scope["headers"])


def _db(request: Request) -> Database:
    db: Database = request.app.state.tools.db
    return db


def _sealer(request: Request) -> Any:
    return request.app.state.tools.sealer


def _address(request: Request) -> str:
    return site(request.client.host if request.client else "")


def _moment(at: Any) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
