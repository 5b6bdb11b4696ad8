"""What the transparency log covers of this room beside policies: ties that decide who is too near to judge."""

from __future__ import annotations

from typing import Final

from countersign.log.sources import Source

LINKS: Final = Source(
    kind="ownership_link",
    subject="lnk_{0}",
    sql="""
        select 'lnk_' || l.id as subject, l.holder_id as organization_id, null::bytea as content, row(
            l.id, l.holder_id, l.held_id, l.kind, l.state, l.declared_by, l.declared_at, l.confirmed_at, l.ended_at
        )::text as facts
        from ownership_links l where true""",
    key="l.id = $1",
    late=True,
)
"""Who holds whom, who said so, and where it stands."""

TOOLS: Final = Source(
    kind="tool_maker",
    subject="mak_{0}",
    sql="""
        select 'mak_' || m.id as subject, m.organization_id, null::bytea as content, row(
            m.id, m.organization_id, m.name, m.key, m.declared_by, m.declared_at, m.ended_at)::text as facts
        from tool_makers m where true""",
    key="m.id = $1",
    late=True,
)
"""Who makes which tool, and until when it said so."""

SPONSORSHIPS: Final = Source(
    kind="sponsorship",
    subject="spo_{0}",
    sql="""
        select 'spo_' || s.id as subject, s.sponsor_id as organization_id, null::bytea as content, row(
            s.id, s.sponsor_id, s.sponsored_id, s.since, s.until, s.declared_by, s.declared_at)::text as facts
        from sponsorships s where true""",
    key="s.id = $1",
    late=True,
)
"""Who pays whom, from and until."""
