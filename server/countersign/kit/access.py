"""Who may do what: one policy table, enforced by the services and printed into the schema."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from countersign.kit.actors import ANONYMOUS, SYSTEM, Actor, Lack, OrganizationKind, Role, Rule, Scope
from countersign.kit.errors import NotAllowed, NotFound, StepUpRequired

__all__ = ("ANONYMOUS", "SYSTEM", "Actor", "Lack", "OrganizationKind", "Role", "Rule", "Scope")

FRESH: Final = timedelta(minutes=5)
"""How long ago a person may have proved who they are, for what asks that it be fresh."""


class Permission(enum.Enum):
    """Everything that needs authority, by the name under which the schema shows it."""

    CREATE_SPEC = "create_spec"
    EDIT_SPEC = "edit_spec"
    SUBMIT_SPEC = "submit_spec"
    PUBLISH_SPEC = "publish_spec"
    PUBLISH_POLICY = "publish_policy"
    IMPORT_ENDORSEMENT = "import_endorsement"
    REQUEST_REVIEW = "request_review"
    FOLLOW_REVIEWS = "follow_reviews"
    FOLLOW_BULK_OPERATIONS = "follow_bulk_operations"
    REVIEW = "review"
    WRITE_REVIEW = "write_review"
    OFFER_REVIEWS = "offer_reviews"
    ANSWER_REVIEW = "answer_review"
    PUBLISH_RUBRIC = "publish_rubric"
    SIGN_ENDORSEMENT = "sign_endorsement"
    REVOKE_ENDORSEMENT = "revoke_endorsement"
    PROPOSE_ENDORSEMENT = "propose_endorsement"
    SUGGEST_STATEMENT = "suggest_statement"
    DISPLAY_ENDORSEMENT = "display_endorsement"
    ATTACH = "attach"
    RESERVE_SEAT = "reserve_seat"
    REDEEM_SEAT = "redeem_seat"
    RELEASE_SEAT = "release_seat"
    WITHDRAW_PLEDGE = "withdraw_pledge"
    ANSWER_DRIFT = "answer_drift"
    CREATE_STACK = "create_stack"
    ISSUE_AWARD = "issue_award"
    REVOKE_AWARD = "revoke_award"
    SEARCH_CANDIDATES = "search_candidates"
    SET_CONSENT = "set_consent"
    CORRECT_RESIDENCE = "correct_residence"
    CHANGE_EMAIL = "change_email"
    CLAIM_AWARD = "claim_award"
    EXPORT_MY_DATA = "export_my_data"
    ERASE_ME = "erase_me"
    EXPORT = "export"
    CANCEL_BULK = "cancel_bulk"
    MANAGE_ORGANIZATION = "manage_organization"
    CREATE_TOKEN = "create_token"  # noqa: S105 - a permission
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 - a permission
    READ_TOKENS = "read_tokens"
    SUPERVISE_TOKENS = "supervise_tokens"
    MANAGE_MEMBERS = "manage_members"
    END_MEMBERSHIP = "end_membership"
    READ_MEMBERS = "read_members"
    READ_INVITATIONS = "read_invitations"
    ACCEPT_INVITATION = "accept_invitation"
    MANAGE_KEYS = "manage_keys"
    APPROVE = "approve"
    IMPORT = "import"
    READ_AUDIT = "read_audit"
    MANAGE_NOTICES = "manage_notices"
    SET_NOTICE_ADDRESS = "set_notice_address"
    MANAGE_WEBHOOKS = "manage_webhooks"


_ORGANIZATIONS = frozenset(OrganizationKind)
_SCHOOL = frozenset({OrganizationKind.SCHOOL})
_INDUSTRY = frozenset({OrganizationKind.EMPLOYER, OrganizationKind.AGENCY})


POLICY: dict[Permission, Rule] = {
    Permission.CREATE_SPEC: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.EDIT_SPEC: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.SUBMIT_SPEC: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.PUBLISH_SPEC: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR, Role.ORG_ADMIN}), _SCHOOL),
    Permission.IMPORT_ENDORSEMENT: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.PUBLISH_POLICY: Rule(Scope.SPEC_WRITE, frozenset({Role.ORG_ADMIN}), _SCHOOL),
    Permission.REQUEST_REVIEW: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.FOLLOW_REVIEWS: Rule(
        None, frozenset({Role.AUTHOR, Role.REVIEWER, Role.SIGNATORY, Role.ORG_ADMIN}), _SCHOOL | _INDUSTRY
    ),
    Permission.FOLLOW_BULK_OPERATIONS: Rule(None, frozenset(Role), _ORGANIZATIONS),
    Permission.REVIEW: Rule(Scope.REVIEW_WRITE, frozenset({Role.REVIEWER}), _INDUSTRY),
    Permission.WRITE_REVIEW: Rule(Scope.REVIEW_WRITE, frozenset({Role.REVIEWER}), _INDUSTRY, expert=True),
    Permission.OFFER_REVIEWS: Rule(Scope.REVIEW_WRITE, frozenset({Role.REVIEWER, Role.ORG_ADMIN}), _INDUSTRY),
    Permission.ANSWER_REVIEW: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.PUBLISH_RUBRIC: Rule(Scope.REVIEW_WRITE, frozenset({Role.REVIEWER}), _INDUSTRY),
    Permission.SIGN_ENDORSEMENT: Rule(Scope.ENDORSE_SIGN, frozenset({Role.SIGNATORY}), _INDUSTRY, fresh=True),
    Permission.REVOKE_ENDORSEMENT: Rule(Scope.ENDORSE_SIGN, frozenset({Role.SIGNATORY}), _INDUSTRY, fresh=True),
    Permission.PROPOSE_ENDORSEMENT: Rule(
        Scope.REVIEW_WRITE, frozenset({Role.REVIEWER, Role.SIGNATORY}), _INDUSTRY, or_scope=Scope.ENDORSE_SIGN
    ),
    Permission.SUGGEST_STATEMENT: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR}), _SCHOOL),
    Permission.DISPLAY_ENDORSEMENT: Rule(Scope.SPEC_WRITE, frozenset({Role.AUTHOR, Role.ORG_ADMIN}), _SCHOOL),
    Permission.ATTACH: Rule(Scope.ENDORSE_SIGN, frozenset({Role.SIGNATORY}), _INDUSTRY),
    Permission.RESERVE_SEAT: Rule(Scope.EVIDENCE_WRITE, frozenset({Role.REGISTRAR}), _SCHOOL),
    Permission.REDEEM_SEAT: Rule(Scope.EVIDENCE_WRITE, frozenset({Role.RECRUITER, Role.SIGNATORY}), _INDUSTRY),
    Permission.RELEASE_SEAT: Rule(
        Scope.EVIDENCE_WRITE, frozenset({Role.REGISTRAR, Role.RECRUITER, Role.SIGNATORY}), _SCHOOL | _INDUSTRY
    ),
    Permission.WITHDRAW_PLEDGE: Rule(Scope.ENDORSE_SIGN, frozenset({Role.SIGNATORY}), _INDUSTRY, fresh=True),
    Permission.ANSWER_DRIFT: Rule(
        Scope.EVIDENCE_WRITE, frozenset({Role.AUTHOR, Role.REVIEWER, Role.SIGNATORY}), _SCHOOL | _INDUSTRY
    ),
    Permission.CREATE_STACK: Rule(Scope.STACK_WRITE, frozenset({Role.AUTHOR}), _SCHOOL | _INDUSTRY),
    Permission.ISSUE_AWARD: Rule(Scope.AWARD_WRITE, frozenset({Role.REGISTRAR}), _SCHOOL),
    Permission.REVOKE_AWARD: Rule(Scope.AWARD_WRITE, frozenset({Role.REGISTRAR}), _SCHOOL),
    Permission.SEARCH_CANDIDATES: Rule(Scope.SEARCH_READ, frozenset({Role.RECRUITER}), _INDUSTRY),
    Permission.SET_CONSENT: Rule(Scope.LEARNER_SELF, learner=True),
    Permission.CORRECT_RESIDENCE: Rule(Scope.LEARNER_SELF, learner=True),
    Permission.CHANGE_EMAIL: Rule(Scope.LEARNER_SELF, learner=True, fresh=True),
    Permission.CLAIM_AWARD: Rule(Scope.LEARNER_SELF, account=True),
    Permission.EXPORT_MY_DATA: Rule(Scope.LEARNER_SELF, learner=True, fresh=True),
    Permission.ERASE_ME: Rule(Scope.LEARNER_SELF, learner=True, fresh=True),
    Permission.EXPORT: Rule(Scope.EXPORT_READ, frozenset(Role), _ORGANIZATIONS, fresh=True),
    # Whoever cancels must also hold what the operation itself needs; the service asks for that.
    Permission.CANCEL_BULK: Rule(Scope.EXPORT_READ, frozenset(Role), _ORGANIZATIONS, or_scope=Scope.AWARD_WRITE),
    Permission.MANAGE_ORGANIZATION: Rule(Scope.ORGANIZATION_WRITE, frozenset({Role.ORG_ADMIN}), _ORGANIZATIONS),
    # Whoever lets somebody in, or makes a token, hands on what signing and exports are asked a fresh sign-in for.
    Permission.CREATE_TOKEN: Rule(Scope.TOKEN_WRITE, frozenset(Role), _ORGANIZATIONS, fresh=True),
    Permission.REVOKE_TOKEN: Rule(Scope.TOKEN_WRITE, frozenset(Role), _ORGANIZATIONS),
    Permission.READ_TOKENS: Rule(Scope.TOKEN_WRITE, frozenset(Role), _ORGANIZATIONS),
    Permission.SUPERVISE_TOKENS: Rule(Scope.TOKEN_WRITE, frozenset({Role.ORG_ADMIN, Role.AUDITOR}), _ORGANIZATIONS),
    Permission.MANAGE_MEMBERS: Rule(Scope.MEMBER_WRITE, frozenset({Role.ORG_ADMIN}), _ORGANIZATIONS, fresh=True),
    # Everybody may leave; an admin may make others leave, which the service asks for.
    Permission.END_MEMBERSHIP: Rule(Scope.MEMBER_WRITE, frozenset(Role), _ORGANIZATIONS),
    Permission.READ_MEMBERS: Rule(None, frozenset(Role), _ORGANIZATIONS),
    Permission.READ_INVITATIONS: Rule(Scope.MEMBER_WRITE, frozenset({Role.ORG_ADMIN, Role.AUDITOR}), _ORGANIZATIONS),
    Permission.ACCEPT_INVITATION: Rule(None, account=True),
    Permission.MANAGE_KEYS: Rule(
        Scope.ORGANIZATION_WRITE, frozenset({Role.ORG_ADMIN}), _ORGANIZATIONS, fresh=True, two_persons=True
    ),
    Permission.APPROVE: Rule(Scope.ORGANIZATION_WRITE, frozenset({Role.ORG_ADMIN}), _ORGANIZATIONS, fresh=True),
    Permission.IMPORT: Rule(None, system_only=True),
    Permission.READ_AUDIT: Rule(Scope.EXPORT_READ, frozenset({Role.AUDITOR, Role.ORG_ADMIN}), _ORGANIZATIONS),
    Permission.SET_NOTICE_ADDRESS: Rule(None, account=True),
    Permission.MANAGE_WEBHOOKS: Rule(Scope.ORGANIZATION_WRITE, frozenset({Role.ORG_ADMIN}), _ORGANIZATIONS, fresh=True),
    Permission.MANAGE_NOTICES: Rule(Scope.SPEC_READ, own=True, or_scope=Scope.LEARNER_SELF),
}


def _scopes_of(role: Role) -> frozenset[Scope]:
    held = {rule.scope for rule in POLICY.values() if role in rule.roles and rule.scope is not None}
    return frozenset(held | {Scope.SPEC_READ})


SCOPES_OF: Final[Mapping[Role, frozenset[Scope]]] = MappingProxyType({role: _scopes_of(role) for role in Role})
"""What a role lets its holder give to a token: the scopes of the rules that the role meets, and reading."""


def scopes_to_give(actor: Actor) -> frozenset[Scope]:
    """The scopes that the actor may give to a token: those of the roles and, of a token, never more than its own."""
    given: set[Scope] = set().union(*(SCOPES_OF[role] for role in actor.roles))
    if actor.learner_id is not None:
        given.add(Scope.LEARNER_SELF)
    return frozenset(given) & actor.scopes if actor.login_id is None else frozenset(given)


@dataclass(frozen=True, slots=True)
class Allow:
    """The policy lets the actor; `filter` is what it leaves to be asked of each row, as SQL over `{t}`."""

    filter: str = "true"


@dataclass(frozen=True, slots=True)
class Deny:
    """The policy does not let the actor; `rule` names the line of the policy and what was lacking."""

    rule: str
    lack: Lack
    why: str


def decide(
    actor: Actor, permission: Permission, *, owner: UUID | None = None, now: datetime | None = None
) -> Allow | Deny:
    """Whether the actor may do this, to a thing of the organization `owner` (None: of nobody in particular).

    Pure, from the table alone; what is not in it is denied. With `now` a fresh sign-in is asked too, where the rule
    wants one. Services, commands and reads ask nothing else.
    """
    rule = POLICY.get(permission)
    if rule is None:
        return _deny(permission, Lack.OPERATOR, "Nobody may do this")
    if owner is not None and not actor.system and actor.organization_id != owner:
        return _deny(permission, Lack.OWNER, "This belongs to another organization")
    lack = rule.lack(actor)
    if lack is not None:
        return _deny(permission, lack, explain(permission))
    if now is not None and not fresh(actor, permission, now):
        return _deny(permission, Lack.FRESH, StepUpRequired().message)
    return Allow("true" if actor.system or owner is not None else rule.filter)


def _deny(permission: Permission, lack: Lack, why: str) -> Deny:
    return Deny(f"{permission.value}:{lack.value}", lack, why)


def allows(actor: Actor, permission: Permission) -> bool:
    """Whether the actor holds what the policy asks, whoever owns the object. Anything undeclared is denied."""
    return isinstance(decide(actor, permission), Allow)


def fresh(actor: Actor, permission: Permission, now: datetime) -> bool:
    """Whether the actor has proved who they are recently enough for the permission.

    Only sessions are asked: a token that holds the scope was made by somebody who had been.
    """
    rule = POLICY[permission]
    if not rule.fresh or actor.system or actor.login_id is None:
        return True
    return actor.authenticated_at is not None and now - actor.authenticated_at <= FRESH


def require_fresh(actor: Actor, permission: Permission, now: datetime) -> None:
    """Refuse with StepUpRequired unless the permission needs no fresh sign-in or there was one."""
    if not fresh(actor, permission, now):
        raise StepUpRequired


def require(actor: Actor, permission: Permission, *, owner: UUID | None = None, hidden: str | None = None) -> None:
    """Refuse unless the policy allows it and, where the object has an owner, the actor acts for that organization.

    `hidden` names a thing that outsiders must not know of: a foreign one is then NotFound, as if it were missing.
    Raises NotAllowed or NotFound.
    """
    decision = decide(actor, permission, owner=owner)
    if isinstance(decision, Deny):
        if decision.lack is Lack.OWNER and hidden is not None:
            raise NotFound(what=hidden)
        raise NotAllowed(why=decision.why)


def explain(permission: Permission) -> str:
    """What a permission asks for, in words."""
    rule = POLICY[permission]
    if rule.system_only:
        return "Only the operator of this installation may do this"
    if rule.account:
        return "Only a person who has signed in may do this, not a token"
    if rule.own:
        return "Only who acts for an organization or as a learner may do this, and for themselves alone"
    if rule.learner:
        return f"Only the learner may do this, with the scope {rule.scope.value if rule.scope else 'none'}"
    roles = " or ".join(sorted(r.value for r in rule.roles))
    kinds = " or ".join(sorted(k.value for k in rule.kinds))
    scope = f"the scope {' or '.join(s.value for s in rule.scopes)} and " if rule.scopes else ""
    guest = ", or an invitation as an outside expert" if rule.expert else ""
    return f"This needs {scope}the role {roles}, acting for an organization of the kind {kinds}{guest}"
