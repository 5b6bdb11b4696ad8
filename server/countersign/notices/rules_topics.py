"""Which events anybody is told of: who, as what kind of notice, and which are reminders. One table, closed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from countersign.kit.access import Role


class Kind(enum.Enum):
    """What notices are chosen by: each person decides for each kind how it reaches them."""

    REVIEWS = "reviews"
    CALLS = "calls"
    CHANGES = "changes"
    COMMENTS = "comments"
    ENDORSEMENTS = "endorsements"
    CO_VALIDATION = "co_validation"
    REMINDERS = "reminders"
    PLEDGES = "pledges"
    ALARMS = "alarms"
    VERSIONS = "versions"
    ORGANIZATION = "organization"
    AWARDS = "awards"


class Party(enum.Enum):
    """On which side of an event somebody stands."""

    SCHOOL = "school"
    PARTNER = "partner"
    """The organization that was asked, or that endorses."""
    HOUSE = "house"
    """The organization that it is about, where there are no two sides."""
    PERSON = "person"
    """The one person whom it is about; who holds the roles in their place when there is none."""
    LEARNER = "learner"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told: members of the party's organization who hold one of the roles, or its one person."""

    party: Party
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """An event of which somebody is told. A reminder asks for something by a day."""

    kind: Kind
    to: tuple[Audience, ...]
    reminder: bool = False
    cases: tuple[str, ...] = ()
    """What the fact `case` may say, where each has a sentence of its own."""


_AUTHORS: Final = Audience(Party.SCHOOL, (Role.AUTHOR,))
_SCHOOL: Final = Audience(Party.SCHOOL, (Role.AUTHOR, Role.ORG_ADMIN))
_REVIEWERS: Final = Audience(Party.PARTNER, (Role.REVIEWER,))
_CLAIMANT: Final = Audience(Party.PERSON, (Role.REVIEWER,))
_SIGNATORIES: Final = Audience(Party.PARTNER, (Role.SIGNATORY,))
_ENDORSERS: Final = Audience(Party.PARTNER, (Role.SIGNATORY, Role.REVIEWER))
_PARTNER_ADMINS: Final = Audience(Party.PARTNER, (Role.ORG_ADMIN,))
_RECRUITERS: Final = Audience(Party.PARTNER, (Role.SIGNATORY, Role.RECRUITER))
_REGISTRARS: Final = Audience(Party.SCHOOL, (Role.REGISTRAR,))
_PROPOSER: Final = Audience(Party.PERSON, (Role.SIGNATORY,))
_TEACHERS: Final = Audience(Party.HOUSE, (Role.AUTHOR, Role.REVIEWER, Role.SIGNATORY))
_RULED: Final = Audience(Party.HOUSE, (Role.AUTHOR, Role.ORG_ADMIN))
_ADMINS: Final = Audience(Party.HOUSE, (Role.ORG_ADMIN,))
_KEEPERS: Final = Audience(Party.HOUSE, (Role.ORG_ADMIN, Role.SIGNATORY))
_ONESELF: Final = Audience(Party.PERSON)
_LEARNER: Final = Audience(Party.LEARNER)


def _told(kind: Kind, *to: Audience, reminder: bool = False, cases: tuple[str, ...] = ()) -> Topic:
    return Topic(kind, to, reminder, cases)


_TAUGHT: Final = ("taught_support_ending", "taught_support_ended")
"""Why a tool drifts away from a version that teaches it."""
_CONFIRMED: Final = ("support_ending", "support_ended", "tool_dropped", "version_changed")
"""Why a tool drifts away from what an endorser confirmed."""


TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        # Review requests
        "review.requested": _told(Kind.REVIEWS, _REVIEWERS),
        "review.claimed": _told(Kind.REVIEWS, _AUTHORS),
        "review.decided": _told(Kind.REVIEWS, _AUTHORS),
        "review.declined": _told(Kind.REVIEWS, _AUTHORS),
        "review.cancelled": _told(Kind.REVIEWS, _CLAIMANT),
        "review.released": _told(Kind.REVIEWS, _REVIEWERS),
        "review.returned": _told(Kind.REVIEWS, _REVIEWERS),
        "review.voided": _told(Kind.REVIEWS, _AUTHORS),
        "review.extended": _told(Kind.REVIEWS, _CLAIMANT),
        "review.expired": _told(Kind.REVIEWS, _AUTHORS, _REVIEWERS),
        "review.reminder": _told(Kind.REMINDERS, _CLAIMANT, reminder=True),
        "review.overdue": _told(Kind.REMINDERS, _PARTNER_ADMINS, reminder=True),
        "review.overdue_school": _told(Kind.REMINDERS, _AUTHORS, reminder=True),
        "review_call.opened": _told(Kind.CALLS, _REVIEWERS),
        "review_call.filled": _told(Kind.REVIEWS, _AUTHORS),
        "review_call.closed": _told(Kind.REVIEWS, _AUTHORS),
        "review_call.lapsed": _told(Kind.REVIEWS, _AUTHORS),
        # What a review says, and what the school answers
        "review.comment_answered": _told(Kind.COMMENTS, _REVIEWERS),
        "review.comment_replied": _told(Kind.COMMENTS, _AUTHORS),
        "review.comment_resolved": _told(Kind.COMMENTS, _AUTHORS),
        "review.comment_reopened": _told(Kind.COMMENTS, _AUTHORS),
        "review.suggestion_accepted": _told(Kind.COMMENTS, _REVIEWERS),
        "review.suggestion_declined": _told(Kind.COMMENTS, _REVIEWERS),
        "change_request.raised": _told(Kind.CHANGES, _AUTHORS),
        "change_request.addressed": _told(Kind.CHANGES, _REVIEWERS),
        "change_request.declined": _told(Kind.CHANGES, _REVIEWERS),
        "change_request.accepted": _told(Kind.CHANGES, _AUTHORS),
        "change_request.reopened": _told(Kind.CHANGES, _AUTHORS),
        "change_request.withdrawn": _told(Kind.CHANGES, _AUTHORS),
        # Endorsements
        "proposal.proposed": _told(Kind.ENDORSEMENTS, _SIGNATORIES),
        "proposal.approved": _told(Kind.ENDORSEMENTS, _SIGNATORIES),
        "proposal.refused": _told(Kind.ENDORSEMENTS, _PROPOSER),
        "proposal.withdrawn": _told(Kind.ENDORSEMENTS, _PROPOSER),
        "proposal.signed": _told(Kind.ENDORSEMENTS, _PROPOSER),
        "statement.suggested": _told(Kind.ENDORSEMENTS, _ENDORSERS),
        "statement.withdrawn": _told(Kind.ENDORSEMENTS, _ENDORSERS),
        "endorsement.hidden": _told(Kind.ENDORSEMENTS, _ENDORSERS),
        "endorsement.shown": _told(Kind.ENDORSEMENTS, _ENDORSERS),
        "endorsement.expired": _told(Kind.ENDORSEMENTS, _SIGNATORIES, _AUTHORS),
        "endorsement.in_force": _told(Kind.ENDORSEMENTS, _SCHOOL),
        "endorsement.refused": _told(Kind.ENDORSEMENTS, _SIGNATORIES),
        "endorsement.revoked": _told(Kind.ENDORSEMENTS, _SCHOOL),
        "endorsement.suspended": _told(Kind.ENDORSEMENTS, _SCHOOL),
        "endorsement.resumed": _told(Kind.ENDORSEMENTS, _SCHOOL),
        "endorsement.expiring": _told(Kind.REMINDERS, _SIGNATORIES, _AUTHORS, reminder=True),
        "endorsement.reaffirmable": _told(Kind.ENDORSEMENTS, _SIGNATORIES),
        "endorsement.outgrown": _told(Kind.VERSIONS, _ENDORSERS),
        "spec.co_validated": _told(Kind.CO_VALIDATION, _SCHOOL),
        "spec.co_validation_lost": _told(Kind.CO_VALIDATION, _SCHOOL, _ENDORSERS),
        "quorum_policy.published": _told(Kind.CO_VALIDATION, _RULED),
        # Pledges, and tools that go out of support
        "pledge.reserved": _told(Kind.PLEDGES, _RECRUITERS),
        "pledge.redeemed": _told(Kind.PLEDGES, _REGISTRARS),
        "pledge.released": _told(Kind.PLEDGES, _REGISTRARS, _RECRUITERS),
        "pledge.withdrawn": _told(Kind.PLEDGES, _REGISTRARS, _AUTHORS),
        "pledge.lapsed": _told(Kind.PLEDGES, _REGISTRARS, _RECRUITERS, cases=("waiting",)),
        "pledge.answer_due": _told(Kind.REMINDERS, _RECRUITERS, reminder=True),
        "pledge.not_kept": _told(Kind.PLEDGES, _REGISTRARS, _RECRUITERS),
        "drift.raised": _told(Kind.ALARMS, _TEACHERS, cases=(*_TAUGHT, *_CONFIRMED)),
        "drift.cleared": _told(Kind.ALARMS, _TEACHERS),
        # Versions that somebody has endorsed
        "spec_version.published": _told(Kind.VERSIONS, _ENDORSERS),
        "spec_version.deprecated": _told(Kind.VERSIONS, _ENDORSERS),
        "spec_version.retired": _told(Kind.VERSIONS, _ENDORSERS),
        "spec_version.withdrawn": _told(Kind.VERSIONS, _ENDORSERS),
        # The organization's own house
        "membership.began": _told(Kind.ORGANIZATION, _ADMINS),
        "membership.changed": _told(Kind.ORGANIZATION, _ONESELF),
        "membership.ended": _told(Kind.ORGANIZATION, _ADMINS),
        "membership.signing_expiring": _told(Kind.REMINDERS, _ONESELF, _ADMINS, reminder=True),
        "membership.signing_limited": _told(Kind.ORGANIZATION, _ONESELF),
        "approval.proposed": _told(Kind.ORGANIZATION, _ADMINS),
        "approval.approved": _told(Kind.ORGANIZATION, _ADMINS),
        "approval.rejected": _told(Kind.ORGANIZATION, _ADMINS),
        "token.leaked": _told(Kind.ORGANIZATION, _ONESELF, _ADMINS),
        "key.made": _told(Kind.ORGANIZATION, _KEEPERS),
        "key.retired": _told(Kind.ORGANIZATION, _KEEPERS),
        "key.compromised": _told(Kind.ORGANIZATION, _KEEPERS),
        "domain.verified": _told(Kind.ORGANIZATION, _ADMINS),
        "domain.lost": _told(Kind.ORGANIZATION, _ADMINS),
        "organization.suspended": _told(Kind.ORGANIZATION, _ADMINS),
        "organization.resumed": _told(Kind.ORGANIZATION, _ADMINS),
        "ownership.declared": _told(Kind.ORGANIZATION, _PARTNER_ADMINS),
        "ownership.confirmed": _told(Kind.ORGANIZATION, _ADMINS),
        "ownership.ended": _told(Kind.ORGANIZATION, _ADMINS, _PARTNER_ADMINS),
        "sponsorship.declared": _told(Kind.ORGANIZATION, _PARTNER_ADMINS),
        "sponsorship.ended": _told(Kind.ORGANIZATION, _PARTNER_ADMINS),
        "webhook.disabled": _told(Kind.ORGANIZATION, _ADMINS),
        "mailbox.bounced": _told(Kind.ORGANIZATION, _ONESELF),
        # Learners
        "award.issued": _told(Kind.AWARDS, _LEARNER),
        "award.revoked": _told(Kind.AWARDS, _LEARNER),
    }
)

SILENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "notice.arrived": "it is the notice",
        "award.claimed": "the learner has just done it",
        "awards.imported": "the file's own report tells; awards of a file wait for their claims",
        "bulk.progressed": "a subscription of its own tells, many times a minute",
        "drift.acknowledged": "who did it knows",
        "drift.overtaken": "the alarm that takes its place is told",
        "drift.resolved": "who did it knows",
        "endorsement.foreign_checked": "where it turns co-validation, that is told",
        "endorsement.foreign_imported": "the school has just done it",
        "endorsement.superseded": "the renewal that replaced it is told",
        "endorsement.taken": "who took it waits for it; the school is told once it is signed",
        "expert.invited": "the link is handed over by who made it",
        "expert.withdrawn": "as the invitation",
        "invitation.made": "the link is handed over by who made it",
        "invitation.withdrawn": "as the invitation",
        "organization.registered": "it has no members yet",
        "review_offer.made": "it is the organization's own word",
        "rubric.published": "the organization has just done it",
        "spec.created": "nobody outside the school knows of it",
        "spec_version.in_review": "the request is told",
        "spec_version.submitted": "the school has just done it; who is asked is told of the request",
        "stack.created": "who made it knows",
        "support.imported": "the operator has just done it; what follows from it is an alarm",
        "token.made": "who made it knows",
        "token.revoked": "who revoked it knows",
        "token.rolled": "who rolled it knows",
        "tool_maker.declared": "it is the organization's own word",
        "tool_maker.withdrawn": "as the declaration",
    }
)
"""Events of which nobody is told, with the reason."""
