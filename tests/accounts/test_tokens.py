"""What a token must be, without a provider around it: keys, headers, texts that are no tokens."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from countersign.accounts.providers import Provider
from countersign.accounts.rules_tokens import NotGood, UnknownKey, verified

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


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d.e", "e30.e30.", "W10.e30.x", "é.é.é", "x" * 20_000])
def test_what_is_no_signed_token_is_refused(text: str) -> None:
    with pytest.raises(NotGood):
        verified(text, [public(rsa())], PROVIDER, JWT)
