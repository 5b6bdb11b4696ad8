"""How learners read what is kept of them; nobody else does."""

from __future__ import annotations

from typing import Final

from countersign.kit.sight import EVERYONE, Sight, Tie, learner
from countersign.kit.view import View
from countersign.learners import texts

RECORDS: Final = "array(select {0} union all select m.learner_id from learner_merges m where m.main_id = {0})"
"""The numbers of every record of the person whose main record is `{0}` (bigint[]), as SQL."""


def own(further: str = "true") -> Sight:
    """The learner of a row, under any of their addresses, where `further` (SQL over `{t}`) holds too."""
    when = "{t}.learner_id = any(" + RECORDS.replace("{0}", "{actor_learner}") + f") and {further}"
    return Sight(Tie.LEARNER, "its learner", when, "learner_id")


LEARNER = View(
    tag="learner",
    source="(select * from learners where erased_at is null) {t}",
    seen=(learner(),),
    key="{t}.learner_id",
)

CONSENT = View(
    tag="consent",
    source="consents {t}",
    columns={
        "stands": "({t}.withdrawn_at is null and ({t}.expires_at is null or {t}.expires_at > {now}))",
    },
    seen=(own(),),
)

IDENTITY: Final = View(tag="identity", source="learners {t}", seen=(own(),), key="{t}.learner_id")
"""A record of the learner who asks: one address of theirs."""


SIGHTING: Final = View(
    tag="sighting",
    source="candidate_views {t}",
    seen=(own(),),
    key="({t}.viewed_on::text || '/' || {t}.organization_id || '/' || {t}.learner_id)",
)
"""Who saw a learner; the learner alone reads it."""


def _literal(text: str) -> str:
    """A text of ours as an SQL literal; braces would be read as places of a template."""
    if "{" in text or "}" in text or "\\" in text:
        raise ValueError("a consent text has no braces and no backslashes")
    return "'" + text.replace("'", "''") + "'"


def _rows() -> str:
    """Every text that was ever in force, as rows."""
    rows = []
    for text in texts.TEXTS.values():
        values = (text.purpose.value, text.version, text.language, text.title, text.body, text.sha256)
        in_force = str(text.version == texts.IN_FORCE[text.purpose]).lower()
        rows.append(f"({', '.join(_literal(v) for v in values)}, {in_force})")
    return ", ".join(sorted(rows))


CONSENT_TEXT: Final = View(
    tag="consenttext",
    source=f"(select x.* from (values {_rows()}) x(purpose, version, language, title, body, sha256, in_force)) {{t}}",
    seen=(EVERYONE,),
    key="({t}.purpose || '/' || {t}.version || '/' || {t}.language)",
)
"""The texts of the package; public."""

_MOMENT: Final = "to_char({t}.%s at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

RECEIPT: Final = (
    "convert_to(json_build_object('id', {t}.id, 'purpose', {t}.purpose, 'method', {t}.method,"
    " 'textVersion', {t}.text_version, 'language', {t}.language,"
    f" 'grantedAt', {_MOMENT % 'granted_at'}, 'expiresAt', {_MOMENT % 'expires_at'},"
    f" 'withdrawnAt', {_MOMENT % 'withdrawn_at'},"
    " 'organization', (select json_build_object('id', 'org_' || o.id, 'legalName', o.legal_name)"
    " from organizations o where o.id = {t}.organization_id),"
    " 'controller', (select i.value from installation i where i.key = 'public_origin'))::text, 'UTF8')"
)
"""The facts of a consent's receipt, as JSON in UTF-8; `receipts.receipt` makes the document of them."""
