"""How audit events are read: by those who look after their own organization."""

from __future__ import annotations

from typing import Final

from countersign.kit.access import Permission
from countersign.kit.sight import holders
from countersign.kit.view import View

AUDIT_EVENT: Final = View(
    tag="audit",
    source="audit_events {t}",
    columns={
        "object_id": "{t}.object",
        "version_digest": "{t}.digest",
        "network": "{t}.ip_prefix",
        "seq": "(select l.seq from log_leaves l where l.event_id = {t}.id)",
        "leaf_index": "(select l.index from log_leaves l where l.event_id = {t}.id)",
        "previous": "(select encode(l.previous, 'hex') from log_leaves l where l.event_id = {t}.id)",
    },
    seen=(holders(Permission.READ_AUDIT),),
)
