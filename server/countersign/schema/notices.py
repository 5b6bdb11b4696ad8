"""Notices at the front desk: the inbox of whoever asks, what is unread in it, and what has just arrived."""

import json
from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.notices import service, texts
from countersign.notices.views import INBOX, NOTICE, OF_INBOX, OWN_BOX, UNREAD, WORDS
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one, slot
from countersign.reads.orders import Order, Orders
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.notices_kinds import NoticeKind
from countersign.schema.notices_mailbox import Mailbox, NoticeChoice
from countersign.schema.organizations import Organization
from countersign.schema.subscriptions_base import event, stream


def _sentence(words: bytes, _call: Call) -> str:
    told = json.loads(words)
    return texts.sentence(told["voice"], told["facts"], told["language"])


def _link(words: bytes, _call: Call) -> str | None:
    told = json.loads(words)
    return texts.link(told["topic"], told["subject"], told["facts"], told["origin"] or "")


@bound(NOTICE, description="What you are told of something that happened. Nobody else sees it, not even a colleague.")
class Notice(Node):
    """What one reader is told."""

    kind: NoticeKind = column(description="What it is about.")
    topic: str = column(description="What happened, as a word for programs, such as `review.requested`.")
    sentence: str = slot(payload=WORDS, maker=_sentence, description="What happened, in your language.")
    link: str | None = slot(
        payload=WORDS,
        maker=_link,
        description="The page of what it is about; null when that has none, or none that may be opened yet.",
    )
    happened_at: datetime = column(description="When it happened.")
    unread: bool = column(description="Whether you have not read it yet.")
    read_at: datetime | None = column(description="When you read it first.")
    about_id: strawberry.ID | None = column(
        description="The id of what it is about, for `node(id:)`; null where that is an award."
    )
    event_id: strawberry.ID = column(description="The event; equal for all who are told of it.")
    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id",
        description="The organization in which you are told; null when you are told as a learner.",
    )


@bound(UNREAD, description="How many notices of one kind you have not read.", key_type="text")
class UnreadNotices:
    """How many notices of a kind are unread."""

    kind: NoticeKind = column(description="The kind.")
    count: int = column(description="How many; kinds without any are left out.")


@strawberry.input(description="Which notices; all conditions must hold.")
class NoticeFilter:
    """Which notices."""

    unread: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that you have not read, or only those that you have."
    )
    kind: NoticeKind | None = strawberry.field(default=strawberry.UNSET, description="Only of this kind.")


NOTICE_ORDERS = Orders(
    "NoticeOrder", HAPPENED_AT=Order("{child}.at", "timestamptz", "By the time of what happened."), descending=True
)


@bound(
    INBOX,
    description="Your notices: as a member of the organization for which you act, or as a learner.",
    key_type="int",
)
class Inbox:
    """The notices of one reader."""

    unread_count: int = column(description="How many you have not read.")
    unread: list[UnreadNotices] = many(order="{child}.kind", size=4, description="The same by kind.")
    notices: Connection[Notice] = connection(
        on=OF_INBOX,
        orders=NOTICE_ORDERS,
        where={
            "filter.unread": "({child}.read_at is null) = {value:boolean}",
            "filter.kind": "{child}.kind = {value:text}",
        },
        args={"filter": arg(NoticeFilter | None, "Which of them.")},
        description="The notices, the newest first. They are kept for a year.",
    )
    choices: list[NoticeChoice] = many(
        on="{parent}.person_id is not null and {parent}.organization_id is not null",
        order="{child}.no",
        size=12,
        description="How each kind reaches you; learners have only their inbox, and so nothing to choose.",
    )
    mailbox: Mailbox | None = one(
        on=OWN_BOX, description="Your language and your address; null until you choose anything."
    )


@strawberry.type
class NoticeQueries:
    """Root fields."""

    inbox: Inbox | None = one(description="Your inbox; null when you act for nobody.")
    notice: Notice | None = find(description="One of your notices.")


@event(kinds=NoticeKind, description="A notice has arrived in your inbox.")
class NoticeEvent:
    """A notice has arrived."""

    notice: Notice | None = entity(description="The notice, as it is now.")


@strawberry.type
class NoticeSubscriptions:
    """Root fields of subscriptions."""

    notice_arrived: NoticeEvent = stream(
        topics={"notice.arrived": NoticeKind.REVIEWS},
        kinds=NoticeKind,
        state="kind",
        filters={},
        reader="reader",
        description="Your notices, as they arrive; of nobody else's you are told anything.",
    )


@strawberry.input(description="A notice that you have read, or want to keep as unread.")
class MarkNoticeInput(CommandInput):
    """A notice that was read."""

    notice_id: strawberry.ID = strawberry.field(description="Your notice.")
    read: bool = strawberry.field(default=True, description="False to have it unread again.")


@strawberry.input(description="Up to where you have read.")
class MarkAllNoticesReadInput(CommandInput):
    """Up to where was read."""

    up_to_id: strawberry.ID = strawberry.field(
        description="The newest notice that you have seen: what has come since then stays unread."
    )


@payload(description="The notice.")
class MarkNoticePayload:
    """The notice."""

    notice: Notice | None = entity(description="The notice.")


@payload(description="The newest of the notices that are read now.")
class MarkAllNoticesReadPayload:
    """The newest notice that was read."""

    notice: Notice | None = entity(description="The newest of them.")


async def _mark(tx: Tx, actor: Actor, given: MarkNoticeInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.notice_id, NOTICE.tag, "notice", "noticeId")
    return {"notice": public_id(NOTICE.tag, await service.mark(tx, actor, key, read=given.read))}


async def _mark_all(tx: Tx, actor: Actor, given: MarkAllNoticesReadInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.up_to_id, NOTICE.tag, "notice", "upToId")
    return {"notice": public_id(NOTICE.tag, await service.mark_all(tx, actor, key))}


_OWN = "one's own mark on one's own notice, and it can be taken back"


@strawberry.type
class NoticeMutations:
    """Root fields."""

    mark_notice: MarkNoticePayload | None = command(
        MarkNoticeInput,
        _mark,
        permission=Permission.MANAGE_NOTICES,
        lock=Lock.STATE,
        because=_OWN,
        description="Mark one of your notices as read, or as unread again.",
    )
    mark_all_notices_read: MarkAllNoticesReadPayload | None = command(
        MarkAllNoticesReadInput,
        _mark_all,
        permission=Permission.MANAGE_NOTICES,
        lock=Lock.STATE,
        because=_OWN,
        description="Mark all your notices as read, up to the newest that you have seen.",
    )
