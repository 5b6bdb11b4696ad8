"""How endorsements and their evidence are read, and what "live" and "co-validated" mean in SQL."""

from __future__ import annotations

from countersign.endorsements.rules import EXPIRING_WITHIN
from countersign.endorsements.rules_quorum import DEFAULT_POLICY
from countersign.kit.sight import WITH_PARENT, members, told
from countersign.kit.view import View
from countersign.organizations.standing import CONTROL_GROUP_AT
from countersign.specs.views import READABLE

_SUSPENDED_NOW = (
    "any(array(select y.organization_id from organization_suspensions y"
    " where (y.resumed_at is null or y.resumed_at > {now}) and y.suspended_at <= {now}))"
)
"""The organizations that are suspended at `{now}`: looked up once for a statement, not once for a row, and by index,
which it would not be with the two ends of `or` in one `coalesce`."""

LIVE = (
    "({e}.state = 'in_force' and ({e}.in_force @> {now}) is true and {e}.organization_id <> all"
    + _SUSPENDED_NOW.removeprefix("any")
    + ")"
)
"""Whether the endorsement `{e}` is in force at `{now}`, the present, and its endorser may act.

Its end by time needs no job. `is true` hides the range from the planner: by the GiST index of the exclusion constraint
a version's endorsements cost forty times what they cost by the index of the version.
"""

PAUSED_AT = (
    "exists (select from endorsement_suspensions x"
    " where x.endorsement_id = {e}.id and x.suspended_at <= {at} and coalesce(x.resumed_at > {at}, true))"
)
"""Whether the endorsement `{e}` was paused at an instant `{at}`."""

IN_FORCE_AT = "((({e}.in_force @> {at}) is true) and not " + PAUSED_AT + ")"
"""Whether the endorsement `{e}` was in force at any instant `{at}`, past or present: closed ranges keep history,
and suspensions leave gaps in it."""

POLICIES_AT = (
    "any(array(select y.id from quorum_policies y where y.organization_id is null and y.effective_from <= {at}"
    " order by y.number desc limit 1)"
    " || array(select distinct on (y.spec_id) y.id from quorum_policies y where y.organization_id = {v}.organization_id"
    " and (y.spec_id is null or y.spec_id = {v}.spec_id) and y.effective_from <= {at}"
    " order by y.spec_id, y.number desc))"
)
"""The ids of the policies in effect for the version `{v}` at `{at}`; the platform's first version is no row."""

DEMANDS_AT = f"""(
    select greatest(max(q.groups),
                    case when bool_or(q.organization_id is null) then 1 else {DEFAULT_POLICY.groups} end) as groups,
           coalesce(max(q.employers), 0) as employers, coalesce(max(q.agencies), 0) as agencies,
           string_to_array(string_agg(nullif(array_to_string(q.evidence, ','), ''), ','), ',') as evidence,
           max(q.rubric_floor) as rubric_floor, max(q.criterion_floor) as criterion_floor,
           min(q.freshness_days) as freshness_days, coalesce(bool_or(q.four_eyes), false) as four_eyes,
           coalesce(bool_or(q.whole_scope), false) as whole_scope,
           coalesce(bool_and(q.foreign_counts) and bool_or(q.organization_id is null), false) as foreign_counts
    from quorum_policies q where q.id = {POLICIES_AT})"""
"""What policies ask together of the version `{v}` at `{at}`, in one row: `rules_quorum.effective` in SQL."""

WHY_NOT = f"""case
    when not coalesce(e.in_force @> {{at}}, false)
        then case e.state when 'revoked' then 'revoked' when 'superseded' then 'superseded' else 'expired' end
    when {PAUSED_AT.replace("{e}", "e")} then 'suspended'
    when e.organization_id = {_SUSPENDED_NOW.replace("{now}", "{at}")} then 'endorser_suspended'
    when not e.counts then 'conflict_of_interest'
    when {CONTROL_GROUP_AT.replace("{o}", "o")} = (select {CONTROL_GROUP_AT.replace("{o}", "s")} from organizations s
                                           where s.id = {{v}}.organization_id) then 'group_of_the_school'
    when {{p}}.whole_scope and e.outcome_keys is not null then 'only_a_part'
    when lower(e.in_force) + make_interval(days => {{p}}.freshness_days) <= {{at}} then 'too_old'
    when num_nonnulls({{p}}.rubric_floor, {{p}}.criterion_floor) > 0 then (
        select case when g.rubric_mean is null then 'not_reviewed'
                    when g.rubric_mean < {{p}}.rubric_floor then 'below_rubric_floor'
                    when g.rubric_least < {{p}}.criterion_floor then 'below_criterion_floor' end
        from endorsement_signatures g where g.endorsement_id = e.id) end"""
"""Why the endorsement `e` of the organization `o` does not count for the version `{{v}}` at `{{at}}` under the demands
`{{p}}`; null when it does: `rules_co_validation.why_not` in SQL."""

VERIFIED_AT = """coalesce((
    select k.verified from foreign_checks k where k.foreign_endorsement_id = f.id and k.checked_at <= {at}
    order by k.checked_at desc, k.id desc limit 1), f.verified)"""
"""Whether the endorsement `f` from elsewhere was verified at `{at}`: by the last look until then."""

COUNTED_AT = f"""(
    select {CONTROL_GROUP_AT.replace("{o}", "o")} as control_group, o.kind, e.id
    from endorsements e join organizations o on o.id = e.organization_id
    where e.spec_version_id = {{v}}.id and ({WHY_NOT}) is null
    union all
    select md5(f.issuer_id)::uuid, 'foreign', f.id
    from foreign_endorsements f
    where {{p}}.foreign_counts and f.spec_version_id = {{v}}.id and f.imported_at <= {{at}}
      and coalesce(least(f.valid_until, f.withdrawn_at) > {{at}}, true) and {VERIFIED_AT})"""
"""The endorsements that count for the version `{v}` at `{at}` under the demands `{p}`."""

TALLY = """count(distinct c.control_group)::int as have_groups,
    (count(distinct c.control_group) filter (where c.kind = 'employer'))::int as have_employers,
    (count(distinct c.control_group) filter (where c.kind = 'agency'))::int as have_agencies"""
MEETS = """count(distinct c.control_group) >= p.groups
    and count(distinct c.control_group) filter (where c.kind = 'employer') >= p.employers
    and count(distinct c.control_group) filter (where c.kind = 'agency') >= p.agencies
    and (p.evidence is null or p.evidence <@ array(
        select ev.kind::text from endorsement_evidence ev where ev.endorsement_id = any(array_agg(c.id))))"""

CO_VALIDATED_AT = f"""(
    select {MEETS} from {DEMANDS_AT} p left join lateral {COUNTED_AT.replace("{p}", "p")} c on true
    group by p.groups, p.employers, p.agencies, p.evidence)"""
"""`rules_co_validation.Facts.co_validated` in SQL for the version `{v}` at `{at}`; a test keeps the two equal."""

LIVE_COUNT = (
    "(select count(*) from endorsements e where e.spec_version_id = {v}.id and " + LIVE.format(e="e", now="{now}") + ")"
)
"""How many endorsements of the version `{v}` are in force at `{now}`."""

_EXPIRING = (
    "(" + LIVE.format(e="{t}", now="{now}") + " and upper({t}.in_force) <= {now} + interval '"
    f"{EXPIRING_WITHIN.days} days')"
)

HIDDEN = "exists (select from endorsement_hidings h where h.endorsement_id = {e}.id and h.shown_at is null)"
"""Whether the school does not show the endorsement `{e}` on its page."""

NOT_SHOWN_COUNT = (
    "(select count(*) from endorsements e where e.spec_version_id = {v}.id and e.in_force is not null and "
    + HIDDEN.format(e="e")
    + ")"
)
"""How many signed endorsements of the version `{v}` its school does not show."""

_SIGNS = (
    "exists (select from memberships m where m.organization_id = {t}.organization_id and m.person_id = {t}.signatory_id"
    " and 'signatory' = any(m.roles) and m.valid_from <= {now} and (m.valid_until is null or m.valid_until > {now})"
    " and (m.signing_until is null or m.signing_until > {now}))"
)
_LEFT_ON = (
    f"(case when not {_SIGNS} then (select coalesce("
    "max(least(coalesce(m.valid_until, 'infinity'), coalesce(m.signing_until, 'infinity')))"
    " filter (where 'signatory' = any(m.roles) or m.signing_until is not null), max(m.updated_at))"
    " from memberships m where m.organization_id = {t}.organization_id and m.person_id = {t}.signatory_id) end"
    " at time zone 'UTC')::date"
)

ENDORSEMENT = View(
    tag="end",
    source="endorsements {t}",
    columns={
        "id": "'end_' || {t}.id",
        "state": "case when {t}.state = 'in_force' and not {t}.in_force @> {now}"
        " or {t}.state = 'suspended' and upper({t}.in_force) <= {now} then 'expired' else {t}.state end",
        "live": LIVE.format(e="{t}", now="{now}"),
        "expiring": _EXPIRING,
        "in_force_from": "lower({t}.in_force)",
        "in_force_until": "upper({t}.in_force)",
        "credential": "(select convert_from(s.credential, 'UTF8') from endorsement_signatures s"
        " where s.endorsement_id = {t}.id)",
        "signed_at": "(select s.signed_at from endorsement_signatures s where s.endorsement_id = {t}.id)",
        "signed_as": "(select s.signatory_roles from endorsement_signatures s where s.endorsement_id = {t}.id)",
        "hidden": HIDDEN.format(e="{t}"),
        "signatory_standing": f"case when {_SIGNS} then 'still_signatory' else 'left' end",
        "signatory_left_on": _LEFT_ON,
        "suspended_at": "(select x.suspended_at from endorsement_suspensions x"
        " where x.endorsement_id = {t}.id and x.resumed_at is null)",
        "suspension_reason": "(select x.reason from endorsement_suspensions x"
        " where x.endorsement_id = {t}.id and x.resumed_at is null)",
        "url": "(select i.value || '/endorsements/' || {t}.id from installation i where i.key = 'public_origin')",
    },
    # What is not signed yet, or was refused, is the endorser's own affair; the rest is seen by who sees the version.
    seen=(
        members(of="the endorser"),
        told(
            "once it is signed, who sees the version that it is about",
            "{t}.in_force is not null and exists (select from spec_versions v"
            " where v.id = {t}.spec_version_id and " + READABLE.replace("{t}", "v") + ")",
        ),
    ),
)

SEEN_WITH_ITS_VERSION = "({t}.organization_id = {actor_organization} or {t}.in_force is not null)"
"""What is left of an endorsement's visibility for who sees the version."""

_PAYLOAD = "{t}.payload->>"

EXPIRES_ON = (
    "case {t}.kind when 'hiring_pledge' then ({t}.payload->>'closes_on')::date"
    " when 'toolchain_confirmation' then (({t}.payload->>'checked_on')::date + interval '12 months')::date"
    " else ({t}.payload->>'until')::date end"
)
"""The last day on which a piece of evidence `{t}` says something of the present; null for what has no end."""

EVIDENCE = View(
    tag="evd",
    source="endorsement_evidence {t}",
    columns={
        "number": "{t}.no",
        **{
            name: f"{_PAYLOAD}'{name}'"
            for name in ("role", "region", "criterion", "expert_role", "case", "description")
        },
        **{
            name: f"{_PAYLOAD}'{name}'"
            for name in ("terms", "corpus", "query", "snapshot_digest", "basis", "programme")
        },
        "recognised_as": f"{_PAYLOAD}'recognised_as'",
        "expires_on": EXPIRES_ON,
        "share": "round(({t}.payload->>'matched')::numeric / ({t}.payload->>'total')::numeric, 4)",
        "recomputed": f"coalesce(({_PAYLOAD}'recomputed')::boolean, false)",
        **{
            name: f"({_PAYLOAD}'{name}')::{kind}"
            for kind, names in {
                "int": ("seats", "within_days", "assessors", "matched", "total"),
                "numeric": ("hours", "percent"),
                "date": ("opens_on", "closes_on", "until", "checked_on", "period_from", "period_to", "observed_on"),
            }.items()
            for name in names
        },
    },
    seen=(WITH_PARENT,),
)
"""Every kind in one view; a kind's type shows the columns that it has."""

TOOL = View(
    tag="tol",
    source="jsonb_array_elements({parent}.payload->'tools') with ordinality {t}(item, no)",
    columns={
        "name": "{t}.item->>'name'",
        "versions": "nullif({t}.item->>'versions', '')",
        "agreement": "{t}.item->>'agreement'",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)

SALARY = View(
    tag="sal",
    source="",
    columns={
        "low": "({t}.payload->'salary'->>'low')::numeric",
        "high": "({t}.payload->'salary'->>'high')::numeric",
        "currency": "{t}.payload->'salary'->>'currency'",
    },
    seen=(WITH_PARENT,),
)
"""Part of a hiring pledge's row."""
