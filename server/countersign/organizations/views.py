"""How organizations are read."""

from __future__ import annotations

from countersign.kit.access import Permission
from countersign.kit.sight import EVERYONE, holders
from countersign.kit.view import View
from countersign.organizations.rules_domains import FILE, LABEL

ORGANIZATION = View(
    tag="org",
    source="organizations {t}",
    seen=(EVERYONE,),
    columns={
        "id": "'org_' || {t}.id",
        "did": "(select 'did:web:' || replace(split_part(i.value, '://', 2), ':', '%3A') || ':orgs:' || {t}.handle"
        " from installation i where i.key = 'public_origin')",
    },
)

DOMAIN_CLAIM = View(
    tag="dom",
    source="organization_domains {t}",
    columns={
        "id": "'dom_' || {t}.id",
        "record_name": f"'{LABEL}.' || {{t}}.domain",
        "file_url": f"'https://' || {{t}}.domain || '{FILE}'",
        "verified_at": "case when {t}.state = 'verified' then {t}.proved_at end",
    },
    seen=(holders(Permission.MANAGE_ORGANIZATION),),
)

VERIFIED_DOMAINS = (
    "array(select d.domain from organization_domains d where d.organization_id = {t}.id and d.state = 'verified'"
    " order by d.domain)"
)
"""The domains that said that they are the organization's, not long ago."""
