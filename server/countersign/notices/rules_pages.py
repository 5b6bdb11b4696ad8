"""Where a notice leads: to the page of what it is about, as far as that has a page which whoever is told may open."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final


class Page(enum.Enum):
    """The pages of the portal to which notices lead."""

    VERSION = "version"
    """How a published version is earned, and who stands behind it."""
    SUCCESSOR = "successor"
    """The same of the version that came after it."""
    ENDORSEMENT = "endorsement"
    ORGANIZATION = "organization"
    LEARNER = "learner"
    """What learners hold and allow."""


ROOMS: Final[Mapping[str, Page | None]] = MappingProxyType(
    {
        **dict.fromkeys(("review", "review_call", "change_request", "proposal", "statement", "drift"), Page.VERSION),
        **dict.fromkeys(("spec", "spec_version"), Page.VERSION),
        **dict.fromkeys(("endorsement", "pledge"), Page.ENDORSEMENT),
        **dict.fromkeys(("key", "domain", "organization"), Page.ORGANIZATION),
        "award": Page.LEARNER,
        # An organization's own house has no page: the API tells of it.
        **dict.fromkeys(("membership", "approval", "token", "webhook", "mailbox"), None),
        **dict.fromkeys(("ownership", "sponsorship", "quorum_policy"), None),
    }
)
"""By the room of a topic, the page to which its notices lead."""
TOPICS: Final[Mapping[str, Page]] = MappingProxyType(
    {
        "endorsement.refused": Page.VERSION,  # it was never signed
        "endorsement.reaffirmable": Page.SUCCESSOR,
        "endorsement.outgrown": Page.SUCCESSOR,
    }
)
"""Topics that lead elsewhere than their room's."""


def page_of(topic: str) -> Page | None:
    """The page to which the notices of a topic lead; None where there is none."""
    return TOPICS.get(topic, ROOMS.get(topic.partition(".")[0]))


def path(topic: str, subject: str, facts: Mapping[str, Any]) -> str | None:
    """The page's path; None when there is no page, or when nobody may open it: no version is shown before its day.

    Notices from before `public` was among the facts are of versions that were.
    """
    page, slug = page_of(topic), facts.get("slug")
    shown = bool(slug) and facts.get("public") is not False
    match page:
        case Page.LEARNER:
            return "/claim"
        case Page.ORGANIZATION if facts.get("handle"):
            return f"/orgs/{facts['handle']}"
        case Page.ENDORSEMENT if shown:
            endorsement = facts.get("endorsement") or subject
            return f"/v/{endorsement.removeprefix('end_')}" if endorsement.startswith("end_") else None
        case Page.SUCCESSOR if slug and facts.get("next"):
            return f"/specs/{slug}/versions/{facts['next']}/criteria"
        case Page.VERSION if shown and facts.get("semver"):
            return f"/specs/{slug}/versions/{facts['semver']}/criteria"
        case _:
            return None
