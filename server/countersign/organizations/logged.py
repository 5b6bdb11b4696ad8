"""What the transparency log covers of this room: who may speak for whom, and what organizations are known as."""

from __future__ import annotations

from typing import Final

from countersign.log.sources import Source

ORGANIZATIONS: Final = Source(
    kind="organization",
    subject="org_{0}",
    sql="""
        select 'org_' || o.id as subject, o.id as organization_id, null::bytea as content, row(
            o.id, o.kind, o.handle, o.legal_name, o.display_name, o.country, o.url, o.domains, o.parent_id,
            o.control_group, o.verification, o.fictional, o.created_at,
            (select string_agg(row(s.id, s.reason, s.before, s.suspended_at, s.resumed_at)::text, '' order by s.id)
             from organization_suspensions s where s.organization_id = o.id),
            (select string_agg(row(g.until, g.control_group)::text, '' order by g.until)
             from former_control_groups g where g.organization_id = o.id)
        )::text as facts
        from organizations o where true""",
    key="o.id = $1",
    late=True,
)
"""An organization with its standing, domains and control group, those of before, and when it was suspended."""

MEMBERSHIPS: Final = Source(
    kind="membership",
    subject="membership_{0}",
    sql="""
        select 'membership_' || m.id as subject, m.organization_id, null::bytea as content, row(
            m.id, m.organization_id, m.person_id, m.roles, m.valid_from, m.valid_until, m.updated_at, m.signing_until
        )::text as facts
        from memberships m where true""",
    key="m.id = $1",
    late=True,
)
"""Who has which roles, from and until; of the person the opaque id alone."""

DOMAINS: Final = Source(
    kind="domain",
    subject="dom_{0}",
    sql="""
        select 'dom_' || d.id as subject, d.organization_id, null::bytea as content, row(
            d.id, d.organization_id, d.domain, d.challenge)::text as facts
        from organization_domains d where d.state = 'verified'""",
    key="d.id = $1",
    late=True,
)
"""A domain that is an organization's own, for as long as it is: not when and how it was last asked."""
