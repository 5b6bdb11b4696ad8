"""The policy by itself: who holds what, what must be fresh, what a role may give to a token. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from countersign.kit import access
from countersign.kit.access import (
    ANONYMOUS,
    POLICY,
    SCOPES_OF,
    SYSTEM,
    Actor,
    Allow,
    Deny,
    Lack,
    OrganizationKind,
    Permission,
    Role,
    Scope,
)
from countersign.kit.errors import StepUpRequired

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUSE = UUID(int=1)
SESSION = Actor(
    HOUSE,
    OrganizationKind.EMPLOYER,
    person_id=UUID(int=2),
    roles=frozenset({Role.SIGNATORY}),
    scopes=frozenset(Scope),
    login_id=UUID(int=3),
    authenticated_at=NOW,
)
TOKEN = replace(SESSION, login_id=None, authenticated_at=None, token_id=UUID(int=4))
FRESH = [permission for permission, rule in POLICY.items() if rule.fresh]


@pytest.mark.parametrize("permission", FRESH)
def test_a_session_proves_itself_anew_after_five_minutes(permission: Permission) -> None:
    assert access.fresh(SESSION, permission, NOW + timedelta(minutes=5))
    assert not access.fresh(SESSION, permission, NOW + timedelta(minutes=5, microseconds=1))
    assert not access.fresh(replace(SESSION, authenticated_at=None), permission, NOW)
    with pytest.raises(StepUpRequired, match="five minutes"):
        access.require_fresh(replace(SESSION, authenticated_at=None), permission, NOW)


@pytest.mark.parametrize("permission", FRESH)
def test_a_token_and_the_system_are_not_asked_to_sign_in_again(permission: Permission) -> None:
    assert access.fresh(TOKEN, permission, NOW)
    assert access.fresh(SYSTEM, permission, NOW)


def test_what_signs_or_takes_data_out_asks_for_a_fresh_sign_in() -> None:
    assert {Permission.SIGN_ENDORSEMENT, Permission.REVOKE_ENDORSEMENT, Permission.EXPORT} <= set(FRESH)


def test_what_is_not_marked_asks_for_no_fresh_sign_in() -> None:
    old = replace(SESSION, authenticated_at=None)
    assert all(access.fresh(old, permission, NOW) for permission in POLICY if permission not in FRESH)


def test_a_fresh_rule_without_a_scope_is_for_sessions_alone() -> None:
    rule = replace(POLICY[Permission.SIGN_ENDORSEMENT], scope=None)
    assert rule.admits(SESSION)
    assert not rule.admits(TOKEN)


def test_what_is_for_an_account_is_for_no_token() -> None:
    rule = access.Rule(None, account=True)
    assert rule.admits(Actor(account_id=UUID(int=2), login_id=UUID(int=3)))
    assert not rule.admits(TOKEN)
    assert not rule.admits(ANONYMOUS)


@pytest.mark.parametrize("role", Role)
def test_a_role_gives_the_scopes_that_it_can_use_itself(role: Role) -> None:
    usable = {rule.scope for rule in POLICY.values() if rule.scope is not None and role in rule.roles}
    assert SCOPES_OF[role] == usable | {Scope.SPEC_READ}
    assert Scope.LEARNER_SELF not in SCOPES_OF[role]


def test_nobody_gives_more_than_they_hold() -> None:
    assert access.scopes_to_give(SESSION) == SCOPES_OF[Role.SIGNATORY]
    narrow = replace(TOKEN, scopes=frozenset({Scope.SPEC_READ, Scope.AWARD_WRITE}))
    assert access.scopes_to_give(narrow) == {Scope.SPEC_READ}
    assert access.scopes_to_give(ANONYMOUS) == frozenset()
    assert access.scopes_to_give(Actor(learner_id=7, login_id=UUID(int=3))) == {Scope.LEARNER_SELF}


def test_a_session_is_somebody() -> None:
    assert SESSION.known
    assert TOKEN.known
    assert not ANONYMOUS.known


OUTSIDER = replace(TOKEN, organization_id=UUID(int=9))
LACKS: list[tuple[Actor, Permission, Lack]] = [
    (ANONYMOUS, Permission.SIGN_ENDORSEMENT, Lack.SIGN_IN),
    (replace(TOKEN, scopes=frozenset()), Permission.SIGN_ENDORSEMENT, Lack.SCOPE),
    (replace(TOKEN, roles=frozenset({Role.REVIEWER})), Permission.SIGN_ENDORSEMENT, Lack.ROLE),
    (replace(TOKEN, organization_kind=OrganizationKind.SCHOOL), Permission.SIGN_ENDORSEMENT, Lack.KIND),
    (TOKEN, Permission.SET_CONSENT, Lack.LEARNER),
    (TOKEN, Permission.IMPORT, Lack.OPERATOR),
    (OUTSIDER, Permission.SIGN_ENDORSEMENT, Lack.OWNER),
    (replace(SESSION, authenticated_at=None), Permission.SIGN_ENDORSEMENT, Lack.FRESH),
]


@pytest.mark.parametrize(("actor", "permission", "lack"), LACKS)
def test_a_denial_names_the_rule_and_what_was_lacking(actor: Actor, permission: Permission, lack: Lack) -> None:
    decision = access.decide(actor, permission, owner=HOUSE if actor is OUTSIDER else None, now=NOW)
    assert isinstance(decision, Deny)
    assert (decision.rule, decision.lack) == (f"{permission.value}:{lack.value}", lack)
    assert decision.why


def test_what_is_allowed_says_what_is_left_to_ask_of_each_row() -> None:
    assert access.decide(SESSION, Permission.SIGN_ENDORSEMENT, now=NOW) == Allow(
        "{t}.organization_id = {actor_organization}"
    )
    assert access.decide(SESSION, Permission.SIGN_ENDORSEMENT, owner=HOUSE, now=NOW) == Allow("true")
    learner = Actor(learner_id=7, token_id=UUID(int=4), scopes=frozenset({Scope.LEARNER_SELF}))
    assert access.decide(learner, Permission.SET_CONSENT) == Allow("{t}.learner_id = {actor_learner}")
    assert access.decide(SYSTEM, Permission.IMPORT, owner=HOUSE) == Allow()


def test_every_permission_has_a_line_and_every_line_is_met_by_somebody() -> None:
    assert set(POLICY) == set(Permission)
    for permission, rule in POLICY.items():
        holder = replace(SESSION, roles=rule.roles, organization_kind=next(iter(rule.kinds), None), learner_id=7)
        assert rule.system_only or access.allows(holder, permission), permission
