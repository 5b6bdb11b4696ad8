"""How attachments are read: by their own organization, and by whoever sees an endorsement that carries them."""

from __future__ import annotations

from countersign.kit.sight import members
from countersign.kit.view import View

_FILE = "(select f.{column} from attachment_files f where f.attachment_id = {{t}}.id)"

ATTACHMENT = View(
    tag="attachment",
    source="attachments {t}",
    columns={
        "id": "'attachment_' || {t}.id",
        "received": "exists (select from attachment_files f where f.attachment_id = {t}.id)",
        **{name: _FILE.format(column=name) for name in ("name", "media_type", "size", "sha256", "width", "height")},
        "url": "(select i.value || '/attachments/' || {t}.id from installation i, attachment_files f"
        " where i.key = 'public_origin' and f.attachment_id = {t}.id)",
    },
    seen=(members(),),
)
