"""How signing keys are read: their public half, by everyone."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

SIGNING_KEY = View(
    tag="key",
    # A page takes whole rows, and of these only the signer may.
    source="(select id, organization_id, name, algorithm, public, created_at, retired_at, compromised_at"
    " from signing_keys) {t}",
    columns={
        "id": "'key_' || {t}.id",
        "state": "case when {t}.compromised_at is not null then 'compromised' when {t}.retired_at is not null"
        " then 'retired' else 'in_use' end",
        "verification_method": "(select 'did:web:' || replace(split_part(i.value, '://', 2), ':', '%3A') || ':orgs:'"
        " || o.handle || '#' || {t}.name from installation i, organizations o"
        " where i.key = 'public_origin' and o.id = {t}.organization_id)",
    },
    seen=(EVERYONE,),
)
