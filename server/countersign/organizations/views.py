"""How organizations are read."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

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
