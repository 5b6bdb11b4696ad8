"""Domains at the front desk: an organization says which are its own, and they say it too."""

import enum
from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.organizations import domains
from countersign.organizations.views import DOMAIN_CLAIM
from countersign.reads.bind import bound, column, connection, entity, find
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.scalars import URL


@strawberry.enum(description="Where a claim to a domain stands.")
class DomainClaimState(enum.Enum):
    """Where a claim to a domain stands."""

    PENDING = strawberry.enum_value("pending", description="The domain has not said it yet.")
    VERIFIED = strawberry.enum_value("verified", description="The domain says it; it is asked again every day.")
    LOST = strawberry.enum_value(
        "lost", description="It said it once and does so no more, three times in a row, or is out of reach for a week."
    )
    WITHDRAWN = strawberry.enum_value("withdrawn", description="The organization took the claim back.")


@strawberry.enum(description="How a domain says whose it is.")
class DomainProof(enum.Enum):
    """How a domain says whose it is."""

    DNS = strawberry.enum_value("dns", description="By a TXT record.")
    FILE = strawberry.enum_value("file", description="By a line of a file that it serves over https.")


@bound(DOMAIN_CLAIM, description="A domain that your organization says is its own.")
class DomainClaim(Node):
    """A domain that an organization says is its own."""

    domain: str = column(description="The domain.")
    state: DomainClaimState = column(description="Where the claim stands.")
    challenge: str = column(description="What the domain must say, in one of the two places: exactly this text.")
    record_name: str = column(description="The first place: a TXT record of this name.")
    file_url: URL = column(description="The second place: a line of the file at this address.")
    method: DomainProof | None = column(description="Where it said it last; null when it never did.")
    finding: str | None = column(description="Why it did not prove it when it was last asked; null when it did.")
    requested_at: datetime = column(description="When it was claimed.")
    checked_at: datetime | None = column(description="When it was last asked.")
    check_due_at: datetime | None = column(description="When it is asked next; null when only you have it asked.")
    verified_at: datetime | None = column(description="When it last proved it; null unless it is verified.")


@strawberry.type
class DomainQueries:
    """Root fields."""

    domain_claim: DomainClaim | None = find(
        description="A domain that your own organization claims.", requires=Permission.MANAGE_ORGANIZATION
    )
    domain_claims: Connection[DomainClaim] = connection(
        description="The domains that your own organization claims.", requires=Permission.MANAGE_ORGANIZATION
    )


@strawberry.input(description="Which domain is your organization's.")
class ClaimDomainInput(CommandInput):
    """A claim."""

    domain: str = strawberry.field(description="The domain, in small letters, such as acme.example.")


@strawberry.input(description="Which domain is asked now.")
class VerifyDomainInput(CommandInput):
    """A question."""

    domain_claim_id: strawberry.ID = strawberry.field(description="Your claim.")


@strawberry.input(description="Which claim you take back.")
class WithdrawDomainInput(CommandInput):
    """A withdrawal."""

    domain_claim_id: strawberry.ID = strawberry.field(description="Your claim.")


@payload(description="The claim.")
class ClaimDomainPayload:
    """The claim."""

    domain_claim: DomainClaim | None = entity(description="The claim, with what the domain must say and where.")


@payload(description="The claim, after the domain was asked.")
class VerifyDomainPayload:
    """The claim, after the domain was asked."""

    domain_claim: DomainClaim | None = entity(
        description="The claim: VERIFIED, or with a `finding`; unchanged when the domain takes longer than three"
        " seconds, then ask for it again."
    )


@payload(description="The claim that was taken back.")
class WithdrawDomainPayload:
    """The claim that was taken back."""

    domain_claim: DomainClaim | None = entity(description="The claim that was taken back.")


async def _claim(tx: Tx, actor: Actor, given: ClaimDomainInput, _tools: Tools) -> Mapping[str, str]:
    return {"domain_claim": public_id(DOMAIN_CLAIM.tag, await domains.claim(tx, actor, given.domain))}


async def _verify(tx: Tx, actor: Actor, given: VerifyDomainInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.domain_claim_id, DOMAIN_CLAIM.tag, "claim", "domainClaimId")
    return {"domain_claim": public_id(DOMAIN_CLAIM.tag, await domains.ask(tx, actor, key))}


async def _settle(tools: Tools, made: Mapping[str, str]) -> None:
    """The domain is asked before the answer is read, when that takes less than three seconds."""
    await domains.settle(tools.db, tools.fetcher, reference(made["domain_claim"], DOMAIN_CLAIM.tag, "claim"))


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawDomainInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.domain_claim_id, DOMAIN_CLAIM.tag, "claim", "domainClaimId")
    return {"domain_claim": public_id(DOMAIN_CLAIM.tag, await domains.withdraw(tx, actor, key))}


@strawberry.type
class DomainMutations:
    """Root fields."""

    claim_domain: ClaimDomainPayload | None = command(
        ClaimDomainInput,
        _claim,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.CREATES,
        description="Say that a domain is your organization's, and learn what the domain must say.",
    )
    verify_domain: VerifyDomainPayload | None = command(
        VerifyDomainInput,
        _verify,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="the domain's own answer decides, whoever asks and however often",
        description="Have the domain asked now: its TXT record first, then its file.",
        after=_settle,
    )
    withdraw_domain: WithdrawDomainPayload | None = command(
        WithdrawDomainInput,
        _withdraw,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="a claim is taken back once, and can be made again with the same challenge",
        description="Take a claim back: the domain no longer speaks for your organization.",
    )
