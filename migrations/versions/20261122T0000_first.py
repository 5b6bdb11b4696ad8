"""first.

Revision 20261122000000, after . Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122000000"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists pg_trgm")
    op.execute("create extension if not exists btree_gist")
    op.execute(
        "do $$ begin create role countersign_app nologin; "
        "exception when duplicate_object or unique_violation then null; end $$"
    )
    op.execute("grant countersign_app to current_user")
    op.execute("create sequence learner_ids as bigint")
    op.create_table(
        "audit_events",
        sa.Column("stream_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("action", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("object", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("decision", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("stream_key", "at", "id"),
    )
    op.create_table(
        "candidate_search",
        sa.Column("learner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("region", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("country", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("consent_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("learner_id"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_table(
        "installation",
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("value", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "learner_directory",
        sa.Column("lookup_key", sa.LargeBinary(), nullable=False),
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lookup_key"),
    )
    op.create_table(
        "learners",
        sa.Column("learner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("full_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("country", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("region", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="learners_country"),
        sa.PrimaryKeyConstraint("learner_id"),
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("country", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("features", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("prerequisites", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("field_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("field_of_study", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("workload_hours", sa.Numeric(precision=8, scale=2), nullable=True),
        sa.Column("length", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("award", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("industry_credential", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("accreditation", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("gaps", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "external_id", name="listings_once"),
    )
    op.create_index(op.f("ix_listings_title"), "listings", ["title"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("handle", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("legal_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("display_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("country", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("url", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("domains", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("control_group", sa.Uuid(), nullable=False),
        sa.Column("verification", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('school', 'employer', 'agency', 'platform')", name="organizations_kind"),
        sa.CheckConstraint(
            "verification in ('unverified', 'domain_verified', 'verified', 'suspended')",
            name="organizations_verification",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("handle"),
    )
    op.create_index(op.f("ix_organizations_control_group"), "organizations", ["control_group"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("outbox_untold", "outbox", ["id"], unique=False, postgresql_where="told_at is null")
    op.create_table(
        "reveal_quotas",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "day"),
    )
    op.create_table(
        "skill_frameworks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("url", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("licence", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("attribution", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("handle"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("learner_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("prefix", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("last4", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="api_tokens_one_holder",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index(op.f("ix_api_tokens_organization_id"), "api_tokens", ["organization_id"], unique=False)
    op.create_table(
        "award_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("learners", sa.Integer(), nullable=False),
        sa.Column("awards", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_award_imports_organization_id"), "award_imports", ["organization_id"], unique=False)
    op.create_table(
        "candidate_award",
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("spec_id", sa.Uuid(), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["learner_id"], ["candidate_search.learner_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("learner_id", "award_id"),
    )
    op.create_index(
        "candidate_award_version",
        "candidate_award",
        ["spec_version_id", "learner_id"],
        unique=False,
        postgresql_include=["awarded_on"],
    )
    op.create_table(
        "candidate_views",
        sa.Column("learner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("viewed_on", sa.Date(), nullable=False),
        sa.Column("first_viewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("learner_id", "organization_id", "viewed_on"),
    )
    op.create_table(
        "consents",
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("method", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("method in ('portal', 'file')", name="consents_method"),
        sa.CheckConstraint("purpose in ('talent_search')", name="consents_purpose"),
        sa.CheckConstraint("expires_at is null or expires_at > granted_at", name="consents_expiry"),
        sa.ForeignKeyConstraint(
            ["learner_id"],
            ["learners.learner_id"],
        ),
        sa.PrimaryKeyConstraint("learner_id", "id"),
    )
    op.create_index(
        "consents_one_open",
        "consents",
        ["learner_id", "purpose"],
        unique=True,
        postgresql_where="withdrawn_at is null and expires_at is null",
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_memberships_organization_id"), "memberships", ["organization_id"], unique=False)
    op.create_index(op.f("ix_memberships_person_id"), "memberships", ["person_id"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("algorithm", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_data_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compromised_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("algorithm = 'ed25519'", name="signing_keys_algorithm"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "name", name="signing_keys_name"),
    )
    op.create_index(
        "signing_keys_one_in_use",
        "signing_keys",
        ["organization_id", "algorithm"],
        unique=True,
        postgresql_where="retired_at is null and compromised_at is null",
    )
    op.create_table(
        "skills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("uri", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reuse_level", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("keywords", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("occupations", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("hot", sa.Boolean(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('skill', 'knowledge', 'tool')", name="skills_kind"),
        sa.ForeignKeyConstraint(
            ["framework_id"],
            ["skill_frameworks.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uri"),
    )
    op.create_index(op.f("ix_skills_framework_id"), "skills", ["framework_id"], unique=False)
    op.create_index(op.f("ix_skills_name"), "skills", ["name"], unique=False)
    op.create_table(
        "specs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('block', 'capstone', 'diploma')", name="specs_kind"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index(op.f("ix_specs_organization_id"), "specs", ["organization_id"], unique=False)
    op.create_table(
        "status_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("next_slot", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.LargeBinary(), nullable=True),
        sa.Column("published_revision", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose = 'revocation'", name="status_lists_purpose"),
        sa.CheckConstraint("next_slot between 0 and 131072", name="status_lists_next_slot"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "purpose", "number", name="status_lists_number"),
    )
    op.create_table(
        "skill_labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.Uuid(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("folded", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("product_made", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind in ('preferred', 'alias')", name="skill_labels_kind"),
        sa.ForeignKeyConstraint(
            ["skill_id"],
            ["skills.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("skill_id", "language", "folded", name="skill_labels_once"),
    )
    op.create_index(
        "skill_labels_alike",
        "skill_labels",
        ["folded"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    )
    op.create_index("skill_labels_folded", "skill_labels", ["folded"], unique=False)
    op.create_index(
        "skill_labels_preferred",
        "skill_labels",
        ["skill_id", "language"],
        unique=True,
        postgresql_where="kind = 'preferred'",
    )
    op.create_table(
        "spec_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("semver", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("achievement", sa.LargeBinary(), nullable=False),
        sa.Column("spec_json", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("gaps", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("change_class", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("changed", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deprecated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("change_class in ('material', 'editorial')", name="spec_versions_change_class"),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="spec_versions_digest"),
        sa.CheckConstraint(
            "state in ('submitted', 'in_review', 'published', 'deprecated', 'retired', 'withdrawn')",
            name="spec_versions_state",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["spec_versions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_id"],
            ["specs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("spec_id", "semver", name="spec_versions_semver_once"),
    )
    op.create_index(op.f("ix_spec_versions_organization_id"), "spec_versions", ["organization_id"], unique=False)
    op.create_table(
        "stacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("handle", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("capstone_spec_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["capstone_spec_id"],
            ["specs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("handle"),
    )
    op.create_index(op.f("ix_stacks_capstone_spec_id"), "stacks", ["capstone_spec_id"], unique=False)
    op.create_index(op.f("ix_stacks_organization_id"), "stacks", ["organization_id"], unique=False)
    op.create_table(
        "status_entries",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("idx between 0 and 131071", name="status_entries_idx"),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["status_lists.id"],
        ),
        sa.PrimaryKeyConstraint("list_id", "idx"),
    )
    op.create_index(
        "status_entries_revoked",
        "status_entries",
        ["list_id", "idx"],
        unique=False,
        postgresql_where="revoked_at is not null",
    )
    op.create_table(
        "awards",
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("holder_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("mode", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("credential", sa.LargeBinary(), nullable=True),
        sa.Column("status_list_id", sa.Uuid(), nullable=True),
        sa.Column("status_index", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revocation_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("(state = 'revoked') = (revoked_at is not null)", name="awards_revocation"),
        sa.CheckConstraint("mode in ('study', 'prior_learning')", name="awards_mode"),
        sa.CheckConstraint("state in ('issued', 'suspended', 'revoked', 'expired')", name="awards_state"),
        sa.CheckConstraint("credential is null or document is not null", name="awards_document_first"),
        sa.CheckConstraint("document is null or status_index is not null", name="awards_status_first"),
        sa.ForeignKeyConstraint(
            ["learner_id"],
            ["learners.learner_id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("learner_id", "id"),
    )
    op.create_index("awards_id", "awards", ["id"], unique=False)
    op.create_index(
        "awards_one_valid",
        "awards",
        ["learner_id", "spec_version_id"],
        unique=True,
        postgresql_where="state in ('issued', 'suspended')",
    )
    op.create_index("awards_organization", "awards", ["organization_id", "id"], unique=False)
    op.create_index(
        "awards_unsigned",
        "awards",
        ["id"],
        unique=False,
        postgresql_where="document is not null and credential is null and state = 'issued'",
    )
    op.create_index(op.f("ix_awards_spec_version_id"), "awards", ["spec_version_id"], unique=False)
    op.create_table(
        "endorsements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("signatory_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("statement", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_force", postgresql.TSTZRANGE(), nullable=True),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revocation_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("refusal", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("organization_id"), "="),
            (sa.column("spec_version_id"), "="),
            (sa.column("in_force"), "&&"),
            where=sa.text("in_force is not null"),
            using="gist",
            name="endorsements_one_in_force",
        ),
        sa.CheckConstraint("(in_force is null) = (state in ('signing', 'refused'))", name="endorsements_in_force"),
        sa.CheckConstraint(
            "state in ('signing', 'in_force', 'suspended', 'expired', 'superseded', 'revoked', 'refused')",
            name="endorsements_state",
        ),
        sa.CheckConstraint("valid_from < valid_until", name="endorsements_validity"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["status_list_id"],
            ["status_lists.id"],
        ),
        sa.ForeignKeyConstraint(
            ["supersedes_id"],
            ["endorsements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("status_list_id", "status_index", name="endorsements_status_place"),
    )
    op.create_index(
        "endorsements_by_version",
        "endorsements",
        ["spec_version_id"],
        unique=False,
        postgresql_where="state = 'in_force'",
    )
    op.create_index(
        "endorsements_one_signing",
        "endorsements",
        ["organization_id", "spec_version_id"],
        unique=True,
        postgresql_where="state = 'signing'",
    )
    op.create_index("endorsements_to_sign", "endorsements", ["id"], unique=False, postgresql_where="state = 'signing'")
    op.create_index(op.f("ix_endorsements_organization_id"), "endorsements", ["organization_id"], unique=False)
    op.create_index(op.f("ix_endorsements_spec_version_id"), "endorsements", ["spec_version_id"], unique=False)
    op.create_table(
        "review_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("message", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decline_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'claimed', 'decided', 'declined', 'expired', 'cancelled')", name="review_requests_state"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_review_requests_organization_id"), "review_requests", ["organization_id"], unique=False)
    op.create_index(op.f("ix_review_requests_school_id"), "review_requests", ["school_id"], unique=False)
    op.create_index(op.f("ix_review_requests_spec_version_id"), "review_requests", ["spec_version_id"], unique=False)
    op.create_index(
        "review_requests_waiting",
        "review_requests",
        ["spec_version_id", "organization_id"],
        unique=True,
        postgresql_where="state in ('open', 'claimed')",
    )
    op.create_table(
        "spec_drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("base_version_id", sa.Uuid(), nullable=True),
        sa.Column("listing_id", sa.Uuid(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gaps", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["base_version_id"],
            ["spec_versions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_id"],
            ["specs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_spec_drafts_organization_id"), "spec_drafts", ["organization_id"], unique=False)
    op.create_index(op.f("ix_spec_drafts_spec_id"), "spec_drafts", ["spec_id"], unique=False)
    op.create_table(
        "spec_version_readers",
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("spec_version_id", "organization_id"),
    )
    op.create_table(
        "spec_version_skills",
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["skill_id"],
            ["skills.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("spec_version_id", "skill_id"),
    )
    op.create_index(
        "spec_version_skills_by_skill", "spec_version_skills", ["skill_id", "spec_version_id"], unique=False
    )
    op.create_table(
        "stack_blocks",
        sa.Column("stack_id", sa.Uuid(), nullable=False),
        sa.Column("spec_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["spec_id"],
            ["specs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["stack_id"],
            ["stacks.id"],
        ),
        sa.PrimaryKeyConstraint("stack_id", "spec_id"),
        sa.UniqueConstraint("stack_id", "position", name="stack_blocks_position"),
    )
    op.create_index(op.f("ix_stack_blocks_spec_id"), "stack_blocks", ["spec_id"], unique=False)
    op.create_table(
        "endorsement_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("narrative", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["endorsement_id"],
            ["endorsements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endorsement_id", "no", name="endorsement_evidence_no"),
    )
    op.create_table(
        "endorsement_signatures",
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["endorsement_id"],
            ["endorsements.id"],
        ),
        sa.PrimaryKeyConstraint("endorsement_id"),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("interest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("coi_declaration", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("recommendation", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("interest in ('none', 'disclosed')", name="reviews_interest"),
        sa.CheckConstraint(
            "recommendation in ('endorse', 'request_changes', 'comment', 'decline')", name="reviews_recommendation"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["review_requests.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id"),
    )
    op.create_index(op.f("ix_reviews_organization_id"), "reviews", ["organization_id"], unique=False)
    op.create_index(op.f("ix_reviews_spec_version_id"), "reviews", ["spec_version_id"], unique=False)


def downgrade() -> None:
    op.execute("drop sequence learner_ids")
    op.drop_index(op.f("ix_reviews_spec_version_id"), table_name="reviews")
    op.drop_index(op.f("ix_reviews_organization_id"), table_name="reviews")
    op.drop_table("reviews")
    op.drop_table("endorsement_signatures")
    op.drop_table("endorsement_evidence")
    op.drop_index(op.f("ix_stack_blocks_spec_id"), table_name="stack_blocks")
    op.drop_table("stack_blocks")
    op.drop_index("spec_version_skills_by_skill", table_name="spec_version_skills")
    op.drop_table("spec_version_skills")
    op.drop_table("spec_version_readers")
    op.drop_index(op.f("ix_spec_drafts_spec_id"), table_name="spec_drafts")
    op.drop_index(op.f("ix_spec_drafts_organization_id"), table_name="spec_drafts")
    op.drop_table("spec_drafts")
    op.drop_index(
        "review_requests_waiting", table_name="review_requests", postgresql_where="state in ('open', 'claimed')"
    )
    op.drop_index(op.f("ix_review_requests_spec_version_id"), table_name="review_requests")
    op.drop_index(op.f("ix_review_requests_school_id"), table_name="review_requests")
    op.drop_index(op.f("ix_review_requests_organization_id"), table_name="review_requests")
    op.drop_table("review_requests")
    op.drop_index(op.f("ix_endorsements_spec_version_id"), table_name="endorsements")
    op.drop_index(op.f("ix_endorsements_organization_id"), table_name="endorsements")
    op.drop_index("endorsements_to_sign", table_name="endorsements", postgresql_where="state = 'signing'")
    op.drop_index("endorsements_one_signing", table_name="endorsements", postgresql_where="state = 'signing'")
    op.drop_index("endorsements_by_version", table_name="endorsements", postgresql_where="state = 'in_force'")
    op.drop_table("endorsements")
    op.drop_index(op.f("ix_awards_spec_version_id"), table_name="awards")
    op.drop_index(
        "awards_unsigned",
        table_name="awards",
        postgresql_where="document is not null and credential is null and state = 'issued'",
    )
    op.drop_index("awards_organization", table_name="awards")
    op.drop_index("awards_one_valid", table_name="awards", postgresql_where="state in ('issued', 'suspended')")
    op.drop_index("awards_id", table_name="awards")
    op.drop_table("awards")
    op.drop_index("status_entries_revoked", table_name="status_entries", postgresql_where="revoked_at is not null")
    op.drop_table("status_entries")
    op.drop_index(op.f("ix_stacks_organization_id"), table_name="stacks")
    op.drop_index(op.f("ix_stacks_capstone_spec_id"), table_name="stacks")
    op.drop_table("stacks")
    op.drop_index(op.f("ix_spec_versions_organization_id"), table_name="spec_versions")
    op.drop_table("spec_versions")
    op.drop_index("skill_labels_preferred", table_name="skill_labels", postgresql_where="kind = 'preferred'")
    op.drop_index("skill_labels_folded", table_name="skill_labels")
    op.drop_index(
        "skill_labels_alike",
        table_name="skill_labels",
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    )
    op.drop_table("skill_labels")
    op.drop_table("status_lists")
    op.drop_index(op.f("ix_specs_organization_id"), table_name="specs")
    op.drop_table("specs")
    op.drop_index(op.f("ix_skills_name"), table_name="skills")
    op.drop_index(op.f("ix_skills_framework_id"), table_name="skills")
    op.drop_table("skills")
    op.drop_index(
        "signing_keys_one_in_use",
        table_name="signing_keys",
        postgresql_where="retired_at is null and compromised_at is null",
    )
    op.drop_table("signing_keys")
    op.drop_index(op.f("ix_memberships_person_id"), table_name="memberships")
    op.drop_index(op.f("ix_memberships_organization_id"), table_name="memberships")
    op.drop_table("memberships")
    op.drop_index(
        "consents_one_open", table_name="consents", postgresql_where="withdrawn_at is null and expires_at is null"
    )
    op.drop_table("consents")
    op.drop_table("candidate_views")
    op.drop_index("candidate_award_version", table_name="candidate_award", postgresql_include=["awarded_on"])
    op.drop_table("candidate_award")
    op.drop_index(op.f("ix_award_imports_organization_id"), table_name="award_imports")
    op.drop_table("award_imports")
    op.drop_index(op.f("ix_api_tokens_organization_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_table("skill_frameworks")
    op.drop_table("reveal_quotas")
    op.drop_index("outbox_untold", table_name="outbox", postgresql_where="told_at is null")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_organizations_control_group"), table_name="organizations")
    op.drop_table("organizations")
    op.drop_index(op.f("ix_listings_title"), table_name="listings")
    op.drop_table("listings")
    op.drop_table("learners")
    op.drop_table("learner_directory")
    op.drop_table("installation")
    op.drop_table("idempotency_keys")
    op.drop_table("candidate_search")
    op.drop_table("audit_events")
