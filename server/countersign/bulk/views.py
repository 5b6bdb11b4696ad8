"""How uploads and bulk operations are read: by the own organization alone."""

from __future__ import annotations

from countersign.kit.sight import WITH_PARENT, members
from countersign.kit.view import View

_OWN = (members(),)

UPLOAD = View(tag="upload", source="uploads {t}", columns={"received": "({t}.received_at is not null)"}, seen=_OWN)

BULK_OPERATION = View(tag="bulk", source="bulk_operations {t}", seen=_OWN)

ROW_ERROR = View(
    tag="row",
    source="jsonb_array_elements({parent}.first_row_errors) with ordinality {t}(item, no)",
    columns={
        "row": "({t}.item->>'row')::int",
        "path": "array(select jsonb_array_elements_text({t}.item->'path'))",
        "code": "lower({t}.item->>'code')",
        "message": "{t}.item->>'message'",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)

ORIGIN = "(select convert_to(i.value, 'UTF8') from installation i where i.key = 'public_origin')"
"""The installation's address as bytes, for links."""
