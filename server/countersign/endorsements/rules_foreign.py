"""Read an endorsement that was made elsewhere: Open Badges 3.0 (JSON or JWT) and 2.0, as claims to be judged. Pure."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from countersign.kit.errors import Conflict, Invalid, Refusal
from countersign.trust.canonical_schema import parse_date_time
from countersign.trust.verify_findings import Finding, Outcome, Verdict, failed, passed
from countersign.trust.verify_jwt import Token, is_compact, read_token
from countersign.trust.verify_reading import Unreadable, read

LONGEST_STATEMENT: Final = 20_000
OB2: Final = "https://w3id.org/openbadges/v2"
_NEEDED_2: Final = frozenset({"schema", "proof", "dates", "status", "subject", "issuer"})
_NEEDED_3: Final = _NEEDED_2 | {"contexts", "terms"}


class Format(enum.StrEnum):
    """How an endorsement from elsewhere was written."""

    OPEN_BADGES_3 = "open_badges_3"
    OPEN_BADGES_3_JWT = "open_badges_3_jwt"
    OPEN_BADGES_2 = "open_badges_2"

    @property
    def needed(self) -> frozenset[str]:
        """The checks of which each must have been made and passed, so that such an endorsement is verified."""
        return _NEEDED_2 if self is Format.OPEN_BADGES_2 else _NEEDED_3


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
    token: Token | None = None
    """The JWT or JWS that it came as; None where the document carries proofs of its own, or none."""


def claimed(text: str) -> Claimed:
    """Read the text. Raises NotAnEndorsement, Invalid (`document`: no JSON, too large or too deep)."""
    stripped = text.strip()
    if is_compact(stripped):
        try:
            token = read_token(stripped)
        except ValueError:
            raise Invalid(problem="This is no JWT of JSON", path=("document",)) from None
        if OB2 in _strings(token.claims.get("@context")):
            return _of_open_badges_2(token.claims, token)
        document = token.credential | ended_by_claim(token.claims.get("exp"), token.credential)
        return _credential(document, Format.OPEN_BADGES_3_JWT, token)
    try:
        found = read(stripped)
    except Unreadable as error:
        raise Invalid(problem=str(error).rstrip("."), path=("document",)) from None
    if OB2 in _strings(found.get("@context")):
        return _of_open_badges_2(found, None)
    return _credential(found, Format.OPEN_BADGES_3, None)


def storable(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, with U+FFFD for each NUL, which strangers may write and PostgreSQL keeps in no JSON."""
    return {name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value for name, value in said.items()}


def subject(found: Claimed, version_url: str) -> Finding:
    """Whether it is about exactly the version for which it was imported."""
    where = "$.claim.id" if found.format is Format.OPEN_BADGES_2 else "$.credentialSubject.id"
    if found.about == version_url:
        return passed("subject", "It is about this version.", where)
    return failed("subject", Verdict.SUBJECT_MISMATCH, f"It is about {found.about}, not about {version_url}.", where)


def verified(format_: Format, findings: Iterable[Finding]) -> bool:
    """Whether everything that decides was checked and passed; what could not be checked is not good."""
    found = list(findings)
    good = {finding.check for finding in found if finding.outcome is Outcome.PASSED}
    return good >= format_.needed and all(finding.outcome is not Outcome.FAILED for finding in found)


def as_json(found: Claimed) -> str:
    """The credential that a JWT carries, as JSON (Open Badges 3.0, section 8.2: the claims are the credential)."""
    return json.dumps(found.document)


def _credential(document: Mapping[str, Any], format_: Format, token: Token | None) -> Claimed:
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
        token=token,
    )


def _of_open_badges_2(document: Mapping[str, Any], token: Token | None) -> Claimed:
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
        token=token,
    )


def _issuer(document: Mapping[str, Any]) -> tuple[str, str | None]:
    issuer = document.get("issuer")
    name = _text(issuer.get("name")) if isinstance(issuer, dict) else None
    found = _text(issuer.get("id")) if isinstance(issuer, dict) else _text(issuer)
    if found is None:
        raise NotAnEndorsement(why="it names no issuer", path=("document",))
    return found, name


def _strings(value: object) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def ended_by_claim(exp: object, document: Mapping[str, Any]) -> dict[str, str]:
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
