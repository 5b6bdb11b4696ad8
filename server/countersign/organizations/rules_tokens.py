"""What a token may be made for, from where it is good, and how it is replaced. Pure: no rows, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from countersign.kit.access import Scope
from countersign.kit.errors import Code, Invalid, Refusal, Required, TooLong

LONGEST_LIFE: Final = timedelta(days=366)
USUAL_LIFE: Final = timedelta(days=90)
LONGEST_GRACE: Final = timedelta(days=7)
NAME_LIMIT: Final = 100
NETWORKS_LIMIT: Final = 20
MOST_OF_A_MEMBER: Final = 50
"""Tokens of one member, for one organization, that are good at a time."""
MOST_OF_AN_ORGANIZATION: Final = 500

Network: TypeAlias = IPv4Network | IPv6Network


class BeyondYourself(Refusal):
    """A token is never made for more than its maker may do; beyond you: {what}."""

    code = Code.NOT_ALLOWED


class OutlivesItsMaker(Refusal):
    """A token that is made with a token ends with it at the latest: {until}."""

    code = Code.NOT_ALLOWED


class TokenEnded(Refusal):
    """This token has ended, or was rolled before: make a new one."""

    code = Code.INVALID_STATE


class TooManyTokens(Refusal):
    """{whose} may have {limit} tokens at a time: revoke one, or roll one without grace."""

    code = Code.QUOTA_EXCEEDED


@dataclass(frozen=True, slots=True)
class Maker:
    """What the one who makes a token may hand on: scopes and, when it is a token itself, its end and its networks."""

    scopes: frozenset[Scope]
    until: datetime | None = None
    networks: tuple[str, ...] = ()


def check_name(name: str) -> None:
    """Refuse a name that is empty, long or has control characters in it."""
    if not name.strip():
        raise Required(what="A name", path=("name",))
    if len(name) > NAME_LIMIT:
        raise TooLong(what="The name", limit=NAME_LIMIT, path=("name",))
    if not name.isprintable():
        raise Invalid(problem="A name is one line of printable characters", path=("name",))


def check_scopes(wanted: frozenset[Scope], maker: Maker) -> None:
    """Refuse no scopes at all, and any that the maker does not hold."""
    if not wanted:
        raise Required(what="At least one scope", path=("scopes",))
    if beyond := wanted - maker.scopes:
        raise BeyondYourself(what=", ".join(sorted(scope.value for scope in beyond)), path=("scopes",))


def check_end(until: datetime | None, now: datetime, maker: Maker) -> datetime:
    """When a new token ends: as asked, in 90 days when not; refuses the past, more than a year, more than its maker."""
    ends = until if until is not None else now + USUAL_LIFE
    if until is None and maker.until is not None:
        ends = min(ends, maker.until)
    if not now < ends <= now + LONGEST_LIFE:
        raise Invalid(problem="A token ends in the future, and within a year", path=("expiresAt",))
    if maker.until is not None and ends > maker.until:
        raise OutlivesItsMaker(until=maker.until.isoformat(timespec="seconds"), path=("expiresAt",))
    return ends


def check_networks(wanted: Sequence[str], maker: Maker) -> tuple[str, ...]:
    """The networks in their usual spelling; those of the maker when none are asked for.

    Refuses what is no network in CIDR notation (RFC 4632, RFC 4291; a bare address is one), more than twenty, and one
    from where the maker is not good itself.
    """
    if not wanted:
        return maker.networks
    if len(wanted) > NETWORKS_LIMIT:
        raise Invalid(problem=f"A token has at most {NETWORKS_LIMIT} networks", path=("networks",))
    found = [_network(text, number) for number, text in enumerate(wanted)]
    allowed = [ip_network(text) for text in maker.networks]
    for number, network in enumerate(found):
        if allowed and not any(_inside(network, other) for other in allowed):
            raise BeyondYourself(what=str(network), path=("networks", number))
    return tuple(dict.fromkeys(str(network) for network in found))


def _network(text: str, number: int) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        problem = f"{text[:60]!r} is not a network such as 203.0.113.0/24 or 2001:db8::/32"
        raise Invalid(problem=problem, path=("networks", number)) from None


def _inside(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)


def good_from(networks: Iterable[str] | None, address: str | None) -> bool:
    """Whether a token with these networks (none: everywhere) is good for who comes from an address.

    An address that is unknown or malformed is in no network; an IPv4 address may come as IPv6 (RFC 4291, 2.5.5.2).
    """
    if not networks:
        return True
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ip_network(text) for text in networks)


def check_grace(grace: timedelta) -> None:
    """Refuse to keep a rolled token for less than nothing or more than seven days."""
    if not timedelta(0) <= grace <= LONGEST_GRACE:
        raise Invalid(problem="A rolled token stays good for 0 to 7 days", path=("graceDays",))


def end_of_successor(created: datetime, expires: datetime, now: datetime) -> datetime:
    """When the token that replaces another ends: as long from now as the old one was made for."""
    return now + min(expires - created, LONGEST_LIFE)


def check_room(of_member: int, of_organization: int) -> None:
    """Refuse one more token beside so many that are good. Raises TooManyTokens."""
    if of_member >= MOST_OF_A_MEMBER:
        raise TooManyTokens(whose="A member", limit=MOST_OF_A_MEMBER)
    if of_organization >= MOST_OF_AN_ORGANIZATION:
        raise TooManyTokens(whose="An organization", limit=MOST_OF_AN_ORGANIZATION)
