"""What a client may still spend: its budget as the edge charged it for this very operation."""

from datetime import datetime
from typing import Optional

import strawberry

from countersign.kit.sight import CALLER
from countersign.kit.view import View
from countersign.reads.bind import bound, column, one

BUDGET = View("budget", source="", seen=(CALLER,))


@bound(BUDGET, description="Your budget: what you may spend at once, and what is left of it. It fills up by itself.")
class RateLimit:
    """A budget."""

    limit: int = column(sql="{budget_limit}", description="How many points you may spend at once.")
    remaining: int = column(
        sql="{budget_remaining}",
        description="How many are left after the price of this operation; what it does not use comes back.",
    )
    reset_at: datetime = column(
        sql="{now} + make_interval(secs => {budget_reset})", description="When it is full again, if you ask no more."
    )
    cost: int = column(sql="{budget_cost}", description="The price of this operation: the most that it may cost.")


@strawberry.type
class RateLimitQueries:
    """Root fields."""

    rate_limit: Optional["RateLimit"] = one(
        on="{budget_limit} is not null",
        description="Your organization's budget (a learner's own; of strangers, that of their network).",
    )
