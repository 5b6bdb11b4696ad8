"""How ownership links are read: interests are public."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

OWNERSHIP_LINK = View(
    tag="lnk",
    source="ownership_links {t}",
    columns={"id": "'lnk_' || {t}.id", "by_operator": "({t}.declared_by is null)"},
    seen=(EVERYONE,),
)
