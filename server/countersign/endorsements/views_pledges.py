"""How pledges, their ledgers, kept promises, support dates and drift alarms are read."""

from __future__ import annotations

from countersign.endorsements.drift_rules import State as AlarmState
from countersign.endorsements.pledge_rules import DEFINITION, FEWEST_SETTLED, SETTLING, State, Z
from countersign.endorsements.pledges import PROMISES
from countersign.kit.sight import EVERYONE, WITH_PARENT, members, told
from countersign.kit.view import View
from countersign.specs.views import READABLE

_TODAY = "({now} at time zone 'UTC')::date"
TAKEN = "({t}.reserved - {t}.returned - {t}.broken)"

PLEDGE_STATE = (
    "(select case"
    f" when {{t}}.withdrawn_at is not null or {{ended}} then '{State.WITHDRAWN.value}'"
    f" when {_TODAY} > {{t}}.closes_on then '{State.LAPSED.value}'"
    f" when {{pending}} or {{paused}} or {_TODAY} < {{t}}.opens_on then '{State.OFFERED.value}'"
    f" when {TAKEN} >= {{t}}.seats then '{State.EXHAUSTED.value}' else '{State.OPEN.value}' end"
    " from endorsements e where e.id = {t}.endorsement_id)"
)
for _promise, _when in PROMISES.items():
    PLEDGE_STATE = PLEDGE_STATE.replace("{" + _promise.name.lower() + "}", _when)
"""`pledge_rules.state_of` in SQL for the pledge `{t}`; a test keeps the two equal."""

PLEDGE = View(
    tag="plg",
    source="pledges {t}",
    columns={
        "id": "'plg_' || {t}.id",
        "state": PLEDGE_STATE,
        "seats_left": f"case when {PLEDGE_STATE} in ('open', 'exhausted') then {{t}}.seats - {TAKEN} else 0 end",
        "waiting": f"({TAKEN} - {{t}}.redeemed)",
    },
    seen=(
        members(of="the endorser"),
        told(
            "once its endorsement is signed, who sees the version that it is about",
            "exists (select from endorsements e join spec_versions v on v.id = e.spec_version_id"
            " where e.id = {t}.endorsement_id and e.in_force is not null and " + READABLE.replace("{t}", "v") + ")",
        ),
    ),
)

PLEDGE_ENTRY = View(
    tag="ple",
    source="pledge_entries {t}",
    columns={
        "id": "'ple_' || {t}.id",
        "by_school": "({t}.by_id = {t}.school_id)",
    },
    seen=(members("school_id", of="the school"), members("endorser_id", of="the endorser")),
)

WAITS = "({t}.kind = 'reserve' and not exists (select from pledge_entries s where s.reservation_id = {t}.id))"
"""Whether the line `{t}` is a reserved seat that waits for its outcome."""

_OVERDUE = f"{_TODAY} > p.closes_on + {SETTLING.days}"
_WAITING = "(p.reserved - p.returned - p.broken - p.redeemed)"
_WILSON = (
    "round(least(1, greatest(0, (c.kept::numeric / c.n + {z} * {z} / (2 * c.n) {sign} {z} * sqrt(c.kept::numeric / c.n"
    " * (1 - c.kept::numeric / c.n) / c.n + {z} * {z} / (4 * c.n * c.n))) / (1 + {z} * {z} / c.n))), 3)"
)

KEPT_PROMISES = View(
    tag="kpt",
    source=(
        "(select c.*, "
        f"case when c.n >= {FEWEST_SETTLED} then round(c.kept::numeric / c.n, 3) end as rate,"
        f" case when c.n >= {FEWEST_SETTLED} then {_WILSON.format(z=Z, sign='-')} end as low,"
        f" case when c.n >= {FEWEST_SETTLED} then {_WILSON.format(z=Z, sign='+')} end as high"
        " from (select b.*, b.kept + b.broken as n from (select count(*)::int as pledges,"
        " coalesce(sum(p.seats), 0)::int as seats, coalesce(sum(p.redeemed), 0)::int as kept,"
        f" coalesce(sum(p.broken + case when {_OVERDUE} then {_WAITING} else 0 end), 0)::int as broken,"
        f" coalesce(sum(case when {_OVERDUE} then 0 else {_WAITING} end), 0)::int as pending,"
        " coalesce(sum(p.returned), 0)::int as returned,"
        " count(distinct v.organization_id) filter (where p.reserved > 0)::int as schools"
        " from pledges p join endorsements e on e.id = p.endorsement_id"
        " join spec_versions v on v.id = e.spec_version_id"
        " where p.organization_id = {parent}.id and e.in_force is not null) b) c) {t}"
    ),
    columns={"definition": "'" + DEFINITION.replace("'", "''") + "'"},
    seen=(WITH_PARENT,),
    key="{t}.n",
)
"""`pledge_rules.kept` in SQL for an organization; a test keeps the two equal."""

TOOL_CYCLE = View(
    tag="cyc",
    source="tool_cycles {t}",
    columns={
        "id": "'cyc_' || {t}.id",
        "supported": f"coalesce({{t}}.supported_until >= {_TODAY}, true)",
        "imported_at": "(select i.imported_at from support_imports i where i.id = {t}.import_id)",
    },
    seen=(EVERYONE,),
)

DRIFT_ALARM = View(
    tag="drf",
    source="drift_alarms {t}",
    columns={
        "id": "'drf_' || {t}.id",
        "pending": f"({{t}}.state in ('{AlarmState.OPEN.value}', '{AlarmState.ACKNOWLEDGED.value}'))",
    },
    seen=(
        members(of="the organization whose answer it awaits"),
        told(
            "who sees the version that it is about",
            "exists (select from spec_versions v where v.id = {t}.spec_version_id and "
            + READABLE.replace("{t}", "v")
            + ")",
        ),
    ),
)
