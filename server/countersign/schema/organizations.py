"""Organizations at the front desk: schools, employers, agencies."""

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from countersign.organizations.views import ORGANIZATION, VERIFIED_DOMAINS
from countersign.reads.bind import arg, bound, column, connection, find, one
from countersign.reads.orders import Order, Orders
from countersign.schema.base import Connection, Node
from countersign.schema.endorsement_lists import ENDORSEMENT_FILTERS, ENDORSEMENT_ORDERS, EndorsementFilter
from countersign.schema.scalars import URL, CountryCode

if TYPE_CHECKING:
    from countersign.schema.endorsements import Endorsement
    from countersign.schema.pledges import KeptPromises


@strawberry.enum(description="What an organization is here for.")
class OrganizationKind(enum.Enum):
    """What an organization is here for."""

    SCHOOL = strawberry.enum_value("school", description="It teaches, publishes specs and awards them.")
    EMPLOYER = strawberry.enum_value("employer", description="It hires, reviews specs and endorses them.")
    AGENCY = strawberry.enum_value("agency", description="It reviews and endorses for a branch or a region.")
    PLATFORM = strawberry.enum_value("platform", description="It runs this installation.")


@strawberry.enum(description="How well an organization's identity is known.")
class Verification(enum.Enum):
    """How well an organization's identity is known."""

    UNVERIFIED = strawberry.enum_value("unverified", description="Nobody has checked it.")
    DOMAIN_VERIFIED = strawberry.enum_value("domain_verified", description="It controls one of its domains.")
    VERIFIED = strawberry.enum_value("verified", description="Its legal identity was checked.")
    SUSPENDED = strawberry.enum_value("suspended", description="It may not act at present.")


ORGANIZATION_ORDERS = Orders(
    "OrganizationOrder",
    NAME=Order("{child}.display_name", "text", "By the name that is shown."),
    CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of registration."),
)


@strawberry.input(description="Which organizations; all conditions must hold.")
class OrganizationFilter:
    """Which organizations."""

    kind: OrganizationKind | None = strawberry.field(default=strawberry.UNSET, description="Only of this kind.")
    country: CountryCode | None = strawberry.field(default=strawberry.UNSET, description="Only from this country.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that belong to this organization."
    )


@strawberry.input(one_of=True, description="How to name one organization: by exactly one of these.")
class OrganizationBy:
    """How to name one organization."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    handle: str | None = strawberry.field(default=strawberry.UNSET, description="Its handle.")


ORGANIZATION_FILTERS = {
    "filter.kind": "{child}.kind = {value:text}",
    "filter.country": "{child}.country = {value:text}",
    "filter.parentId": "{child}.parent_id = {value:id(org)}",
}


@bound(ORGANIZATION, description="A school, an employer or an agency.", keys=("id", "handle"))
class Organization(Node):
    """A school, an employer or an agency."""

    handle: str = column(description="Its short name in addresses; it never changes.")
    kind: OrganizationKind = column(description="What it is here for.")
    display_name: str = column(description="The name that is shown.")
    legal_name: str = column(description="The name in its register.")
    mixed_scripts: bool = column(
        description="Whether a word of its names mixes Latin with Greek or Cyrillic letters, as look-alikes do."
    )
    country: CountryCode = column(description="The country of its seat.")
    url: URL | None = column(description="Its own site.")
    domains: list[str] = column(description="The internet domains that it claims.")
    verified_domains: list[str] = column(
        sql=VERIFIED_DOMAINS, description="Those of them that say so themselves, asked every day."
    )
    verification: Verification = column(description="How well its identity is known.")
    fictional: bool = column(description="Whether it was made up for a demonstration.")
    did: str = column(description="Its decentralized identifier (did:web), under which its signatures verify.")
    created_at: datetime = column(description="When it was registered.")
    parent: Optional["Organization"] = one(
        on="{child}.id = {parent}.parent_id", description="The organization that it belongs to."
    )
    subsidiaries: Connection["Organization"] = connection(
        on="{child}.parent_id = {parent}.id",
        orders=ORGANIZATION_ORDERS,
        where=ORGANIZATION_FILTERS,
        args={"filter": arg(OrganizationFilter | None, "Which of them.")},
        description="The organizations that belong to it.",
    )
    endorsements_given: Connection[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = (
        connection(
            on="{child}.organization_id = {parent}.id",
            orders=ENDORSEMENT_ORDERS,
            where=ENDORSEMENT_FILTERS,
            args={"filter": arg(EndorsementFilter | None, "Which of them.")},
            description="The endorsements that it gave.",
        )
    )
    kept_promises: Annotated["KeptPromises", strawberry.lazy("countersign.schema.pledges")] = one(
        description="How it kept its hiring pledges, with what the rate means."
    )


@strawberry.type
class OrganizationQueries:
    """Root fields."""

    organization: Organization | None = find(
        by_id=False,
        args={"by": arg(OrganizationBy, "Which one.")},
        where={"by.id": "{child}.id = {value:id(org)}", "by.handle": "{child}.handle = {value:text}"},
        description="One organization, or null when there is none that you may see.",
    )
    organizations: Connection[Organization] = connection(
        orders=ORGANIZATION_ORDERS,
        where=ORGANIZATION_FILTERS,
        args={"filter": arg(OrganizationFilter | None, "Which of them.")},
        description="Organizations.",
    )
