"""How specifications are read, and by whom: drafts by their school, versions by everyone once published."""

from __future__ import annotations

from countersign.kit.view import View

PUBLIC = "{t}.state in ('published', 'deprecated', 'retired')"
READABLE = (
    f"({PUBLIC} or {{t}}.organization_id = {{actor_organization}} or exists (select from spec_version_readers r"
    " where r.spec_version_id = {t}.id and r.organization_id = {actor_organization}))"
)

SPEC = View(
    tag="spec",
    source="specs {t}",
    columns={"id": "'spec_' || {t}.id"},
    visible=(
        "({t}.organization_id = {actor_organization} or exists (select from spec_versions v where v.spec_id = {t}.id"
        f" and {READABLE.replace('{t}', 'v')}))"
    ),
)
VERSION = View(
    tag="version",
    source="spec_versions {t}",
    columns={
        "id": "'version_' || {t}.id",
        "slug": "(select s.slug from specs s where s.id = {t}.spec_id)",
        "title": "{t}.content->>'title'",
    },
    visible=READABLE,
)
DRAFT = View(
    tag="draft",
    source="spec_drafts {t}",
    columns={"id": "'draft_' || {t}.id"},
    visible="{t}.organization_id = {actor_organization}",
)
LISTING = View(tag="listing", source="listings {t}", columns={"id": "'listing_' || {t}.id"})
