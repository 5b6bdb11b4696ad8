"""What an event is about: by the kind of its subject, one statement that tells who stands where, and the facts to tell.

Each answers rows of `subject`, `school`, `partner`, `house`, `person` (of partner or house), `learner` and `facts`; one
subject may have several rows, one for each partner. Facts are names of things and days, never of people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from countersign.endorsements.pledge_rules import SETTLING

VEIL: Final = "veiled"
"""The fact that a review is blind for now: whoever reviews is told neither the school nor the specification."""
BEHIND_VEIL: Final = frozenset({"title", "semver", "slug", "school", VEIL})
TITLE: Final = "'title', v.title, 'semver', v.semver, 'slug', p.slug, 'public', v.published_at is not null"
_VERSION: Final = "join spec_versions v on v.id = {on} join specs p on p.id = v.spec_id"
_NAMES: Final = "'school', s.display_name, 'partner', o.display_name"

_REQUEST: Final = (
    "q.school_id as school, q.organization_id as partner, null::uuid as house, q.claimed_by as person,"
    f" null::bigint as learner, jsonb_build_object({TITLE}, {_NAMES}, 'due_on', q.due_on,"
    f" '{VEIL}', q.blind and q.unveiled_at is null) as facts"
    " from review_requests q join organizations s on s.id = q.school_id"
    " join organizations o on o.id = q.organization_id " + _VERSION.format(on="q.spec_version_id")
)
_HOUSE: Final = "null::uuid as school, null::uuid as partner, {house} as house, {person} as person"
_NO_LEARNER: Final = "null::bigint as learner"
_ENDORSERS: Final = (
    "select e.organization_id from endorsements e where e.spec_version_id = v.id"
    " and e.state in ('in_force', 'suspended')"
    " union select q.organization_id from review_requests q where q.spec_version_id = v.id"
    " and q.state in ('open', 'claimed') and not (q.blind and q.unveiled_at is null)"
)
_BETWEEN: Final = (
    "select x.id as subject, {school} as school, x.organization_id as partner, null::uuid as house, {person} as person,"
    f" {_NO_LEARNER}, jsonb_build_object({TITLE}, {_NAMES}) as facts"
    " from {table} x join spec_versions v on v.id = x.spec_version_id join specs p on p.id = v.spec_id"
    " join organizations s on s.id = {school} join organizations o on o.id = x.organization_id where x.id = any($1)"
)
"""What stands between a school and another organization, about one version."""


def _between(table: str, *, school: str = "x.school_id", person: str = "null::uuid") -> str:
    return _BETWEEN.format(table=table, school=school, person=person)


SUBJECTS: Final[Mapping[str, str]] = {
    "rrq": f"select q.id as subject, {_REQUEST} where q.id = any($1)",
    "rev": f"select r.id as subject, {_REQUEST} join reviews r on r.request_id = q.id where r.id = any($1)",
    "end": "select e.id as subject, v.organization_id as school, e.organization_id as partner, null::uuid as house,"
    f" e.signatory_id as person, {_NO_LEARNER}, jsonb_build_object({TITLE}, {_NAMES},"
    " 'until', (e.valid_until at time zone 'utc')::date) as facts"
    f" from endorsements e {_VERSION.format(on='e.spec_version_id')} join organizations s on s.id = v.organization_id"
    " join organizations o on o.id = e.organization_id where e.id = any($1)",
    "rcl": "select c.id as subject, c.school_id as school, f.organization_id as partner, null::uuid as house,"
    f" null::uuid as person, {_NO_LEARNER}, jsonb_build_object({TITLE}, 'school', s.display_name, 'due_on', c.due_on,"
    f" '{VEIL}', c.blind) as facts from review_calls c join organizations s on s.id = c.school_id"
    f" {_VERSION.format(on='c.spec_version_id')} left join review_offers f"
    " on f.organization_id <> c.school_id and (cardinality(c.skill_ids) = 0 or f.skill_ids && c.skill_ids)"
    " and (cardinality(c.sectors) = 0 or f.sectors && c.sectors) where c.id = any($1)",
    "rcm": _between("review_comments"),
    "rsg": _between("review_suggestions"),
    "chg": _between("change_requests"),
    "sug": _between("statement_suggestions"),
    "prp": _between("endorsement_proposals", school="v.organization_id", person="x.proposed_by"),
    "plg": "select g.id as subject, v.organization_id as school, g.organization_id as partner, null::uuid as house,"
    f" null::uuid as person, {_NO_LEARNER}, jsonb_build_object({TITLE}, {_NAMES}, 'role', g.role,"
    " 'endorsement', 'end_' || e.id, 'waiting', w.waiting, 'case', case when w.waiting > 0 then 'waiting' end,"
    f" 'answer_by', g.closes_on + {SETTLING.days}) as facts"
    f" from pledges g join endorsements e on e.id = g.endorsement_id {_VERSION.format(on='e.spec_version_id')}"
    " join organizations s on s.id = v.organization_id join organizations o on o.id = g.organization_id"
    " cross join lateral (select g.reserved - g.returned - g.broken - g.redeemed as waiting) w"
    " where g.id = any($1)",
    "drf": "select d.id as subject, "
    + _HOUSE.format(house="d.organization_id", person="null::uuid")
    + f", {_NO_LEARNER}, jsonb_build_object({TITLE}, 'tool', d.tool, 'versions', d.versions,"
    " 'case', case when d.endorsement_id is null then 'taught_' else '' end || d.cause, 'until', d.supported_until,"
    " 'newer', d.newer_versions, 'next', n.semver) as facts"
    f" from drift_alarms d {_VERSION.format(on='d.spec_version_id')}"
    " left join spec_versions n on n.id = d.newer_version_id where d.id = any($1)",
    "pol": "select q.id as subject, "
    + _HOUSE.format(house="o.id", person="null::uuid")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name,"
    " 'from', (q.effective_from at time zone 'utc')::date) as facts"
    " from quorum_policies q join organizations o on o.id = q.organization_id"
    " or (q.organization_id is null and o.kind = 'school') where q.id = any($1)",
    "spo": "select x.id as subject, null::uuid as school,"
    " case when x.declared_by = x.sponsor_id then x.sponsored_id else x.sponsor_id end as partner,"
    f" x.declared_by as house, null::uuid as person, {_NO_LEARNER},"
    " jsonb_build_object('sponsor', s.display_name, 'sponsored', o.display_name) as facts"
    " from sponsorships x join organizations s on s.id = x.sponsor_id join organizations o on o.id = x.sponsored_id"
    " where x.id = any($1)",
    "version": "select v.id as subject, v.organization_id as school, n.organization_id as partner,"
    f" null::uuid as house, null::uuid as person, {_NO_LEARNER},"
    f" jsonb_build_object({TITLE}, 'school', s.display_name) as facts"
    " from spec_versions v join specs p on p.id = v.spec_id join organizations s on s.id = v.organization_id"
    f" left join lateral ({_ENDORSERS}) n on true where v.id = any($1)",
    "membership": "select m.id as subject, "
    + _HOUSE.format(house="m.organization_id", person="m.person_id")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name, 'roles', array_to_string(m.roles, ', ')) as facts"
    " from memberships m join organizations o on o.id = m.organization_id where m.id = any($1)",
    "org": "select o.id as subject, "
    + _HOUSE.format(house="o.id", person="null::uuid")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name, 'handle', o.handle) as facts"
    " from organizations o where o.id = any($1)",
    "apr": "select a.id as subject, "
    + _HOUSE.format(house="a.organization_id", person="a.proposed_by")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name, 'action', a.action) as facts"
    " from approvals a join organizations o on o.id = a.organization_id where a.id = any($1)",
    "token": "select t.id as subject, "
    + _HOUSE.format(house="t.organization_id", person="t.person_id")
    + ", t.learner_id as learner, jsonb_build_object('house', o.display_name, 'last4', t.last4) as facts"
    " from api_tokens t left join organizations o on o.id = t.organization_id where t.id = any($1)",
    "whk": "select w.id as subject, "
    + _HOUSE.format(house="w.organization_id", person="null::uuid")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name, 'host', split_part(w.url, '/', 3)) as facts"
    " from webhooks w join organizations o on o.id = w.organization_id where w.id = any($1)",
    "mailbox": "select b.id as subject, "
    + _HOUSE.format(house="b.organization_id", person="b.person_id")
    + f", {_NO_LEARNER}, jsonb_build_object('house', o.display_name) as facts"
    " from mailboxes b join organizations o on o.id = b.organization_id where b.id = any($1)",
    "lnk": "select l.id as subject, null::uuid as school,"
    " case when l.declared_by = l.holder_id then l.held_id else l.holder_id end as partner, l.declared_by as house,"
    f" null::uuid as person, {_NO_LEARNER},"
    " jsonb_build_object('holder', h.display_name, 'held', d.display_name) as facts"
    " from ownership_links l join organizations h on h.id = l.holder_id join organizations d on d.id = l.held_id"
    " where l.id = any($1)",
    "award": "select a.id as subject, a.organization_id as school, null::uuid as partner, null::uuid as house,"
    " null::uuid as person, coalesce((select g.main_id from learner_merges g where g.learner_id = a.learner_id),"
    f" a.learner_id) as learner, jsonb_build_object({TITLE}, 'school', s.display_name) as facts"
    f" from awards a {_VERSION.format(on='a.spec_version_id')} join organizations s on s.id = a.organization_id"
    " where a.id = any($1) and not a.held_back",
}
"""By the tag of a subject: the statement over the uuids in $1."""
