"""How notices are read: by the one reader for whom each was made."""

from __future__ import annotations

from typing import Final

from countersign.kit.access import Permission
from countersign.kit.sight import WITH_PARENT, caller, holders, told
from countersign.kit.view import View
from countersign.learners.views import RECORDS
from countersign.notices.rules_delivery import DEFAULTS

_OF: Final = (
    "({n}.shown and (({n}.organization_id = {organization} and {n}.person_id = {person})"
    " or {n}.learner_id = any(" + RECORDS.replace("{0}", "{learner}") + ")))"
)


def _of(notice: str, organization: str, person: str, learner: str) -> str:
    """Whether the notice is in the inbox of a reader, each given as SQL."""
    parts = {"{n}": notice, "{organization}": organization, "{person}": person, "{learner}": learner}
    text = _OF
    for name, sql in parts.items():
        text = text.replace(name, sql)
    return text


OF_INBOX: Final = _of("{child}", "{parent}.organization_id", "{parent}.person_id", "{parent}.learner_id")
"""Whether the notice `{child}` is in the inbox `{parent}`."""

LANGUAGE: Final = (
    "case when {t}.learner_id is null then (select b.language from mailboxes b"
    " where b.organization_id = {t}.organization_id and b.person_id = {t}.person_id)"
    " else (select c.language from consents c where c.learner_id = {t}.learner_id"
    " order by c.granted_at desc limit 1) end"
)
"""The language in which the reader of the notice `{t}` is told: a learner's is that of the last consent."""

NOTICE: Final = View(
    tag="notice",
    source="notices {t}",
    columns={
        "id": "'notice_' || {t}.id",
        "happened_at": "{t}.at",
        "unread": "({t}.read_at is null)",
        "about_id": "case when {t}.subject ~ '^[a-z]+_' then {t}.subject end",
        "event_id": "'event_' || {t}.event_id",
    },
    seen=(
        told(
            "the member or learner for whom it was made",
            _of("{t}", "{actor_organization}", "{actor_person}", "{actor_learner}"),
        ),
    ),
)

WORDS: Final = (
    "convert_to(json_build_object('voice', {t}.voice, 'topic', {t}.topic, 'facts', {t}.facts, 'subject', {t}.subject,"
    f" 'language', {LANGUAGE},"
    " 'origin', (select i.value from installation i where i.key = 'public_origin'))::text, 'UTF8')"
)
"""What Python needs for the words and the link of the notice `{t}`."""

INBOX: Final = View(
    tag="inbox",
    source="(select {actor_organization} as organization_id, {actor_person} as person_id,"
    " {actor_learner} as learner_id, 1 as one) {t}",
    columns={
        "unread_count": "(select count(*)::int from notices n where n.read_at is null and "
        + _of("n", "{t}.organization_id", "{t}.person_id", "{t}.learner_id")
        + ")",
    },
    seen=(caller("({t}.organization_id is not null or {t}.learner_id is not null)"),),
    key="{t}.one",
)

UNREAD: Final = View(
    tag="unread",
    source="(select n.kind, count(*)::int as count from notices n where n.read_at is null and "
    + _of("n", "{parent}.organization_id", "{parent}.person_id", "{parent}.learner_id")
    + " group by n.kind) {t}",
    seen=(WITH_PARENT,),
    key="{t}.kind",
)

OWN_BOX: Final = "{child}.organization_id = {parent}.organization_id and {child}.person_id = {parent}.person_id"

MAILBOX: Final = View(
    tag="mailbox",
    source="mailboxes {t}",
    columns={
        "id": "'mailbox_' || {t}.id",
        "address_state": "{t}.state",
        "confirm_until": "case when {t}.state = 'pending' then {t}.confirm_until end",
    },
    seen=(
        told(
            "the member whose it is",
            "({t}.organization_id = {actor_organization} and {t}.person_id = {actor_person})",
        ),
    ),
)

ADDRESS: Final = "uuid_send({t}.id) || {t}.wrapped || {t}.address_sealed"
"""What Python opens the address of the mailbox `{t}` with; null when there is none."""


def _defaults() -> str:
    rows = (
        f"({number}, '{kind.value}', '{choice.channel.value}', '{choice.rhythm.value}')"
        for number, (kind, choice) in enumerate(DEFAULTS.items(), start=1)
    )
    return ", ".join(rows)


CHOICE: Final = View(
    tag="choice",
    source="(select d.no, d.kind, coalesce(c.channel, d.channel) as channel, coalesce(c.rhythm, d.rhythm) as rhythm,"
    f" c.kind is not null as chosen from (values {_defaults()}) d(no, kind, channel, rhythm) left join notice_choices c"
    " on c.kind = d.kind and c.mailbox_id = (select b.id from mailboxes b"
    " where b.organization_id = {parent}.organization_id and b.person_id = {parent}.person_id)) {t}",
    seen=(WITH_PARENT,),
    key="{t}.no",
)
"""Every kind with what was chosen for it, or what is so by default."""

WEBHOOK: Final = View(
    tag="whk",
    source="webhooks {t}",
    columns={
        "id": "'whk_' || {t}.id",
        "kinds": "array(select upper(k) from unnest({t}.kinds) k order by 1)",
        "old_secret_until": "case when {t}.previous_until > {now} then {t}.previous_until end",
    },
    seen=(holders(Permission.MANAGE_WEBHOOKS),),
)

DELIVERY: Final = View(
    tag="msg",
    source="webhook_deliveries {t}",
    columns={"id": "'msg_' || {t}.id", "next_try_at": "case when {t}.state = 'waiting' then {t}.due_at end"},
    seen=(holders(Permission.MANAGE_WEBHOOKS),),
)
