"""How endorsements and their evidence are read, and what "live" and "co-validated" mean in SQL."""

from __future__ import annotations

from countersign.endorsements.rules import EXPIRING_WITHIN
from countersign.endorsements.rules_quorum import DEFAULT_POLICY
from countersign.kit.sight import WITH_PARENT, members, told
from countersign.kit.view import View
from countersign.organizations.standing import UNSUSPENDED_AT
from countersign.specs.views import READABLE

LIVE = "({e}.state = 'in_force' and ({e}.in_force @> {now}) is true)"
"""Whether the endorsement `{e}` is in force at `{now}`, the present. Its end by time needs no job.

`is true` hides the range from the planner: by the GiST index of the exclusion constraint a version's endorsements cost
forty times what they cost by the index of the version.
"""

IN_FORCE_AT = (
    "((({e}.in_force @> {at}) is true) and not exists (select from endorsement_suspensions x"
    " where x.endorsement_id = {e}.id and x.suspended_at <= {at} and coalesce(x.resumed_at > {at}, true)))"
)
"""Whether the endorsement `{e}` was in force at any instant `{at}`, past or present: closed ranges keep history,
and suspensions leave gaps in it."""

CO_VALIDATED_AT = (
    "((select count(distinct o.control_group) from endorsements e join organizations o on o.id = e.organization_id"
    " where e.spec_version_id = {v}.id and "
    + IN_FORCE_AT.format(e="e", at="{at}")
    + " and "
    + UNSUSPENDED_AT.format(o="o", at="{at}")
    + " and o.control_group <>"
    " (select s.control_group from organizations s where s.id = {v}.organization_id))"
    f" >= {DEFAULT_POLICY.groups})"
)
"""`rules.co_validated` in SQL for the version `{v}` at `{at}`; a test keeps the two equal."""

LIVE_COUNT = (
    "(select count(*) from endorsements e where e.spec_version_id = {v}.id and " + LIVE.format(e="e", now="{now}") + ")"
)
"""How many endorsements of the version `{v}` are in force at `{now}`."""

_EXPIRING = (
    "(" + LIVE.format(e="{t}", now="{now}") + " and upper({t}.in_force) <= {now} + interval '"
    f"{EXPIRING_WITHIN.days} days')"
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
    columns={"name": "{t}.item->>'name'", "versions": "nullif({t}.item->>'versions', '')"},
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
