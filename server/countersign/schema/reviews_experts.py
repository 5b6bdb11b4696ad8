"""Outside experts at the front desk: invited by a link to write one review for an organization."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from countersign.reads.bind import bound, column, one
from countersign.reviews.views import REVIEW_EXPERT
from countersign.schema.base import Node

if TYPE_CHECKING:
    from countersign.schema.reviews import ReviewRequest


@bound(REVIEW_EXPERT, description="An outside expert who writes one review; nothing is kept of who they are.")
class ReviewExpert(Node):
    """An outside expert who writes one review."""

    invited_at: datetime = column(description="When they were invited.")
    expires_at: datetime = column(description="Until when the link is good.")
    withdrawn_at: datetime | None = column(description="When the link was ended before its time.")
    first_used_at: datetime | None = column(description="When something was first written with the link.")
    active: bool = column(description="Whether the link is good now.")
    request: Optional[Annotated["ReviewRequest", strawberry.lazy("countersign.schema.reviews")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.request_id", description="The review request that they were invited to."
    )
