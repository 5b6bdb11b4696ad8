"""What a token must be, without a provider around it: keys, headers, texts that are no tokens."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from countersign.accounts import rules
from countersign.accounts.providers import Provider
from countersign.accounts.rules_tokens import NotGood, UnknownKey, id_claims, verified

ISSUER = "https://people.example"
PROVIDER = Provider("people", ISSUER, "portal", "hush", algorithms=("RS256", "ES256"))
JWT = frozenset({"jwt"})


@cache
def rsa(kid: str = "one", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def signed(key: Any, header: Mapping[str, Any], algorithm: str = "RS256") -> str:
    return jwt.encode({"alg": algorithm, **header}, {"iss": ISSUER}, key, algorithms=[algorithm])


def part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_of_the_named_key_is_read() -> None:
    other = ECKey.generate_key("P-256", {"kid": "two"})
    keys = [public(other), public(rsa())]
    assert verified(signed(rsa(), {"kid": "one"}), keys, PROVIDER, JWT) == {"iss": ISSUER}
    assert verified(signed(other, {"kid": "two"}, "ES256"), keys, PROVIDER, JWT) == {"iss": ISSUER}
    assert verified(signed(rsa(), {}), [public(rsa())], PROVIDER, JWT) == {"iss": ISSUER}


def test_no_kid_among_several_keys_and_two_keys_of_one_kid_are_refused() -> None:
    for keys in ([public(rsa()), public(rsa("two"))], [public(rsa()), public(rsa("two"), kid="one")]):
        with pytest.raises(NotGood, match="which key"):
            verified(signed(rsa(), {} if keys[1]["kid"] == "two" else {"kid": "one"}), keys, PROVIDER, JWT)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [public(rsa(), use="enc")],
        [{"kty": "oct", "kid": "one", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}],
        [public(rsa(), kid="two")],
    ],
)
def test_a_key_that_is_not_there_to_sign_is_unknown(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(UnknownKey):
        verified(signed(rsa(), {"kid": "one"}), keys, PROVIDER, JWT)


def test_keys_that_are_short_broken_or_for_another_algorithm_are_refused() -> None:
    good = signed(rsa(), {"kid": "one"})
    broken = public(rsa()) | {"n": "!"}
    elliptic = public(ECKey.generate_key("P-256", {"kid": "one"}))
    for key in (broken, elliptic, public(rsa()) | {"alg": "PS256"}):
        with pytest.raises(NotGood):
            verified(good, [key], PROVIDER, JWT)
    shorter = public(rsa()) | {"n": public(rsa())["n"][:171]}
    with pytest.raises(NotGood, match="too short"):
        verified(good, [shorter], PROVIDER, JWT)


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    pem = rsa().as_pem(private=False)
    body = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part({'iss': ISSUER})}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, body.encode(), "sha256")).rstrip(b"=").decode()
    token = f"{body}.{mac}"
    with pytest.raises(NotGood, match="algorithm"):
        verified(token, [public(rsa())], PROVIDER, JWT)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "nOnE"},
        {"alg": ["RS256"]},
        {"alg": None},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"jku": "https://evil.example/keys"},
        {"jwk": {"kty": "RSA"}},
        {"x5u": "https://evil.example/key"},
        {"x5c": []},
        {"crit": ["urgent"], "urgent": 1},
    ],
    ids=str,
)
def test_headers_that_ask_for_more_than_a_signature_are_refused(header: dict[str, Any]) -> None:
    whole = signed(rsa(), {"kid": "one"}).split(".")
    changed = {name: v for name, v in {"alg": "RS256", "kid": "one", "typ": "JWT", **header}.items() if v is not None}
    with pytest.raises(NotGood):
        verified(f"{part(changed)}.{whole[1]}.{whole[2]}", [public(rsa())], PROVIDER, JWT)


def test_the_client_s_secret_signs_nothing() -> None:
    body = f"{part({'alg': 'HS256'})}.{part({'iss': ISSUER})}"
    mac = base64.urlsafe_b64encode(hmac.digest(b"hush", body.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(NotGood, match="algorithm"):
        verified(f"{body}.{mac}", [public(rsa())], PROVIDER, JWT)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d.e", "e30.e30.", "W10.e30.x", "é.é.é", "x" * 20_000])
def test_what_is_no_signed_token_is_refused(text: str) -> None:
    with pytest.raises(NotGood):
        verified(text, [public(rsa())], PROVIDER, JWT)


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
GOOD = {"iss": ISSUER, "aud": "portal", "sub": "ann", "nonce": "n" * 43, "iat": SECONDS, "exp": SECONDS + 600}


def read(fresh: bool = False, **change: Any) -> Any:
    """Whom the good claims are about, with some of them changed (None: left out)."""
    claims = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    return id_claims(claims, PROVIDER, "n" * 43, NOW, fresh=fresh)


def test_claims_for_us_now_and_for_this_sign_in_are_good() -> None:
    assert read().subject == "ann"
    assert read(aud=["portal"], azp="portal", exp=SECONDS - 59, iat=SECONDS + 60).authenticated_at is None
    assert read(auth_time=SECONDS - 300, fresh=True).authenticated_at == NOW - timedelta(minutes=5)
    assert read(email="Ann@Example.com ", email_verified=True).email_key == rules.address_key("ann@example.com")
    for unvouched in (None, False, "true", 1):
        assert read(email="ann@example.com", email_verified=unvouched).email_key is None


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["portal", "another"]},
        {"aud": None},
        {"azp": "another"},
        {"nonce": "m" * 43},
        {"nonce": None},
        {"nonce": 7},
        {"exp": SECONDS - 60},
        {"exp": None},
        {"exp": True},
        {"exp": "9999999999"},
        {"exp": float("inf")},
        {"exp": 1e300},
        {"iat": SECONDS + 61},
        {"iat": None},
        {"nbf": SECONDS + 61},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"auth_time": SECONDS + 61},
        {"auth_time": "now"},
        {"fresh": True},
        {"fresh": True, "auth_time": SECONDS - 301},
    ],
    ids=str,
)
def test_claims_that_are_not_for_us_now_and_this_sign_in_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotGood):
        read(**change)
