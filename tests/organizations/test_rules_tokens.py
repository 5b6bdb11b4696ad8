"""What a token may be made for: never more than its maker, never for ever, from where its maker says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from countersign.kit.access import SCOPES_OF, Role, Scope
from countersign.kit.errors import Invalid, Refusal, Required, TooLong
from countersign.organizations.rules_tokens import (
    LONGEST_GRACE,
    LONGEST_LIFE,
    USUAL_LIFE,
    BeyondYourself,
    Maker,
    OutlivesItsMaker,
    TooManyTokens,
    check_end,
    check_grace,
    check_name,
    check_networks,
    check_room,
    check_scopes,
    end_of_successor,
    good_from,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EVERYTHING = Maker(frozenset(Scope))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", Scope)
def test_a_scope_is_given_exactly_by_whose_role_holds_it(role: Role, scope: Scope) -> None:
    maker = Maker(SCOPES_OF[role])
    if scope in SCOPES_OF[role]:
        check_scopes(frozenset({scope}), maker)
    else:
        with pytest.raises(BeyondYourself, match=scope.value) as caught:
            check_scopes(frozenset({scope, Scope.SPEC_READ}), maker)
        assert caught.value.path == ("scopes",)


def test_a_token_without_scopes_is_no_token() -> None:
    with pytest.raises(Required):
        check_scopes(frozenset(), EVERYTHING)


def test_a_token_ends_within_a_year_and_in_90_days_unless_it_is_said() -> None:
    assert check_end(None, NOW, EVERYTHING) == NOW + USUAL_LIFE
    assert check_end(NOW + LONGEST_LIFE, NOW, EVERYTHING) == NOW + LONGEST_LIFE
    for wrong in (NOW, NOW - DAY, NOW + LONGEST_LIFE + timedelta(seconds=1)):
        with pytest.raises(Invalid):
            check_end(wrong, NOW, EVERYTHING)


def test_a_token_that_a_token_makes_ends_with_it_at_the_latest() -> None:
    maker = Maker(frozenset(Scope), until=NOW + 10 * DAY)
    assert check_end(None, NOW, maker) == NOW + 10 * DAY
    assert check_end(NOW + DAY, NOW, maker) == NOW + DAY
    with pytest.raises(OutlivesItsMaker):
        check_end(NOW + 11 * DAY, NOW, maker)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["203.0.113.0/24"], ("203.0.113.0/24",)),
        (["203.0.113.7"], ("203.0.113.7/32",)),
        (["2001:DB8::/32", "2001:db8::/32"], ("2001:db8::/32",)),
        ([], ()),
    ],
)
def test_networks_are_kept_in_their_usual_spelling(given: list[str], kept: tuple[str, ...]) -> None:
    assert check_networks(given, EVERYTHING) == kept


@pytest.mark.parametrize("wrong", ["", "here", "203.0.113.9/24", "203.0.113.0/33", "1.2.3", "::1/129", "0.0.0.0/0 "])
def test_what_is_no_network_is_refused_at_its_place(wrong: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_networks(["203.0.113.0/24", wrong], EVERYTHING)
    assert caught.value.path == ("networks", 1)


def test_twenty_networks_are_enough() -> None:
    with pytest.raises(Invalid):
        check_networks([f"10.0.{n}.0/24" for n in range(21)], EVERYTHING)


def test_a_token_bound_to_networks_makes_none_that_is_good_elsewhere() -> None:
    maker = Maker(frozenset(Scope), networks=("10.0.0.0/8", "2001:db8::/32"))
    assert check_networks([], maker) == maker.networks
    assert check_networks(["10.1.0.0/16"], maker) == ("10.1.0.0/16",)
    for wider in ("0.0.0.0/0", "11.0.0.0/8", "2001::/16"):
        with pytest.raises(BeyondYourself):
            check_networks([wider], maker)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::7", True),
        ("fe80::1%eth0", False),
        ("11.0.0.1", False),
        ("::ffff:11.0.0.1", False),
        ("", False),
        (None, False),
        ("testclient", False),
    ],
)
def test_a_token_is_good_from_its_networks_alone(address: str | None, good: bool) -> None:
    assert good_from(["10.0.0.0/8", "2001:db8::/32"], address) is good
    assert good_from(None, address)
    assert good_from([], address)


def test_a_rolled_token_stays_good_for_seven_days_at_most() -> None:
    for fine in (timedelta(0), DAY, LONGEST_GRACE):
        check_grace(fine)
    for wrong in (-DAY, LONGEST_GRACE + DAY):
        with pytest.raises(Invalid):
            check_grace(wrong)


def test_the_successor_lives_as_long_as_its_predecessor_was_made_for() -> None:
    assert end_of_successor(NOW - 80 * DAY, NOW + 10 * DAY, NOW) == NOW + 90 * DAY


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("", Required), ("  ", Required), ("x" * 101, TooLong), ("a\nb", Invalid), ("\u202e", Invalid)],
)
def test_a_name_is_one_short_line(name: str, refusal: type[Refusal]) -> None:
    check_name("Nightly import")
    with pytest.raises(refusal):
        check_name(name)


@pytest.mark.parametrize(
    ("of_member", "of_organization", "whose"),
    [(49, 499, None), (50, 50, "A member"), (0, 500, "An organization"), (50, 500, "A member")],
)
def test_there_is_room_for_so_many_tokens(of_member: int, of_organization: int, whose: str | None) -> None:
    if whose is None:
        check_room(of_member, of_organization)
        return
    with pytest.raises(TooManyTokens, match=whose):
        check_room(of_member, of_organization)
