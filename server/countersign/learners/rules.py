"""How a learner is described, found again, and what may be consented to."""

from __future__ import annotations

import enum
import hashlib
import re
from datetime import datetime
from typing import Final
from uuid import UUID

from countersign.kit.errors import Invalid, Required, TooLong

EMAIL: Final = re.compile(r"[^@\s<>\"(),:;\\\[\]]+@[^@\s<>\"(),:;\\\[\]]+\.[^@\s<>\"(),:;\\\[\]]{2,}")
EMAIL_LIMIT: Final = 254  # RFC 5321, section 4.5.3.1.3, without the brackets
NAME_LIMIT: Final = 200
COUNTRY: Final = re.compile(r"[A-Z]{2}")
# Controls and the marks that turn the direction of writing (UAX 9); joiners stay, names of several scripts need them.
_UNREADABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
REGION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


class Purpose(enum.Enum):
    """What a learner may allow, each for itself; `contact_by` names one organization."""

    TALENT_SEARCH = "talent_search"
    CONTACT_BY = "contact_by"
    OUTCOME = "outcome"
    ANALYTICS = "analytics"
    PUBLIC_PROFILE = "public_profile"


class Method(enum.Enum):
    """How a consent reached us: given in the portal, or recorded elsewhere by the learner and brought as a file."""

    PORTAL = "portal"
    FILE = "file"


def normalized_email(email: str) -> str:
    """The spelling by which an address is found again: trimmed, in lower case."""
    return email.strip().lower()


def lookup_key(email: str) -> bytes:
    """SHA-256 of the normalized address (UTF-8), 32 bytes."""
    return hashlib.sha256(normalized_email(email).encode()).digest()


def email_problem(email: str) -> str | None:
    """What is wrong with an e-mail address, in words, or None."""
    if not email.strip():
        return "is empty"
    if len(email) > EMAIL_LIMIT:
        return f"is longer than {EMAIL_LIMIT} characters"
    return None if EMAIL.fullmatch(email.strip()) else "is not an e-mail address"


def name_problem(name: str) -> str | None:
    """What is wrong with a person's name, in words, or None. It is signed and shown: it must read as it is written."""
    if not name.strip():
        return "is empty"
    return "has characters that turn or hide text" if _UNREADABLE.search(name) else None


def region_problem(region: str, country: str) -> str | None:
    """What is wrong with a region (ISO 3166-2, such as DE-BE) of a country, or None."""
    if not REGION.fullmatch(region):
        return "is not a region code of ISO 3166-2"
    return None if region[:2] == country else f"is not a region of {country}"


def check_email(email: str) -> None:
    """Refuse a malformed address. Raises Invalid."""
    problem = email_problem(email)
    if problem:
        raise Invalid(problem=f"The e-mail address {problem}", path=("email",))


def check_person(email: str, full_name: str, country: str, region: str | None) -> None:
    """Refuse a learner whose address, name, country (ISO 3166-1 alpha-2) or region (ISO 3166-2) is malformed.

    Raises Required, Invalid, TooLong, each with its place.
    """
    check_email(email)
    if not full_name.strip():
        raise Required(what="The learner's name", path=("fullName",))
    if len(full_name) > NAME_LIMIT:
        raise TooLong(what="The learner's name", limit=NAME_LIMIT, path=("fullName",))
    problem = name_problem(full_name)
    if problem:
        raise Invalid(problem=f"The learner's name {problem}", path=("fullName",))
    check_residence(country, region)


def check_residence(country: str, region: str | None) -> None:
    """Refuse a malformed country (ISO 3166-1 alpha-2) or region (ISO 3166-2). Raises Invalid."""
    if not COUNTRY.fullmatch(country):
        raise Invalid(problem="The country is a code of two capital letters, such as DE", path=("country",))
    if region is not None:
        problem = region_problem(region, country)
        if problem:
            raise Invalid(problem=f"The region {problem}, such as DE-BE", path=("region",))


def check_expiry(now: datetime, expires_at: datetime | None) -> None:
    """Refuse a consent that would end before it begins."""
    if expires_at is not None and expires_at <= now:
        raise Invalid(problem="A consent cannot expire in the past", path=("expiresAt",))


def check_addressee(purpose: Purpose, organization_id: UUID | None) -> None:
    """Refuse a consent to be contacted that names nobody, and an organization where none belongs.

    Raises Required, Invalid.
    """
    if purpose is Purpose.CONTACT_BY and organization_id is None:
        raise Required(what="The organization that may contact you", path=("organizationId",))
    if purpose is not Purpose.CONTACT_BY and organization_id is not None:
        raise Invalid(problem="Only a consent to be contacted names an organization", path=("organizationId",))
