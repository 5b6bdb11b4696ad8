"""Who may be invited as what, and who may not go."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from countersign.kit.access import OrganizationKind, Role
from countersign.kit.errors import Invalid, Refusal, Required, TooLong
from countersign.organizations.rules_members import (
    ROLES_OF,
    LastAdmin,
    address_digest,
    check_admins,
    check_roles,
    invitation_end,
    is_secret,
    mint_secret,
    secret_digest,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ADMIN = frozenset({Role.ORG_ADMIN, Role.AUTHOR})
OTHER = frozenset({Role.AUTHOR})


@pytest.mark.parametrize("kind", OrganizationKind)
@pytest.mark.parametrize("role", Role)
def test_a_role_is_given_only_where_it_means_something(kind: OrganizationKind, role: Role) -> None:
    if role in ROLES_OF[kind]:
        check_roles(frozenset({role}), kind)
    else:
        with pytest.raises(Invalid, match=role.value):
            check_roles(frozenset({role, Role.ORG_ADMIN}), kind)


def test_every_organization_has_admins_and_nobody_is_invited_for_nothing() -> None:
    assert all(Role.ORG_ADMIN in roles for roles in ROLES_OF.values())
    with pytest.raises(Required):
        check_roles(frozenset(), OrganizationKind.SCHOOL)


@pytest.mark.parametrize(
    ("before", "after", "others", "may"),
    [
        (ADMIN, frozenset(), 0, False),
        (ADMIN, OTHER, 0, False),
        (ADMIN, ADMIN, 0, True),
        (ADMIN, frozenset(), 1, True),
        (ADMIN, OTHER, 1, True),
        (OTHER, frozenset(), 0, True),
        (OTHER, ADMIN, 0, True),
    ],
)
def test_the_last_admin_stays(before: frozenset[Role], after: frozenset[Role], others: int, may: bool) -> None:
    if may:
        check_admins(before, after, others)
    else:
        with pytest.raises(LastAdmin):
            check_admins(before, after, others)


def test_an_invitation_has_256_random_bits_and_only_their_digest_is_kept() -> None:
    first, second = mint_secret(), mint_secret()
    assert first.text != second.text
    assert is_secret(first.text)
    assert first.sha256 == hashlib.sha256(first.text.encode()).digest() == secret_digest(first.text)
    for wrong in ("", first.text[:-1], first.text + "A", "csin_" + "?" * 43, first.text.removeprefix("csin_"), "\x00"):
        assert not is_secret(wrong)


def test_an_address_is_the_same_however_it_is_written() -> None:
    digest = address_digest("  Anna@Example.COM ")
    assert digest == hashlib.sha256(b"anna@example.com").digest()


@pytest.mark.parametrize(
    ("address", "refusal"),
    [("", Invalid), ("anna", Invalid), ("@x", Invalid), ("a b@x.y", Invalid), ("a@" + "x" * 260, TooLong)],
)
def test_what_is_no_address_is_refused(address: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as caught:
        address_digest(address)
    assert caught.value.path == ("address",)


def test_an_invitation_runs_out_within_thirty_days() -> None:
    assert invitation_end(None, NOW) == NOW + 7 * DAY
    assert invitation_end(NOW + 30 * DAY, NOW) == NOW + 30 * DAY
    for wrong in (NOW, NOW - DAY, NOW + 31 * DAY):
        with pytest.raises(Invalid):
            invitation_end(wrong, NOW)
