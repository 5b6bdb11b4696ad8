"""The relying party: OpenID Connect's authorization code flow with PKCE, one party for each provider."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import structlog

from countersign.accounts.providers import Provider
from countersign.accounts.rules_tokens import (
    Claims,
    Ended,
    NotGood,
    UnknownKey,
    challenge,
    derived,
    id_claims,
    logout_claims,
    verified,
    vouched_address,
)

SECONDS: Final = 5.0
LARGEST: Final = 1024 * 1024
KNOWN_SECONDS: Final = 3_600.0
REFETCH_SECONDS: Final = 60.0
OK: Final = 200
_ID_TOKEN: Final = frozenset({"jwt"})
_LOGOUT_TOKEN: Final = frozenset({"jwt", "logout+jwt"})

log = structlog.get_logger()


class OutOfReach(Exception):
    """The identity provider does not answer as one does."""


@dataclass(slots=True)
class _Known:
    """What was fetched, and when (monotonic)."""

    value: Any = None
    at: float = -KNOWN_SECONDS


@dataclass(slots=True)
class RelyingParty:
    """What this portal is to one provider. Knows no browser and no database."""

    provider: Provider
    redirect_uri: str
    monotonic: Callable[[], float] = time.monotonic
    _metadata: _Known = field(default_factory=_Known)
    _keys: _Known = field(default_factory=_Known)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def address(self, state: str, browser: str, *, fresh: bool = False) -> str:
        """Where to send a browser to sign in; `fresh` asks for the password even of who is signed in there.

        Raises OutOfReach.
        """
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid email",
            "state": state,
            "nonce": derived(browser, state, "nonce"),
            "code_challenge": challenge(derived(browser, state, "verifier")),
            "code_challenge_method": "S256",
            **({"max_age": "0", "prompt": "login"} if fresh else {}),
        }
        where = (await self._said())["authorization_endpoint"]
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    async def check_issuer(self, given: str | None) -> None:
        """Refuse an answer that another provider gave (RFC 9207). Raises NotGood, OutOfReach."""
        promised = (await self._said()).get("authorization_response_iss_parameter_supported") is True
        if given != self.provider.issuer and (given is not None or promised):
            raise NotGood("another provider answered")

    async def redeem(self, code: str, state: str, browser: str, now: datetime, *, fresh: bool = False) -> Claims:
        """Who has signed in, for the code of the provider's answer. Raises NotGood, OutOfReach."""
        said = await self._said()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": derived(browser, state, "verifier"),
        }
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        who = (quote(self.provider.client_id, safe=""), quote(self.provider.client_secret, safe=""))
        basic = "client_secret_basic" in said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not basic:
            form |= {"client_id": self.provider.client_id, "client_secret": self.provider.client_secret}
        status, answer = await self._ask("POST", said["token_endpoint"], data=form, auth=who if basic else None)
        token = answer.get("id_token")
        if status != OK or not isinstance(token, str):
            raise NotGood(f"the provider did not redeem the code ({status})")
        claims = await self._verified(token, _ID_TOKEN)
        found = id_claims(claims, self.provider, derived(browser, state, "nonce"), now, fresh=fresh)
        if found.email_key is None:
            found = replace(found, email_key=await self._address_key(said, answer.get("access_token"), found.subject))
        return found

    async def _address_key(self, said: Mapping[str, Any], access_token: object, subject: str) -> bytes | None:
        """That of the address which the provider's UserInfo vouches for; most ID tokens tell none."""
        where = said.get("userinfo_endpoint")
        if not isinstance(where, str) or not self.provider.allows(where) or not isinstance(access_token, str):
            return None
        try:
            _, claims = await self._ask("GET", where, authorization=f"Bearer {access_token}")
        except OutOfReach:
            return None
        return vouched_address(claims) if claims.get("sub") == subject else None

    async def ended(self, logout_token: str, now: datetime) -> Ended:
        """Whose sessions the provider ends. Raises NotGood, OutOfReach."""
        return logout_claims(await self._verified(logout_token, _LOGOUT_TOKEN), self.provider, now)

    async def sign_out_address(self, back: str) -> str | None:
        """Where a browser signs out at the provider too, if the provider has such a page."""
        try:
            where = (await self._said()).get("end_session_endpoint")
        except OutOfReach:
            return None
        if not isinstance(where, str) or not self.provider.allows(where):
            return None
        return f"{where}?{urlencode({'client_id': self.provider.client_id, 'post_logout_redirect_uri': back})}"

    async def _verified(self, token: str, types: frozenset[str]) -> dict[str, Any]:
        try:
            return verified(token, await self._jwks(), self.provider, types)
        except UnknownKey:
            # The provider may have made new keys; whoever sends tokens of invented ones asks at most once a minute.
            return verified(token, await self._jwks(anew=True), self.provider, types)

    async def _said(self) -> Mapping[str, Any]:
        """The provider's discovery document (OpenID Connect Discovery 1.0, section 4)."""
        async with self._lock:
            if self.monotonic() - self._metadata.at >= KNOWN_SECONDS:
                issuer = self.provider.issuer
                _, said = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                needed = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
                if said.get("issuer") != issuer or not all(
                    isinstance(url, str) and self.provider.allows(url) for url in needed
                ):
                    raise OutOfReach("its configuration is not that of the issuer")
                self._metadata = _Known(said, self.monotonic())
            known: Mapping[str, Any] = self._metadata.value
            return known

    async def _jwks(self, *, anew: bool = False) -> Sequence[Mapping[str, Any]]:
        """The provider's keys, from the pinned address and no other."""
        where = self.provider.jwks_uri or (await self._said())["jwks_uri"]
        async with self._lock:
            age = self.monotonic() - self._keys.at
            if age >= KNOWN_SECONDS or (anew and age >= REFETCH_SECONDS):
                _, said = await self._ask("GET", where)
                keys = said.get("keys")
                if not isinstance(keys, list):
                    raise OutOfReach("its keys are no key set")
                self._keys = _Known([key for key in keys if isinstance(key, dict)], self.monotonic())
            known: Sequence[Mapping[str, Any]] = self._keys.value
            return known

    async def _ask(
        self, method: str, url: str, authorization: str | None = None, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of one answer: no redirects, five seconds, one megabyte. Raises OutOfReach."""
        body = bytearray()
        headers = {"accept": "application/json"} | ({"authorization": authorization} if authorization else {})
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(
                    timeout=SECONDS, follow_redirects=False, trust_env=not self.provider.is_on_loopback
                ) as http,
                http.stream(method, url, headers=headers, **more) as answer,
            ):
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise OutOfReach("its answer is too large")
            said = json.loads(body)
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
            log.warning("identity provider", provider=self.provider.name, problem=type(error).__name__)
            raise OutOfReach(type(error).__name__) from None
        if not isinstance(said, dict) or (method == "GET" and answer.status_code != OK):
            raise OutOfReach(f"it answered {answer.status_code}")
        return answer.status_code, said
