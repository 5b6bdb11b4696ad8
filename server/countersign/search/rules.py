"""What a recruiter may ask for, and how counts are told."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from countersign.kit.errors import Code, Refusal

PRIVACY_FLOOR: Final = 10
SKILLS_LIMIT: Final = 4
SPECS_LIMIT: Final = 20
ENDORSERS_LIMIT: Final = 20
REGIONS_LIMIT: Final = 10
DEPTH_LIMIT: Final = 200
KINDS_LIMIT: Final = 3
"""Of conditions at once: each is a quasi-identifier, and few people are left where many of them meet."""
FACET_LIMIT: Final = 10
SHOWN_AWARDS_LIMIT: Final = 8
DAILY_QUOTA: Final = 2_000


class QuotaExceeded(Refusal):
    """Your organization has seen {limit} different candidates today; the count starts again at midnight UTC."""

    code = Code.QUOTA_EXCEEDED


class NothingAsked(Refusal):
    """Ask for at least one skill, spec or stack."""

    code = Code.REQUIRED


class TooManyAsked(Refusal):
    """A search takes at most {limit} {what}."""

    code = Code.INVALID


class TooNarrow(Refusal):
    """A search combines at most {limit} of skills, specs, stack, endorsedBy and regions: more single people out."""

    code = Code.INVALID


def check_question(*, skills: int, specs: int, stacks: int, endorsers: int, regions: int) -> None:
    """Refuse a question without any requirement, or with more of anything than a search takes.

    Raises NothingAsked, TooManyAsked, TooNarrow.
    """
    if skills + specs + stacks == 0:
        raise NothingAsked(path=("skills",))
    if sum(count > 0 for count in (skills, specs, stacks, endorsers, regions)) > KINDS_LIMIT:
        raise TooNarrow(limit=KINDS_LIMIT)
    for what, path, count, limit in (
        ("skills", "skills", skills, SKILLS_LIMIT),
        ("specs", "specs", specs, SPECS_LIMIT),
        ("endorsers", "endorsedBy", endorsers, ENDORSERS_LIMIT),
        ("regions", "regions", regions, REGIONS_LIMIT),
    ):
        if count > limit:
            raise TooManyAsked(limit=limit, what=what, path=(path,))


def told_count(exact: int) -> int | None:
    """A count as an outsider may know it: None below the privacy floor, else rounded down to tens."""
    return None if exact < PRIVACY_FLOOR else exact // PRIVACY_FLOOR * PRIVACY_FLOOR


def tie_break_seed(secret: bytes) -> int:
    """The seed (64 bits, signed) for the order of equal candidates, from a secret of the asking organization's own.

    Keyed, so that the order tells nothing about learner numbers and two organizations cannot join their lists.
    """
    digest = hmac.new(secret, b"candidate order", hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
