"""Organization tokens at the front desk: made, listed, rolled, revoked."""

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Optional

import strawberry

from countersign.kit.access import Actor, Permission, Scope
from countersign.kit.commands import Made
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.organizations import tokens
from countersign.organizations.views import API_TOKEN
from countersign.reads.bind import arg, bound, column, connection, entity, find, one, secret
from countersign.reads.orders import Order, Orders
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.members import Membership
from countersign.schema.organizations import Organization
from countersign.schema.problems import QuotaExceededError, StepUpRequiredError


@strawberry.enum(description="What a token is made for.")
class TokenScope(enum.Enum):
    """What a token is made for: the scopes of `kit.access` that a member can give."""

    SPEC_READ = strawberry.enum_value("spec_read", description="Read what the member may read.")
    SPEC_WRITE = strawberry.enum_value("spec_write", description="Write and publish specs, ask for reviews.")
    REVIEW_WRITE = strawberry.enum_value("review_write", description="Review.")
    EVIDENCE_WRITE = strawberry.enum_value(
        "evidence_write", description="Reserve, redeem and release pledged seats, answer drift alarms."
    )
    ENDORSE_SIGN = strawberry.enum_value("endorse_sign", description="Sign and revoke endorsements.")
    AWARD_WRITE = strawberry.enum_value("award_write", description="Issue and revoke awards.")
    STACK_WRITE = strawberry.enum_value("stack_write", description="Name stacks.")
    SEARCH_READ = strawberry.enum_value("search_read", description="Search candidates.")
    EXPORT_READ = strawberry.enum_value("export_read", description="Take lists out as files.")
    ORGANIZATION_WRITE = strawberry.enum_value(
        "organization_write", description="Claim domains, say whom the organization belongs with, propose and approve."
    )
    TOKEN_WRITE = strawberry.enum_value("token_write", description="See, make, roll and revoke tokens.")
    MEMBER_WRITE = strawberry.enum_value("member_write", description="See invitations, invite and manage members.")


@strawberry.enum(description="Where a token stands.")
class TokenState(enum.Enum):
    """Where a token stands."""

    GOOD = strawberry.enum_value("good", description="It can be used.")
    EXPIRED = strawberry.enum_value("expired", description="Its time ran out.")
    REVOKED = strawberry.enum_value("revoked", description="Somebody revoked it.")
    ROLLED = strawberry.enum_value("rolled", description="Another one took its place at once.")
    LEAKED = strawberry.enum_value("leaked", description="It was found in public, and ended.")
    MEMBERSHIP_ENDED = strawberry.enum_value("membership_ended", description="Its maker is no member any more.")


@bound(API_TOKEN, description="A token with which a program acts for its maker. Its text is shown once and never kept.")
class ApiToken(Node):
    """A token of a member."""

    name: str = column(description="What its maker calls it.")
    prefix: str = column(description="How its text begins: ctsk_ in production, ctst_ elsewhere, ctsd_ in the demo.")
    last_four: str = column(description="The last four characters of its text.")
    state: TokenState = column(description="Where it stands now.")
    scopes: list[TokenScope] = column(description="What it was made for; its maker's roles of the moment limit it.")
    networks: list[str] = column(description="The networks from which alone it is good; empty for everywhere.")
    created_at: datetime = column(description="When it was made.")
    expires_at: datetime = column(description="When it ends.")
    revoked_at: datetime | None = column(description="When it was ended.")
    last_used_at: datetime | None = column(description="When it was last used, to the minute.")
    yours: bool = column(description="Whether you made it.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization for which it acts."
    )
    maker: Membership | None = one(
        on="{child}.organization_id = {parent}.organization_id and {child}.person_id = {parent}.person_id",
        order="{child}.valid_from desc, {child}.id desc",
        description="The member who made it.",
    )
    replaces: Optional["ApiToken"] = one(
        on="{child}.id = {parent}.replaces_id", description="The token in whose place it came."
    )
    replaced_by: Optional["ApiToken"] = one(
        on="{child}.replaces_id = {parent}.id", description="The token that came in its place."
    )


TOKEN_ORDERS = Orders(
    "ApiTokenOrder",
    CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."),
    EXPIRES_AT=Order("{child}.expires_at", "timestamptz", "By the end."),
    descending=True,
)


@strawberry.input(description="Which tokens; all conditions must hold.")
class ApiTokenFilter:
    """Which tokens."""

    state: TokenState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    yours: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that you made, or only those of others."
    )


def _filter(name: str, type_: str) -> str:
    return API_TOKEN.columns[name].replace("{t}", "{child}") + f" = {{value:{type_}}}"


@strawberry.type
class TokenQueries:
    """Root fields."""

    tokens: Connection[ApiToken] = connection(
        orders=TOKEN_ORDERS,
        where={"filter.state": _filter("state", "text"), "filter.yours": _filter("yours", "boolean")},
        args={"filter": arg(ApiTokenFilter | None, "Which of them.")},
        requires=Permission.READ_TOKENS,
        description="The tokens that you made; for admins and auditors, all of the organization. The newest first.",
    )
    token: ApiToken | None = find(requires=Permission.READ_TOKENS, description="One token that you may see.")


@strawberry.input(description="What a new token is for.")
class CreateTokenInput(CommandInput):
    """What a new token is for."""

    name: str = strawberry.field(description="What you call it: where it is used, for example.")
    scopes: list[TokenScope] = strawberry.field(description="What it may do; never more than you.")
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it ends, within a year; in 90 days if left out."
    )
    networks: list[str] = strawberry.field(
        default_factory=list,
        description="Networks from which alone it is good, such as 203.0.113.0/24; everywhere if left out.",
    )


@strawberry.input(description="A token to be replaced.")
class RollTokenInput(CommandInput):
    """A token to be replaced."""

    token_id: strawberry.ID = strawberry.field(description="Your token.")
    grace_days: int = strawberry.field(default=1, description="How many days the old one stays good, 0 to 7.")


@strawberry.input(description="A token to end.")
class RevokeTokenInput(CommandInput):
    """A token to end."""

    token_id: strawberry.ID = strawberry.field(description="Your token or, as an admin, a colleague's.")


_ONCE = "The token, shown this once: keep it now. Null when the mutation is repeated with its idempotency key."


@payload(
    description="The new token, and its text, which is shown this once.",
    errors=(StepUpRequiredError, QuotaExceededError),
)
class CreateTokenPayload:
    """The new token."""

    token: ApiToken | None = entity(description="The new token.")
    text: str | None = secret(description=_ONCE)


@payload(
    description="The token that takes the other's place, and its text.",
    errors=(StepUpRequiredError, QuotaExceededError),
)
class RollTokenPayload:
    """The token that takes the other's place."""

    token: ApiToken | None = entity(description="The token that takes the other's place.")
    text: str | None = secret(description=_ONCE)


@payload(description="The token that has ended.")
class RevokeTokenPayload:
    """The token that has ended."""

    token: ApiToken | None = entity(description="The token that has ended.")


async def _create(tx: Tx, actor: Actor, given: CreateTokenInput, tools: Tools) -> Made:
    wanted = tokens.CreateToken(
        name=given.name,
        scopes=frozenset(Scope[scope.name] for scope in given.scopes),
        mode=tools.mode,
        expires_at=given.expires_at or None,
        networks=tuple(given.networks),
    )
    made, text = await tokens.create(tx, actor, wanted)
    return Made({"token": public_id("token", made)}, {"text": text})


async def _roll(tx: Tx, actor: Actor, given: RollTokenInput, tools: Tools) -> Made:
    key = reference(given.token_id, "token", "token", "tokenId")
    wanted = tokens.RollToken(key, tools.mode, timedelta(days=given.grace_days))
    made, text = await tokens.roll(tx, actor, wanted)
    return Made({"token": public_id("token", made)}, {"text": text})


async def _revoke(tx: Tx, actor: Actor, given: RevokeTokenInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.token_id, "token", "token", "tokenId")
    return {"token": public_id("token", await tokens.revoke(tx, actor, key))}


@strawberry.type
class TokenMutations:
    """Root fields."""

    create_token: CreateTokenPayload | None = command(
        CreateTokenInput,
        _create,
        permission=Permission.CREATE_TOKEN,
        lock=Lock.CREATES,
        description="Make a token with which a program acts for you, for the organization for which you act now; you"
        " may have 50 at a time, the organization 500.",
    )
    roll_token: RollTokenPayload | None = command(
        RollTokenInput,
        _roll,
        permission=Permission.CREATE_TOKEN,
        lock=Lock.STATE,
        because="a token is replaced once, and what the old one was made for is only taken over",
        description="Replace a token by a new one that may do the same; the old one stays good for a while.",
    )
    revoke_token: RevokeTokenPayload | None = command(
        RevokeTokenInput,
        _revoke,
        permission=Permission.REVOKE_TOKEN,
        lock=Lock.STATE,
        because="an end is final",
        description="End a token at once; its open sockets close within a second.",
    )
