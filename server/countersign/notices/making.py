"""From events to notices: each event once, after its commit, in one transaction with the place up to which was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from countersign.kit import outbox
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id, parse_public_id, public_id
from countersign.kit.losses import UNREACHABLE
from countersign.kit.outbox import Told
from countersign.notices import texts, webhooks
from countersign.notices.rules_delivery import DEFAULTS, Channel, Choice, Rhythm, delivery, due
from countersign.notices.rules_topics import TOPICS, Audience, Party, Topic
from countersign.notices.subjects import BEHIND_VEIL, SUBJECTS, VEIL
from countersign.notices.tables import Notice

AT_ONCE: Final = 200
ARRIVED: Final = "notice.arrived"
TAG: Final = "notice"

_BEGIN: Final = "insert into notice_cursor (single, sequence) values (true, 0) on conflict do nothing"
_READERS: Final = """
select a.no, m.organization_id, m.person_id, b.id as mailbox_id, b.state = 'confirmed' as confirmed, c.channel, c.rhythm
from unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[], $6::text[]) a(no, organization_id, person_id, roles, kind)
join memberships m on m.organization_id = a.organization_id and m.valid_from <= $5
  and (m.valid_until is null or m.valid_until > $5)
  and case when a.person_id is null then m.roles && string_to_array(a.roles, ',') else m.person_id = a.person_id end
left join mailboxes b on b.organization_id = m.organization_id and b.person_id = m.person_id
left join notice_choices c on c.mailbox_id = b.id and c.kind = a.kind
order by a.no, m.organization_id, m.person_id
"""
_KEEP: Final = """
insert into notices
  (id, event_id, organization_id, person_id, learner_id, topic, kind, voice, subject, facts, shown, at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::jsonb[], $11::boolean[], $12::timestamptz[])
on conflict on constraint notices_once do nothing
returning id, kind, shown
"""
_LETTERS: Final = """
insert into mails (id, mailbox_id, purpose, rhythm, state, attempts, due_at, created_at)
select l.id, l.mailbox_id, 'notices', l.rhythm, 'waiting', 0, l.due_at, $5
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) l(id, mailbox_id, rhythm, due_at)
on conflict (mailbox_id, rhythm) where state = 'waiting' and rhythm <> 'now' and attempts = 0
  do update set due_at = mails.due_at
returning id, mailbox_id, rhythm
"""

PASSING: Final = (
    *UNREACHABLE,
    asyncpg.InterfaceError,
    asyncpg.LockNotAvailableError,
    asyncpg.exceptions.TransactionRollbackError,
)
"""What says nothing of an event: the next look tries again, and none is passed over."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Telling:
    """One event to one audience: the organization and its roles, the one person, or the learner."""

    event: Told
    topic: Topic
    audience: Audience
    organization_id: UUID | None
    person_id: UUID | None
    learner_id: int | None
    facts: Mapping[str, Any]

    @property
    def voice(self) -> str:
        """The sentence."""
        return texts.voice_of(self.event.topic, self.audience.party.value, self.facts.get("case"))


async def look(db: Database, limit: int = AT_ONCE) -> int:
    """Make the notices of the next numbered events; how many events were read.

    Notices and the place up to which was read are one transaction, so that a process that dies in between leaves
    nothing behind, and the next look makes the same. Another process that looks at the same moment reads none. An event
    that cannot be told is logged and passed over: it must not keep the others back.
    """
    async with db.writer() as tx:
        place = await tx.fetchval("select sequence from notice_cursor for update skip locked")
        if place is None:
            await tx.execute(_BEGIN)
            return 0
        events = await outbox.after(tx, place, await outbox.head(tx), limit)
        if not events:
            return 0
        try:
            async with tx.savepoint():
                await tell(tx, events)
        except PASSING:
            raise
        except Exception:  # noqa: BLE001 - told again one by one, and logged there
            await _one_by_one(tx, events)
        await tx.execute("update notice_cursor set sequence = $1", events[-1].sequence)
    return len(events)


async def _one_by_one(tx: Tx, events: Sequence[Told]) -> None:
    for event in events:
        try:
            async with tx.savepoint():
                await tell(tx, [event])
        except PASSING:
            raise
        except Exception:
            log.exception("nobody was told of an event", topic=event.topic, event_id=event.public_id)


@dataclass(frozen=True, slots=True)
class Made:
    """A notice, and how soon a letter to which mailbox tells it too."""

    notice: Notice
    mailbox_id: UUID | None = None
    rhythm: Rhythm | None = None


async def tell(tx: Tx, events: Sequence[Told]) -> None:
    """Make the notices of these events, the letters and the webhooks' deliveries that tell them too."""
    tellings = await _tellings(tx, [event for event in events if event.topic in TOPICS])
    await webhooks.queue(tx, [(t.organization_id, t.topic.kind, t.event) for t in tellings])
    made = await _of_members(tx, tellings)
    made += [Made(_notice(t, None, None, t.learner_id)) for t in tellings if t.learner_id is not None]
    if not made:
        return
    names = [column for column in Notice.model_fields if column not in {"read_at", "mail_id"}]
    kept = await tx.fetch(_KEEP, *([getattr(one.notice, name) for one in made] for name in names))
    now, arrived = await tx.now(), [row for row in kept if row["shown"]]
    await tx.insert(*(outbox.event(ARRIVED, public_id(TAG, row["id"]), {"kind": row["kind"]}, now) for row in arrived))
    tx.has_emitted = tx.has_emitted or bool(arrived)
    fresh = {row["id"] for row in kept}
    await _write_to(tx, [one for one in made if one.notice.id in fresh])


async def _write_to(tx: Tx, made: Sequence[Made]) -> None:
    """One letter for each mailbox and rhythm: what is sent at once, and the digest that waits already."""
    by_letter: dict[tuple[UUID, Rhythm], list[UUID]] = {}
    for one in made:
        if one.mailbox_id is not None and one.rhythm is not None:
            by_letter.setdefault((one.mailbox_id, one.rhythm), []).append(one.notice.id)
    if not by_letter:
        return
    now, keys = await tx.now(), list(by_letter)
    rows = await tx.fetch(
        _LETTERS,
        [new_id() for _ in keys],
        [mailbox for mailbox, _ in keys],
        [rhythm.value for _, rhythm in keys],
        [due(rhythm, now) for _, rhythm in keys],
        now,
    )
    letters = {(row["mailbox_id"], Rhythm(row["rhythm"])): row["id"] for row in rows}
    told = [(notice, letters[key]) for key, notices in by_letter.items() for notice in notices]
    await tx.execute(
        "update notices n set mail_id = t.mail from unnest($1::uuid[], $2::uuid[]) t(notice, mail)"
        " where n.id = t.notice",
        [notice for notice, _ in told],
        [letter for _, letter in told],
    )


async def _tellings(tx: Tx, events: Sequence[Told]) -> list[Telling]:
    """To whom each event is to be told: one statement for each kind of subject among them."""
    subjects = [_subject(event.subject) for event in events]
    about: dict[tuple[str, UUID], list[Any]] = {}
    for tag in sorted({found[0] for found in subjects if found is not None} & set(SUBJECTS)):
        keys = {found[1] for found in subjects if found is not None and found[0] == tag}
        for row in await tx.fetch(SUBJECTS[tag], list(keys)):
            about.setdefault((tag, row["subject"]), []).append(row)
    return [
        telling
        for event, found in zip(events, subjects, strict=True)
        if found is not None
        for row in about.get(found, ())
        for telling in _audiences(event, row)
    ]


def _audiences(event: Told, row: Any) -> Iterator[Telling]:
    topic, facts = TOPICS[event.topic], {**row["facts"], **event.payload}
    for audience in topic.to:
        match audience.party:
            case Party.LEARNER:
                if row["learner"] is not None:
                    yield Telling(event, topic, audience, None, None, row["learner"], facts)
                continue
            case Party.SCHOOL:
                organization, person = row["school"], None
            case Party.PARTNER:
                organization, person = row["partner"], None
            case Party.HOUSE:
                organization, person = row["house"], None
            case Party.PERSON:
                organization, person = row["partner"] or row["house"], row["person"]
        if organization is not None:
            hidden = BEHIND_VEIL if facts.get(VEIL) and audience.party is not Party.SCHOOL else {VEIL}
            shown = {name: value for name, value in facts.items() if name not in hidden}
            yield Telling(event, topic, audience, organization, person, None, shown)


async def _of_members(tx: Tx, tellings: Sequence[Telling]) -> list[Made]:
    """The notices of members, one for each who stands at this moment, by one statement."""
    asked = [t for t in tellings if t.organization_id is not None]
    rows = await tx.fetch(
        _READERS,
        list(range(len(asked))),
        [t.organization_id for t in asked],
        [t.person_id for t in asked],
        [",".join(role.value for role in t.audience.roles) for t in asked],
        await tx.now(),
        [t.topic.kind.value for t in asked],
    )
    made = []
    for row in rows:
        telling = asked[row["no"]]
        chosen = DEFAULTS[telling.topic.kind]
        if row["channel"] is not None:
            chosen = Choice(Channel(row["channel"]), Rhythm(row["rhythm"]))
        how = delivery(chosen, confirmed=bool(row["confirmed"]))
        if how is not None:
            notice = _notice(telling, row["organization_id"], row["person_id"], None, shown=how.shown)
            made.append(Made(notice, row["mailbox_id"], how.rhythm))
    return made


def _notice(
    telling: Telling,
    organization_id: UUID | None,
    person_id: UUID | None,
    learner_id: int | None,
    *,
    shown: bool = True,
) -> Notice:
    return Notice(
        id=new_id(),
        event_id=telling.event.id,
        organization_id=organization_id,
        person_id=person_id,
        learner_id=learner_id,
        topic=telling.event.topic,
        kind=telling.topic.kind.value,
        voice=telling.voice,
        subject=telling.event.subject,
        facts=dict(telling.facts),
        shown=shown,
        at=telling.event.at,
    )


def _subject(text: str) -> tuple[str, UUID] | None:
    """The kind and key of an event's subject; awards are named by `award:<uuid>`, since their public ids are sealed."""
    return parse_public_id(text.replace("award:", "award_", 1))
