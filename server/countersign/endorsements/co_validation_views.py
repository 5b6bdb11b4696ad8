"""How co-validation is explained: what counted at an instant and what not, what was missing, what ever changed it."""

from __future__ import annotations

from typing import Final

from countersign.endorsements.rules_co_validation import SENTENCES
from countersign.endorsements.views import (
    CO_VALIDATED_AT,
    COUNTED_AT,
    DEMANDS_AT,
    MEETS,
    POLICIES_AT,
    TALLY,
    WHY_NOT,
)
from countersign.kit.sight import EVERYONE, WITH_PARENT, members, told
from countersign.kit.view import View
from countersign.specs.views import READABLE

_OF_SCHOOL: Final = (
    "(y.organization_id is null or (y.organization_id = {v}.organization_id"
    " and (y.spec_id is null or y.spec_id = {v}.spec_id)))"
)
_SIGNED: Final = "e.spec_version_id = {v}.id and not isempty(e.in_force)"
_ENDED: Final = (
    "case when e.state = 'revoked' and e.revoked_at <= upper(e.in_force) then 'revoked'"
    " when e.state = 'superseded' then 'superseded' else 'expired' end"
)

HAPPENED: Final = f"""(
    select lower(e.in_force) as at, 'endorsed' as cause, e.id as endorsement_id, null::uuid as organization_id,
           null::uuid as policy_id
    from endorsements e where {_SIGNED}
    union all
    select upper(e.in_force), {_ENDED}, e.id, null, null from endorsements e where {_SIGNED}
    union all
    select i.at, i.cause, e.id, null, null
    from endorsements e join endorsement_suspensions x on x.endorsement_id = e.id,
         lateral (values (x.suspended_at, 'suspended'), (x.resumed_at, 'resumed')) i(at, cause)
    where {_SIGNED} and i.at is not null
    union all
    select i.at, i.cause, null, y.organization_id, null
    from organization_suspensions y,
         lateral (values (y.suspended_at, 'endorser_suspended'), (y.resumed_at, 'endorser_resumed')) i(at, cause)
    where i.at is not null and y.organization_id in (
        select e.organization_id from endorsements e where {_SIGNED})
    union all
    select y.effective_from, 'policy', null, null, y.id from quorum_policies y where {_OF_SCHOOL}
    union all
    select distinct lower(e.in_force) + make_interval(days => y.freshness_days), 'too_old', e.id, null::uuid, null::uuid
    from endorsements e, quorum_policies y
    where {_SIGNED} and y.freshness_days is not null and {_OF_SCHOOL}
      and lower(e.in_force) + make_interval(days => y.freshness_days) < upper(e.in_force)
    union all
    select i.at, i.cause, null, null, null
    from foreign_endorsements f,
         lateral (values (f.imported_at, 'foreign_imported'),
                         (least(f.valid_until, f.withdrawn_at), 'foreign_ended')) i(at, cause)
    where f.spec_version_id = {{v}}.id and i.at is not null
    union all
    select k.checked_at, 'foreign_checked', null, null, null
    from foreign_endorsements f join foreign_checks k on k.foreign_endorsement_id = f.id
    where f.spec_version_id = {{v}}.id
    union all
    select z.until, 'regrouped', null, z.organization_id, null
    from former_control_groups z where z.organization_id = {{v}}.organization_id or z.organization_id in (
        select e.organization_id from endorsements e where {_SIGNED}))"""
"""Everything that ever happened, or will by time, which may change whether the version `{{v}}` is co-validated."""

CHANGES: Final = f"""(
    select c.at, c.co_validated
    from (select i.at, s.co_validated, lag(s.co_validated, 1, false) over (order by i.at) as before
          from (select distinct h.at from {HAPPENED} h where h.at <= {{until}}) i,
               lateral (select {CO_VALIDATED_AT.replace("{at}", "i.at")} as co_validated) s) c
    where c.co_validated <> c.before)"""
"""Every instant up to `{until}` at which it changed whether the version `{v}` is co-validated, and into what."""

POLICY: Final = View(
    tag="pol",
    source="quorum_policies {t}",
    columns={"rubric_floor": "trim_scale({t}.rubric_floor)"},
    seen=(EVERYONE,),
)

APPLIES: Final = "{child}.id = " + POLICIES_AT.replace("{v}", "{parent}").replace("{at}", "{parent}.at")
"""Whether the policy `{child}` is one of those in effect for the explanation `{parent}`."""

OUTCOME: Final = View(
    tag="outcome",
    source="jsonb_each_text({parent}.outcomes) {t}(tie, outcome)",
    seen=(WITH_PARENT,),
    key="{t}.tie",
)

EXPLANATION: Final = View(
    tag="cov",
    source=f"""(
        select {{parent}}.id, {{parent}}.organization_id, {{parent}}.spec_id, {{at}} as at, x.*
        from (
            select p.groups, p.employers, p.agencies, p.evidence, p.rubric_floor, p.criterion_floor, p.freshness_days,
                   p.four_eyes, p.whole_scope, p.foreign_counts, {MEETS} as co_validated, {TALLY},
                   array(select distinct ev.kind::text from endorsement_evidence ev
                         where ev.endorsement_id = any(array_agg(c.id)) order by 1) as have_evidence
            from {DEMANDS_AT} p left join lateral {COUNTED_AT.replace("{p}", "p")} c on true
            group by p.groups, p.employers, p.agencies, p.evidence, p.rubric_floor, p.criterion_floor,
                     p.freshness_days, p.four_eyes, p.whole_scope, p.foreign_counts) x) {{t}}""".replace(
        "{v}", "{parent}"
    ),
    seen=(WITH_PARENT,),
)

DEMANDS: Final = View(
    tag="demands",
    source="",
    columns={
        "evidence": "array(select distinct k from unnest({t}.evidence) k order by 1)",
        "rubric_floor": "trim_scale({t}.rubric_floor)",
    },
    seen=(WITH_PARENT,),
)
TALLIED: Final = View(
    tag="tally",
    source="",
    columns={
        "groups": "{t}.have_groups",
        "employers": "{t}.have_employers",
        "agencies": "{t}.have_agencies",
        "evidence": "{t}.have_evidence",
    },
    seen=(WITH_PARENT,),
)

_NUMBERS: Final = (
    ("groups", 1, "independent control group", "independent control groups"),
    ("employers", 2, "employer", "employers"),
    ("agencies", 3, "agency", "agencies"),
)
MISSING: Final = View(
    tag="missing",
    source="("
    + " union all ".join(
        f"select {no} as no, '{name}' as demand, {{parent}}.{name} as need, {{parent}}.have_{name} as have,"
        " null::text as evidence_kind, format('%s more %s must stand behind it: it has %s of %s.',"
        f" {{parent}}.{name} - {{parent}}.have_{name},"
        f" case when {{parent}}.{name} - {{parent}}.have_{name} = 1 then '{one}' else '{several}' end,"
        f" {{parent}}.have_{name}, {{parent}}.{name}) as sentence"
        f" where {{parent}}.have_{name} < {{parent}}.{name}"
        for name, no, one, several in _NUMBERS
    )
    + " union all select 4, 'evidence', 1, 0, k, format('Nobody who counts has put this behind it: %s.',"
    " replace(k, '_', ' ')) from (select distinct unnest({parent}.evidence) as k) k"
    " where k <> all({parent}.have_evidence)) {t}",
    seen=(WITH_PARENT,),
    key="({t}.no, {t}.evidence_kind)",
)

COUNTED: Final = View(
    tag="counted",
    source=COUNTED_AT.replace("{v}", "{parent}").replace("{at}", "{parent}.at").replace("{p}", "{parent}") + " {t}",
    columns={"kind": "nullif({t}.kind, 'foreign')"},
    seen=(WITH_PARENT,),
)


def _quoted(sentence: str) -> str:
    return "'" + sentence.replace("'", "''") + "'"


_SAID: Final = " ".join(f"when '{why.value}' then " + _quoted(sentence) for why, sentence in SENTENCES.items())
NOT_COUNTED: Final = View(
    tag="not_counted",
    source=f"""(
        select w.id, w.why, case w.why {_SAID}
               end as sentence
        from (select e.id, {WHY_NOT} as why from endorsements e join organizations o on o.id = e.organization_id
              where {_SIGNED} and lower(e.in_force) <= {{at}}) w
        where w.why is not null) {{t}}""".replace("{v}", "{parent}")
    .replace("{at}", "{parent}.at")
    .replace("{p}", "{parent}"),
    seen=(WITH_PARENT,),
)

CHANGE: Final = View(
    tag="turn",
    source="(select {parent}.id, {parent}.organization_id, {parent}.spec_id, c.* from "
    + CHANGES.replace("{v}", "{parent}").replace("{until}", "{now}")
    + " c) {t}",
    seen=(WITH_PARENT,),
    key="{t}.at",
)

_TOLD: Final = {
    "endorsed": "An endorsement came into force.",
    "expired": "An endorsement ended by time.",
    "revoked": "An endorser took back its endorsement.",
    "superseded": "An endorsement was renewed; the newer one took its place.",
    "suspended": "An endorser paused its endorsement.",
    "resumed": "An endorser ended the pause of its endorsement.",
    "endorser_suspended": "An endorser was suspended.",
    "endorser_resumed": "An endorser may act again.",
    "policy": "A policy took effect.",
    "too_old": "An endorsement became older than the policy lets count.",
    "foreign_imported": "An endorsement from elsewhere was imported.",
    "foreign_checked": "What its issuer says of an endorsement from elsewhere has changed.",
    "foreign_ended": "An endorsement from elsewhere ended or was withdrawn.",
    "regrouped": "It came to light, or ended, that organizations belong together.",
}
CAUSES: Final = tuple(_TOLD)
CAUSE: Final = View(
    tag="cause",
    source="(select h.*, case h.cause "
    + " ".join(f"when '{cause}' then '{sentence}'" for cause, sentence in _TOLD.items())
    + " end as sentence from "
    + HAPPENED.replace("{v}", "{parent}")
    + " h where h.at = {parent}.at) {t}",
    columns={"kind": "{t}.cause"},
    seen=(WITH_PARENT,),
    key="({t}.cause, {t}.endorsement_id, {t}.organization_id, {t}.policy_id)",
)

FOUND_LAST: Final = """(
    select k.{column} from foreign_checks k where k.foreign_endorsement_id = {f}.id
    order by k.checked_at desc, k.id desc limit 1)"""
"""A column of the last look at the endorsement `{f}` from elsewhere; null before the first one."""

_FOREIGN: Final = "foreign_endorsements"
_WATCHED: Final = "(select w.{column} from foreign_watches w where w.foreign_endorsement_id = foreign_endorsements.id)"

FOREIGN: Final = View(
    tag="fen",
    source=f"""(
        select id, spec_version_id, organization_id, format, issuer_id, issuer_name, statement, source, sha256,
               document as bytes, valid_from, valid_until, imported_at, withdrawn_at,
               coalesce({FOUND_LAST.format(f=_FOREIGN, column="findings")}, findings) as findings,
               coalesce({FOUND_LAST.format(f=_FOREIGN, column="verified")}, verified) as verified,
               coalesce({FOUND_LAST.format(f=_FOREIGN, column="fetched")}, '[]') as fetched,
               coalesce({_WATCHED.format(column="checked_at")}, imported_at) as checked_at,
               {_WATCHED.format(column="proved_at")} as proved_at,
               case when withdrawn_at is null then {_WATCHED.format(column="check_due_at")} end as check_due_at
        from foreign_endorsements) {{t}}""",
    columns={"size": "length({t}.bytes)", "document": "convert_from({t}.bytes, 'UTF8')"},
    seen=(
        members(of="its school"),
        told(
            "who sees the version that it is about, until the school withdraws it",
            "{t}.withdrawn_at is null and exists (select from spec_versions v"
            " where v.id = {t}.spec_version_id and " + READABLE.replace("{t}", "v") + ")",
        ),
    ),
)
_SILENT: Final = "{t}.item->>'outcome' = 'not_reached' and ({t}.item->>'passed_at') is not null"
_AGE: Final = "extract(day from {t}.checked_at - ({t}.item->>'passed_at')::timestamptz)::int"
_LAST_GOOD: Final = f"""
    format(' It last passed %s, on %s UTC; what was verified then is believed for a week without an answer.',
           case {_AGE} when 0 then 'less than a day before' when 1 then 'a day before'
                else {_AGE} || ' days before' end,
           to_char(({{t}}.item->>'passed_at')::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI'))"""
"""How old what is still believed was, when its issuer did not answer: silence is not good news, and says so."""
FINDING: Final = View(
    tag="finding",
    source="(select i.item, i.no, {parent}.checked_at from jsonb_array_elements({parent}.findings)"
    " with ordinality i(item, no)) {t}",
    columns={
        **{name: f"{{t}}.item->>'{name}'" for name in ("check", "path", "outcome", "verdict")},
        "detail": f"{{t}}.item->>'detail' || case when {_SILENT} then {_LAST_GOOD} else '' end",
        "passed_at": "case when {t}.item->>'outcome' = 'passed' then {t}.checked_at"
        " else ({t}.item->>'passed_at')::timestamptz end",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
FETCHED: Final = View(
    tag="fetched",
    source="jsonb_array_elements({parent}.fetched) with ordinality {t}(item, no)",
    columns={
        **{name: f"{{t}}.item->>'{name}'" for name in ("purpose", "url", "sha256", "problem")},
        "size": "({t}.item->>'size')::int",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
CHECK: Final = View(
    tag="fck",
    source="foreign_checks {t}",
    columns={"wanted": "({t}.asked_by is not null)"},
    seen=(WITH_PARENT,),
)
