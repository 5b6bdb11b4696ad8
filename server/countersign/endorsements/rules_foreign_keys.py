"""Where an issuer elsewhere publishes its keys, and which of them it names as its own. Pure.

A key counts when the issuer's own document names it as one that asserts for it (Controlled Identifiers 1.0, section
3.3), wherever it lies. Open Badges 3.0 lets a `kid` be any address and binds it to nobody; so nobody's neighbour on a
host signs for them, nor whoever may upload a file there. did:key and did:jwk are their own documents; did:web method
1.0; an https issuer's document stands at its own address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from countersign.endorsements.rules_foreign import Claimed
from countersign.trust.canonical_codes import base64url_decode
from countersign.trust.verify_keys import DID_KEY, of_did
from countersign.trust.verify_reading import Unreadable, as_list, read

LONGEST_ADDRESS: Final = 2_000
_DID_WEB: Final = re.compile(r"did:web:([A-Za-z0-9.-]+(?:%3A[0-9]{1,5})?)((?::(?!\.{1,2}(?::|$))[A-Za-z0-9._~%-]+)*)")
_DID_JWK: Final = "did:jwk:"


def keys_address(issuer: str) -> str:
    """Where an issuer publishes its keys: the document of a did:web, or what stands at its own https address.

    Empty where nothing is to be asked: a did:key is its own key, and other DIDs are not read; nor is what is too long.
    """
    if len(issuer) > LONGEST_ADDRESS:
        return ""
    if found := _DID_WEB.fullmatch(issuer):
        host, path = found[1].replace("%3A", ":"), found[2].replace(":", "/")
        return f"https://{host}{path or '/.well-known'}/did.json"
    return issuer.partition("#")[0] if issuer.startswith("https://") else ""


def own_document(did: str) -> Mapping[str, Any] | None:
    """The document that a did:key or a did:jwk is by itself; None for anything else."""
    if of_did(did) is not None:
        key = did.removeprefix(DID_KEY)
        return _document(did, {"id": f"{did}#{key}", "type": "Multikey", "publicKeyMultibase": key})
    if did.startswith(_DID_JWK):
        try:
            jwk = read(base64url_decode(did.removeprefix(_DID_JWK)).decode())
        except (ValueError, Unreadable):
            return None
        return _document(did, {"id": f"{did}#0", "type": "JsonWebKey", "publicKeyJwk": jwk})
    return None


def key_name(found: Claimed, published: Mapping[str, Any] | None) -> str:
    """The address of a key that the endorsement was signed with and the issuer's document names, but does not hold.

    Empty for none, and for what is no https address: then there is nothing more to ask for.
    """
    if published is None or published.get("id") != found.issuer_id:
        return ""
    held = {method["id"] for method in as_list(published.get("verificationMethod")) if _has_id(method)}
    named = {entry for entry in as_list(published.get("assertionMethod")) if isinstance(entry, str)} - held
    named = {name for name in named if name.startswith("https://") and len(name) <= LONGEST_ADDRESS}
    elsewhere = {name for name in named if name.partition("#")[0] != keys_address(found.issuer_id)}
    return next((name for name in _signed_with(found) if name in elsewhere), "")


def with_key(published: Mapping[str, Any], name: str, answered: Mapping[str, Any]) -> Mapping[str, Any]:
    """The issuer's document with a key that it names and that was asked for at its own address.

    What stands there may be the key in JWK, a set of them, a verification method, or a document that holds one.
    """
    method = _method(name, str(published.get("id")), answered)
    return {**published, "verificationMethod": [*as_list(published.get("verificationMethod")), method]}


def _method(name: str, issuer: str, answered: Mapping[str, Any]) -> Mapping[str, Any]:
    for method in as_list(answered.get("verificationMethod")):
        if _has_id(method) and method["id"] in {name, "#" + name.partition("#")[2]}:
            return {**method, "id": name}
    if "publicKeyMultibase" in answered or "publicKeyJwk" in answered:
        return answered
    jwks = [jwk for jwk in as_list(answered.get("keys")) if isinstance(jwk, dict)]
    meant = [jwk for jwk in jwks if jwk.get("kid") in (name, name.partition("#")[2])] or jwks
    jwk = meant[0] if len(meant) == 1 else answered
    return {"id": name, "type": "JsonWebKey", "controller": issuer, "publicKeyJwk": jwk}


def _signed_with(found: Claimed) -> Iterator[str]:
    """The names of keys that an endorsement gives, in its header or in its proofs."""
    if found.token is not None:
        names = [found.token.header.get("kid")]
    else:
        proofs = [proof for proof in as_list(found.document.get("proof")) if isinstance(proof, dict)]
        names = [proof.get("verificationMethod") for proof in proofs]
    yield from (name for name in names if isinstance(name, str))


def _document(did: str, method: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": did, "verificationMethod": [{**method, "controller": did}], "assertionMethod": [method["id"]]}


def _has_id(method: object) -> bool:
    return isinstance(method, dict) and isinstance(method.get("id"), str)


def as_text(document: Mapping[str, Any]) -> str:
    """A document as `trust.verify.Material` wants it."""
    return json.dumps(document)
