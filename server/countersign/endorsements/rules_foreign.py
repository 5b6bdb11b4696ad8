"""Read an endorsement that was made elsewhere: Open Badges 3.0 (JSON or JWT) and 2.0, as claims to be judged. Pure."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.kit.errors import Conflict, Invalid, Refusal
from countersign.trust.canonical_codes import base64url_decode, ed25519_from_multibase
from countersign.trust.canonical_schema import parse_date_time
from countersign.trust.verify_findings import Finding, Outcome, Verdict, failed, not_checked, passed
from countersign.trust.verify_reading import Unreadable, read

LONGEST_STATEMENT: Final = 20_000
OB2: Final = "https://w3id.org/openbadges/v2"
DID_KEY: Final = "did:key:"
_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REGISTERED: Final = ("iss", "sub", "jti", "nbf", "exp", "iat", "aud")
_NEEDED: Final = frozenset({"contexts", "schema", "terms", "proof", "dates", "status", "subject", "issuer"})
"""The checks of which each must have been made and passed, so that an endorsement from elsewhere is verified."""


class Format(enum.StrEnum):
    """How an endorsement from elsewhere was written."""

    OPEN_BADGES_3 = "open_badges_3"
    OPEN_BADGES_3_JWT = "open_badges_3_jwt"
    OPEN_BADGES_2 = "open_badges_2"


class NotAnEndorsement(Refusal):
    """This is no endorsement: {why}."""


class NotForeign(Refusal):
    """{issuer} is an organization of this portal: it endorses here."""


class ImportedAlready(Conflict):
    """These bytes were imported for this version already."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an endorsement from elsewhere says of itself; nothing of it is believed yet."""

    format: Format
    document: Mapping[str, Any]
    issuer_id: str
    issuer_name: str | None
    about: str | None
    statement: str
    valid_from: datetime | None
    valid_until: datetime | None
    signature: Finding | None = None
    """What came of a JWT's signature; None where the document carries proofs of its own, or none."""


def claimed(text: str) -> Claimed:
    """Read the text. Raises NotAnEndorsement, Invalid (`document`: no JSON, too large or too deep)."""
    stripped = text.strip()
    if _JWT.fullmatch(stripped):
        header, payload = (_part(part) for part in stripped.split(".")[:2])
        document = {name: value for name, value in payload.items() if name not in _REGISTERED}
        document |= _ended_by_claim(payload.get("exp"), document)
        return _credential(document, Format.OPEN_BADGES_3_JWT, _signature(stripped, header, _issuer(document)[0]))
    try:
        found = read(stripped)
    except Unreadable as error:
        raise Invalid(problem=str(error).rstrip("."), path=("document",)) from None
    if OB2 in _strings(found.get("@context")):
        return _of_open_badges_2(found)
    return _credential(found, Format.OPEN_BADGES_3, None)


def findings_of_open_badges_2(found: Claimed, version_url: str, now: datetime) -> list[Finding]:
    """What can be said of an Open Badges 2.0 Endorsement as a file: its form, dates and subject, and nothing of who.

    Hosted verification (Open Badges 2.0, section "Verification") asks the issuer's server; nothing is fetched here.
    """
    document = found.document
    lacking = [name for name in ("id", "claim", "issuer", "issuedOn", "verification") if name not in document]
    form = (
        failed("schema", Verdict.SCHEMA_INVALID, f"It lacks {', '.join(lacking)}.", "$")
        if lacking
        else passed("schema", "It has what Open Badges 2.0 asks of an Endorsement.", "$")
    )
    if found.valid_from is None or found.valid_from > now:
        dates = failed("dates", Verdict.NOT_YET_VALID, "Its day of issue is missing or still to come.", "$.issuedOn")
    else:
        dates = passed("dates", "It was issued before now; Open Badges 2.0 knows no end.", "$.issuedOn")
    where = "$.verification"
    return [
        form,
        not_checked("proof", "Hosted: only its own server could confirm it, and nothing is fetched.", where),
        dates,
        not_checked("status", "Hosted: whether it was taken back only its own server knows.", where),
        subject(found, version_url),
        not_checked("issuer", "Nobody here knows who this is.", "$.issuer", Verdict.UNTRUSTED_ISSUER),
    ]


def subject(found: Claimed, version_url: str) -> Finding:
    """Whether it is about exactly the version for which it was imported."""
    where = "$.claim.id" if found.format is Format.OPEN_BADGES_2 else "$.credentialSubject.id"
    if found.about == version_url:
        return passed("subject", "It is about this version.", where)
    return failed("subject", Verdict.SUBJECT_MISMATCH, f"It is about {found.about}, not about {version_url}.", where)


def verified(findings: Iterable[Finding]) -> bool:
    """Whether everything that decides was checked and passed; what could not be checked is not good."""
    found = list(findings)
    good = {finding.check for finding in found if finding.outcome is Outcome.PASSED}
    return good >= _NEEDED and not any(finding.outcome is Outcome.FAILED for finding in found)


def did_document_of_key(did: str) -> str | None:
    """The DID document that a did:key (Ed25519) is by itself (did:key method, section 3.1); None for anything else."""
    key = did.removeprefix(DID_KEY)
    if not did.startswith(DID_KEY):
        return None
    try:
        ed25519_from_multibase(key)
    except ValueError:
        return None
    method = {"id": f"{did}#{key}", "type": "Multikey", "controller": did, "publicKeyMultibase": key}
    return json.dumps({"id": did, "verificationMethod": [method], "assertionMethod": [method["id"]]})


def as_json(found: Claimed) -> str:
    """The credential that a JWT carries, as JSON (Open Badges 3.0, section 8.2: the claims are the credential)."""
    return json.dumps(found.document)


def _credential(document: Mapping[str, Any], format_: Format, signature: Finding | None) -> Claimed:
    if "EndorsementCredential" not in _strings(document.get("type")):
        raise NotAnEndorsement(why="its type is not EndorsementCredential", path=("document",))
    about = document.get("credentialSubject")
    if not isinstance(about, dict):
        raise NotAnEndorsement(why="it has no single credentialSubject", path=("document",))
    issuer, name = _issuer(document)
    return Claimed(
        format=format_,
        document=document,
        issuer_id=issuer,
        issuer_name=name,
        about=_text(about.get("id")),
        statement=_statement(about.get("endorsementComment")),
        valid_from=_instant(document.get("validFrom")),
        valid_until=_instant(document.get("validUntil")),
        signature=signature,
    )


def _of_open_badges_2(document: Mapping[str, Any]) -> Claimed:
    claim = document.get("claim")
    if "Endorsement" not in _strings(document.get("type")) or not isinstance(claim, dict):
        raise NotAnEndorsement(why="its type is not Endorsement, or it has no claim", path=("document",))
    issuer, name = _issuer(document)
    return Claimed(
        format=Format.OPEN_BADGES_2,
        document=document,
        issuer_id=issuer,
        issuer_name=name,
        about=_text(claim.get("id")),
        statement=_statement(claim.get("endorsementComment")),
        valid_from=_instant(document.get("issuedOn")),
        valid_until=None,
    )


def _issuer(document: Mapping[str, Any]) -> tuple[str, str | None]:
    issuer = document.get("issuer")
    name = _text(issuer.get("name")) if isinstance(issuer, dict) else None
    found = _text(issuer.get("id")) if isinstance(issuer, dict) else _text(issuer)
    if found is None:
        raise NotAnEndorsement(why="it names no issuer", path=("document",))
    return found, name


def _signature(text: str, header: Mapping[str, Any], issuer: str) -> Finding:
    """The signature of a JWT (RFC 7515, section 5.2): good only by the key that its issuer's DID is."""
    document = did_document_of_key(issuer)
    if document is None:
        detail = f"The keys of {issuer} are not published here, and nothing is fetched."
        return not_checked("proof", detail, "$", Verdict.UNTRUSTED_ISSUER)
    if header.get("alg") != "EdDSA":
        return failed("proof", Verdict.BAD_PROOF, "A did:key of Ed25519 signs with EdDSA.", "$")
    signed, _, signature = text.rpartition(".")
    key = Ed25519PublicKey.from_public_bytes(ed25519_from_multibase(issuer.removeprefix(DID_KEY)))
    try:
        key.verify(base64url_decode(signature), signed.encode())
    except (InvalidSignature, ValueError):
        return failed("proof", Verdict.BAD_PROOF, "The signature is not its issuer's.", "$")
    return passed("proof", "It was signed with its issuer's key.", "$")


def _part(part: str) -> Mapping[str, Any]:
    try:
        return read(base64url_decode(part).decode())
    except (Unreadable, ValueError):
        raise Invalid(problem="This is no JWT of JSON", path=("document",)) from None


def _strings(value: object) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _ended_by_claim(exp: object, document: Mapping[str, Any]) -> Mapping[str, str]:
    """The end that the claim `exp` (seconds since 1970) sets before the credential's own, or where it names none.

    Open Badges 3.0, section 8.2, has the two say the same; whoever lets only the token expire means it all the same.
    """
    if not isinstance(exp, int | float) or isinstance(exp, bool):
        return {}
    try:
        end = datetime.fromtimestamp(int(exp), UTC)
    except (OverflowError, ValueError, OSError):
        return {}
    own = _instant(document.get("validUntil"))
    earlier = own > end if own is not None else "validUntil" not in document
    return {"validUntil": end.isoformat().replace("+00:00", "Z")} if earlier else {}


def _instant(value: object) -> datetime | None:
    """An instant that can be kept; None for none, and for one that no calendar of ours has in universal time."""
    found = parse_date_time(value)
    try:
        return None if found is None else found.astimezone(UTC)
    except OverflowError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value and "\x00" not in value else None


def _statement(value: object) -> str:
    return (_text(value) or "")[:LONGEST_STATEMENT]
