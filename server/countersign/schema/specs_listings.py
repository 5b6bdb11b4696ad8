"""Listings at the front desk: a real catalogue, listed and not validated."""

import enum
from datetime import date, datetime
from decimal import Decimal

import strawberry

from countersign.reads.bind import arg, bound, column, connection, find
from countersign.reads.orders import Order, Orders
from countersign.schema.base import Connection, Node
from countersign.schema.scalars import CountryCode, CurrencyCode
from countersign.specs.views import LISTING


@strawberry.enum(description="An element that a specification must state before it is published.")
class MandatoryElement(enum.Enum):
    """An element that a specification must state."""

    TITLE = strawberry.enum_value("title", description="The title.")
    DESCRIPTION = strawberry.enum_value("description", description="What a holder can do.")
    COUNTRY = strawberry.enum_value("country", description="The country of the awarding body.")
    AWARDING_BODY = strawberry.enum_value("awarding_body", description="The awarding body's legal name.")
    LEARNING_OUTCOMES = strawberry.enum_value("learning_outcomes", description="At least one learning outcome.")
    PRIMARY_OUTCOME = strawberry.enum_value("primary_outcome", description="Exactly one outcome marked as primary.")
    MEASURABLE_OUTCOME = strawberry.enum_value(
        "measurable_outcome", description="Criterion and threshold of the primary outcome."
    )
    WORKLOAD = strawberry.enum_value("workload", description="The notional workload in hours.")
    LEVEL = strawberry.enum_value("level", description="The EQF level, or that none applies.")
    ASSESSMENT_TYPE = strawberry.enum_value("assessment_type", description="The type of assessment.")
    ASSESSMENT = strawberry.enum_value("assessment", description="The credential's own assessment.")
    PARTICIPATION = strawberry.enum_value("participation", description="The form of participation.")
    QUALITY_ASSURANCE = strawberry.enum_value("quality_assurance", description="The type of quality assurance.")
    SKILLS = strawberry.enum_value("skills", description="At least one aligned skill.")


LISTING_ORDERS = Orders("ListingOrder", TITLE=Order("{child}.title", "text", "By title."))


@strawberry.input(description="Which listings; all conditions must hold.")
class ListingFilter:
    """Which listings."""

    search: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only those whose title, provider or field of study holds this text."
    )
    provider: str | None = strawberry.field(default=strawberry.UNSET, description="Only of this provider.")
    field_code: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only with this code of a field of study (CIP)."
    )
    longest_hours: int | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that state at most so many hours."
    )


LISTING_FILTERS = {
    "filter.search": (
        "strpos(lower({child}.title || ' ' || {child}.provider || ' ' || coalesce({child}.field_of_study, '')),"
        " lower({value:text})) > 0"
    ),
    "filter.provider": "{child}.provider = {value:text}",
    "filter.fieldCode": "{child}.field_code = {value:text}",
    "filter.longestHours": "{child}.workload_hours <= {value:int}",
}


@bound(
    LISTING,
    description="A real catalogue entry as imported: listed, not validated. It cannot be endorsed or awarded.",
    keys=("id",),
)
class Listing(Node):
    """A real catalogue entry as imported."""

    notice: str = column(description="What a reader must be told beside it.")
    source: str = column(description="The catalogue that it was imported from.")
    external_id: str = column(description="Its id in that catalogue.")
    provider: str = column(description="The provider's name as the catalogue has it; not an organization here.")
    place: str | None = column(description="Where the provider is.")
    country: CountryCode = column(description="The provider's country.")
    title: str = column(description="Its title.")
    description: str = column(description="What the catalogue says about it.")
    features: str | None = column(description="What the catalogue says beside that.")
    prerequisites: str | None = column(description="What a learner must bring.")
    field_code: str | None = column(description="The code of its field of study (CIP).")
    field_of_study: str | None = column(description="Its field of study.")
    workload_hours: Decimal | None = column(description="Clock hours, where stated.")
    length: str | None = column(description="Its calendar length in the catalogue's words.")
    price: Decimal | None = column(description="The total cost, where one above zero is stated.")
    currency: CurrencyCode | None = column(description="The currency of the price.")
    award: str | None = column(description="What the provider awards.")
    industry_credential: str | None = column(description="The industry credential that it prepares for.")
    accreditation: str | None = column(description="The provider's accreditation in the catalogue's words.")
    listed_on: date | None = column(description="When it was submitted to the catalogue.")
    gaps: list[MandatoryElement] = column(description="The mandatory elements that it does not state.")
    imported_at: datetime = column(description="When it was imported.")


@strawberry.type
class ListingQueries:
    """Root fields."""

    listing: Listing | None = find(description="One listing, or null when there is none.")
    listings: Connection[Listing] = connection(
        orders=LISTING_ORDERS,
        where=LISTING_FILTERS,
        args={"filter": arg(ListingFilter | None, "Which of them.")},
        description="Real courses of a public catalogue: listed, not validated.",
    )
