"""How organizations are read."""

from __future__ import annotations

from countersign.kit.access import Permission
from countersign.kit.sight import EVERYONE, holders
from countersign.kit.view import View
from countersign.organizations.rules_domains import FILE, LABEL

_LATIN = r"A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"
_ALIKE = r"\u0370-\u052f\u1c80-\u1c8f\u1f00-\u1fff"  # Greek and Cyrillic
_WITHIN_A_WORD = r"[^\s/&+.,()\u2010-\u2015-]*"
_MIXED = f"[{_LATIN}]{_WITHIN_A_WORD}[{_ALIKE}]|[{_ALIKE}]{_WITHIN_A_WORD}[{_LATIN}]"
"""A word with Latin letters and such of an alphabet that looks like it (Unicode, UTS 39, section 5.1)."""

ORGANIZATION = View(
    tag="org",
    source="organizations {t}",
    seen=(EVERYONE,),
    columns={
        "id": "'org_' || {t}.id",
        "mixed_scripts": f"({{t}}.display_name ~ '{_MIXED}' or {{t}}.legal_name ~ '{_MIXED}')",
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
