"""Rows of notices and of the place up to which the outbox was read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class NoticeCursor(Table, table=True):
    """One row: the number of the last event of which notices were made. It moves in the transaction that makes them."""

    __tablename__ = "notice_cursor"
    __table_args__ = (CheckConstraint("single", name="notice_cursor_one_row"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"sequence"})

    single: bool = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)


class Notice(Table, table=True):
    """What one person in one organization, or one learner, is told of one event.

    `voice` names the sentence, `facts` what stands in it; neither holds personal data.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="notices_one_reader",
        ),
        UniqueConstraint(
            "event_id",
            "organization_id",
            "person_id",
            "learner_id",
            name="notices_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("notices_of_person", "person_id", "organization_id", "at"),
        Index("notices_of_learner", "learner_id", postgresql_where="learner_id is not null"),
        Index("notices_unread", "person_id", "organization_id", postgresql_where="read_at is null and shown"),
        Index("notices_at", "at"),
        Index("notices_of_mail", "mail_id", postgresql_where="mail_id is not null"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION, "learner_id": Owner.LEARNER}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"read_at", "mail_id", "shown"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    event_id: uuid.UUID
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id", index=True)
    person_id: uuid.UUID | None = None
    learner_id: int | None = Field(default=None, sa_type=BigInteger)
    topic: str
    kind: str
    voice: str
    subject: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    shown: bool
    """Whether it is in the inbox; what is wanted by mail alone is not, as long as there is a letter that tells it."""
    at: datetime = Field(sa_type=DateTime(timezone=True))
    read_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    mail_id: uuid.UUID | None = None
    """The letter that tells it too; no reference, since letters are forgotten first."""


class Mailbox(Table, table=True):
    """How a member of an organization is told besides the inbox: the language and, sealed, an address.

    `wrapped` is the key of the address, made anew with each address; `nonce` is behind the links of its letters.
    """

    __tablename__ = "mailboxes"
    __table_args__ = (
        UniqueConstraint("organization_id", "person_id", name="mailboxes_one"),
        CheckConstraint("language in ('en', 'ru')", name="mailboxes_language"),
        CheckConstraint("state in ('none', 'pending', 'confirmed', 'bounced', 'unsubscribed')", name="mailboxes_state"),
        CheckConstraint(
            "(state = 'none') = (address_sealed is null) and (address_sealed is null) = (wrapped is null)",
            name="mailboxes_address",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"language", "state", "address_sealed", "wrapped", "nonce", "confirm_until", "updated_at"}
    )
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    person_id: uuid.UUID
    language: str
    state: str
    address_sealed: bytes | None = None
    wrapped: bytes | None = None
    nonce: bytes
    confirm_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class NoticeChoice(Table, table=True):
    """What a person has chosen for one kind of notices; kinds without a row are as `rules_delivery.DEFAULTS` says."""

    __tablename__ = "notice_choices"
    __table_args__ = (
        CheckConstraint("channel in ('inbox', 'mail', 'both', 'none')", name="notice_choices_channel"),
        CheckConstraint("rhythm in ('now', 'daily', 'weekly')", name="notice_choices_rhythm"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"channel", "rhythm"})
    __deletable__: ClassVar[bool] = True

    mailbox_id: uuid.UUID = Field(primary_key=True, foreign_key="mailboxes.id")
    kind: str = Field(primary_key=True)
    channel: str
    rhythm: str


class Mail(Table, table=True):
    """A letter to a mailbox: what it says is made when it is sent, from the notices that name it.

    `due_at` is when it is tried next; while it is being sent, when somebody else may try.
    """

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("purpose in ('confirm', 'notices')", name="mails_purpose"),
        CheckConstraint("rhythm in ('now', 'daily', 'weekly')", name="mails_rhythm"),
        CheckConstraint("state in ('waiting', 'sending', 'sent', 'failed', 'dropped')", name="mails_state"),
        Index("mails_due", "due_at", postgresql_where="state in ('waiting', 'sending')"),
        Index(
            "mails_one_digest",
            "mailbox_id",
            "rhythm",
            unique=True,
            postgresql_where="state = 'waiting' and rhythm <> 'now' and attempts = 0",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "attempts", "due_at", "problem", "settled_at"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    mailbox_id: uuid.UUID = Field(foreign_key="mailboxes.id", index=True)
    purpose: str
    rhythm: str
    state: str
    attempts: int
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    settled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    problem: str | None = None
    """What the mail server said last, as a number and no more: its words may hold the address."""


class Webhook(Table, table=True):
    """An https address of an organization that is told of events, and the secrets by which it knows that it is us.

    `wrapped` is the key under which the secrets are sealed; `previous_sealed` is good until `previous_until`.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("state in ('active', 'disabled', 'removed')", name="webhooks_state"),
        CheckConstraint("(previous_sealed is null) = (previous_until is null)", name="webhooks_previous"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"url", "kinds", "state", "secret_sealed", "previous_sealed", "previous_until", "failing_since", "updated_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    url: str
    kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str
    wrapped: bytes
    secret_sealed: bytes
    previous_sealed: bytes | None = None
    previous_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    failing_since: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When the first of the failures began that no success has ended."""
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class WebhookDelivery(Table, table=True):
    """One event for one webhook: the body that is signed, and how far it has come. Its id is the receiver's key."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'delivered', 'dead')", name="webhook_deliveries_state"),
        UniqueConstraint("webhook_id", "event_id", name="webhook_deliveries_once"),
        Index("webhook_deliveries_due", "due_at", postgresql_where="state = 'waiting'"),
        Index("webhook_deliveries_settled", "settled_at", postgresql_where="settled_at is not null"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "attempts", "due_at", "outcome", "settled_at"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    webhook_id: uuid.UUID = Field(foreign_key="webhooks.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    event_id: uuid.UUID
    topic: str
    body: str
    state: str
    attempts: int
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    settled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    outcome: str | None = None
    """What came of the last try, in words of ours: never what the receiver wrote."""
