"""Who asks, and what a rule may ask of them; the rules themselves are `kit/access`, which hands these on."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class OrganizationKind(enum.Enum):
    """What an organization is here for."""

    SCHOOL = "school"
    EMPLOYER = "employer"
    AGENCY = "agency"
    PLATFORM = "platform"


class Role(enum.Enum):
    """What a member may do for the organization."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    SIGNATORY = "signatory"
    REGISTRAR = "registrar"
    RECRUITER = "recruiter"
    ORG_ADMIN = "org_admin"
    AUDITOR = "auditor"


class Scope(enum.Enum):
    """What a token was made for; never more than its maker's roles allow."""

    SPEC_READ = "spec:read"
    SPEC_WRITE = "spec:write"
    REVIEW_WRITE = "review:write"
    EVIDENCE_WRITE = "evidence:write"
    ENDORSE_SIGN = "endorse:sign"
    AWARD_WRITE = "award:write"
    STACK_WRITE = "stack:write"
    SEARCH_READ = "search:read"
    EXPORT_READ = "export:read"
    ORGANIZATION_WRITE = "organization:write"
    LEARNER_SELF = "learner:self"
    TOKEN_WRITE = "token:write"  # noqa: S105 - a scope
    MEMBER_WRITE = "member:write"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person acting for one organization, a learner for themselves, the system, or nobody.

    A person comes with a session (`login_id`, and `authenticated_at`: when they last proved who they are) or with a
    token (`token_id`). An outside expert comes with the link of an invitation (`token_id` and `person_id` are its id)
    and acts for no organization: only in the review request `request_id`, as a guest of the organization `guest_of`.
    """

    organization_id: UUID | None = None
    organization_kind: OrganizationKind | None = None
    person_id: UUID | None = None
    learner_id: int | None = None
    token_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    system: bool = False
    account_id: UUID | None = None
    login_id: UUID | None = None
    authenticated_at: datetime | None = None
    request_id: UUID | None = None
    guest_of: UUID | None = None

    @property
    def known(self) -> bool:
        """Whether anybody signed in."""
        return self.system or self.token_id is not None or self.login_id is not None

    @property
    def identity(self) -> str:
        """The text under which this actor's commands are remembered; no personal data."""
        if self.system:
            return "system"
        if self.learner_id is not None:
            return f"learner:{self.learner_id}"
        if self.request_id is not None:
            return f"expert:{self.person_id}"
        return f"person:{self.person_id}"


ANONYMOUS = Actor()
SYSTEM = Actor(system=True)


class Lack(enum.Enum):
    """What an actor may lack for what they want to do."""

    OPERATOR = "operator"
    SIGN_IN = "sign_in"
    SCOPE = "scope"
    SESSION = "session"
    LEARNER = "learner"
    KIND = "kind"
    ROLE = "role"
    OWNER = "owner"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class Rule:
    """What an actor must hold: the scope, one of the roles, and to act for one of the kinds of organization."""

    scope: Scope | None
    roles: frozenset[Role] = frozenset()
    kinds: frozenset[OrganizationKind] = frozenset()
    learner: bool = False
    system_only: bool = False
    or_scope: Scope | None = None
    """Another scope that will do as well."""
    fresh: bool = False
    """Whether a person's session must have been proved at most five minutes ago (`StepUpRequired`).

    A token that holds the scope is not asked, since making such a token is. A rule without a scope is then for
    sessions alone.
    """
    two_persons: bool = False
    """Whether one person proposes and another approves it."""
    account: bool = False
    """Whether any person with a session may, whomever they act for: what concerns their account alone."""
    own: bool = False
    """Whether anybody may who acts for an organization or as a learner: what concerns themselves alone."""
    expert: bool = False
    """Whether an outside expert may too, in the one review request that they were invited to."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of which a token must have one; none of them when there are none."""
        return tuple(scope for scope in (self.scope, self.or_scope) if scope is not None)

    def admits(self, actor: Actor) -> bool:
        """Whether the actor holds what the rule asks, whoever owns the object and however long ago they signed in."""
        return self.lack(actor) is None

    @property
    def filter(self) -> str:
        """What is left to be asked of each row, as SQL over `{t}`, of who holds all that the rule asks."""
        if self.learner:
            return "{t}.learner_id = {actor_learner}"
        return "true" if self.account or self.own else "{t}.organization_id = {actor_organization}"

    def lack(self, actor: Actor) -> Lack | None:
        """What the actor lacks of what the rule asks; None when nothing."""
        if actor.system:
            return None
        acts = actor.organization_id is not None or actor.learner_id is not None
        if actor.request_id is not None:
            return None if self.expert else Lack.ROLE
        asked: tuple[tuple[Lack, bool], ...] = (
            (Lack.OPERATOR, not self.system_only),
            (Lack.SIGN_IN, actor.known),
            (Lack.SCOPE, not self.scopes or not actor.scopes.isdisjoint(self.scopes)),
            (Lack.SESSION, actor.login_id is not None or not (self.account or (self.fresh and not self.scopes))),
            (Lack.LEARNER, actor.learner_id is not None or not self.learner),
            (
                Lack.KIND,
                self.account or self.learner or (acts if self.own else actor.organization_kind in self.kinds),
            ),
            (Lack.ROLE, self.account or self.learner or self.own or not self.roles.isdisjoint(actor.roles)),
        )
        return next((lack for lack, held in asked if not held), None)
