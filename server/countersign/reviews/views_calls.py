"""How open calls, offers to review and the queue of what waits for an organization are read."""

from __future__ import annotations

from typing import Final

from countersign.kit.sight import EVERYONE, THROUGH, members, told
from countersign.kit.view import View
from countersign.reviews.places import TAKEN
from countersign.reviews.views import LAST_DAY

_TODAY: Final = "({now} at time zone 'utc')::date"

REVIEW_OFFER: Final = View(tag="rof", source="review_offers {t}", columns={"id": "'rof_' || {t}.id"}, seen=(EVERYONE,))

_MEANT: Final = (
    "exists (select from review_offers f where f.organization_id = {{actor_organization}}"
    " and f.organization_id <> {c}.school_id"
    " and (cardinality({c}.skill_ids) = 0 or f.skill_ids && {c}.skill_ids)"
    " and (cardinality({c}.sectors) = 0 or f.sectors && {c}.sectors))"
)
_OWN: Final = (
    "exists (select from review_requests w where w.call_id = {c}.id and w.organization_id = {{actor_organization}}"
)
MAY_TAKE: Final = (
    f"{_MEANT.format(c='{t}')} and not {_OWN.format(c='{t}')} and w.state in ('claimed', 'decided'))"
    f" and ({TAKEN} < {{t}}.places or {_OWN.format(c='{t}')} and w.state = 'open'))"
)
"""Whether the call `{t}` means the actor's organization, and a place in it is free for it or was given back by it."""
HIDDEN: Final = "({t}.blind and {t}.school_id is distinct from {actor_organization})"
"""Whether the call `{t}` does not show its school, nor anything that leads to it, to whoever asks."""

REVIEW_CALL: Final = View(
    tag="rcl",
    source="(select *, case when blind then blind_content else"
    " (select v.content from spec_versions v where v.id = spec_version_id) end as content from review_calls) {t}",
    columns={
        "id": "'rcl_' || {t}.id",
        "state": f"case when {{t}}.state = 'open' and {{t}}.due_on < {_TODAY} then 'lapsed' else {{t}}.state end",
        "taken": TAKEN + "::int",
        "veiled": HIDDEN,
    },
    seen=(
        members("school_id", of="the school that looks for reviewers"),
        told("members of an organization whose offer to review it means", _MEANT.format(c="{t}")),
        told("members of an organization that took a place in it", _OWN.format(c="{t}") + ")"),
    ),
)

_TAKEN_UP: Final = "q.state = 'claimed' and q.claimed_until > {now}"
_NOBODY: Final = "'00000000-0000-0000-0000-000000000000'::uuid"
_SCHOOL_OF: Final = f"case when q.blind and q.unveiled_at is null then {_NOBODY} else q.school_id end"
_REQUESTS: Final = (
    f"select q.id as request_id, null::uuid as call_id, q.id as item, {_SCHOOL_OF} as school, q.due_on,"
    " q.requested_at as asked_at from review_requests q where q.organization_id = {actor_organization}"
    " and q.call_id is null and (q.state = 'open' or (q.state = 'claimed' and q.claimed_until <= {now}))"
    f" and {LAST_DAY.format(t='q')} >= {_TODAY}"
)
_CALLS: Final = (
    (
        f"select null, c.id, c.id, case when c.blind then {_NOBODY} else c.school_id end, c.due_on, c.opened_at"
        f" from review_calls c where c.state = 'open' and c.due_on >= {_TODAY}"
        f" and {_MEANT.format(c='c')} and {TAKEN.format(t='c')} < c.places"
        f" and not {_OWN.format(c='c')} and w.state in ('claimed', 'decided'))"
        " and not exists (select from review_requests w where w.spec_version_id = c.spec_version_id"
        " and w.organization_id = {actor_organization} and w.state in ('open', 'claimed')"
        " and w.call_id is distinct from c.id)"
        " and not exists (select from organizations a join organizations b on b.control_group = a.control_group"
        " where a.id = {actor_organization} and b.id = c.school_id)"
    )
    .replace("{{", "{")
    .replace("}}", "}")
)
_IN_HAND: Final = (
    f"select {_SCHOOL_OF} as school, count(*) as n from review_requests q"
    f" where q.organization_id = {{actor_organization}} and {_TAKEN_UP} group by 1"
)
_TURNS: Final = (
    "select e.*, coalesce(h.n, 0)"
    " + row_number() over (partition by e.school order by e.due_on, e.asked_at, e.item) as turn"
    f" from ({_REQUESTS} union all {_CALLS}) e left join ({_IN_HAND}) h on h.school = e.school"
)

QUEUE: Final = View(
    tag="queue",
    source=f"(select u.request_id, u.call_id, u.due_on, u.asked_at, u.turn::int as turn, (to_char(u.turn, 'FM000000')"
    " || to_char(u.due_on, 'YYYYMMDD') || to_char(u.asked_at at time zone 'utc', 'YYYYMMDDHH24MISSUS') || u.item)"
    f' collate "C" as place from ({_TURNS}) u) {{t}}',
    seen=(THROUGH,),
    key="{t}.place",
)
"""What waits for the actor's organization, in the order of turns.

Each school has a turn after the other: the first thing of every school comes before the second of any, and what the
organization has in hand for a school counts as turns that it has had. Within a turn comes first what is due first, then
what was asked first. All blind things share one turn, since a place of their own would tell whose they are.
"""
