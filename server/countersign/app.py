"""The only composition: every room, the front desk and the edge come together here."""

from __future__ import annotations

from countersign.kit import audit, commands, installation, outbox
from countersign.kit.placement import Table, placed_tables
from countersign.learners import tables as learners_tables
from countersign.organizations import tables as organizations_tables
from countersign.search import tables as search_tables
from countersign.skills import tables as skills_tables
from countersign.specs import tables as specs_tables
from countersign.trust import tables as trust_tables

TABLE_MODULES = (
    audit,
    commands,
    installation,
    outbox,
    learners_tables,
    organizations_tables,
    search_tables,
    skills_tables,
    specs_tables,
    trust_tables,
)


def declare_tables() -> list[type[Table]]:
    """Every table of the product; importing this module has declared them."""
    return placed_tables()
