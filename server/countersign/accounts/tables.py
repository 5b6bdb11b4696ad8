"""Rows of accounts and logins."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class Account(Table, table=True):
    """Somebody as one provider knows them. `key` is the SHA-256 of issuer and subject; nothing else tells who it is."""

    __tablename__ = "accounts"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    id: uuid.UUID = Field(primary_key=True)
    key: bytes = Field(unique=True)
    issuer: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Login(Table, table=True):
    """One session of an account, from sign-in (or step-up) until it ends.

    `provider_session` is the SHA-256 of issuer and `sid`, for the provider's own sign-out; `email_key` that of the
    address which the provider vouched for, forgotten with the session.
    """

    __tablename__ = "account_logins"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"seen_at", "ended_at", "email_key"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    account_id: uuid.UUID = Field(foreign_key="accounts.id", index=True)
    sha256: bytes = Field(unique=True)
    provider_session: bytes | None = Field(default=None, index=True)
    email_key: bytes | None = None
    authenticated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    seen_at: datetime = Field(sa_type=DateTime(timezone=True))
    ends_at: datetime = Field(index=True, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class AccountLearner(Table, table=True):
    """Which learner an account is; one at most, and a learner has one account at most."""

    __tablename__ = "account_learners"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __deletable__: ClassVar[bool] = True

    account_id: uuid.UUID = Field(primary_key=True, foreign_key="accounts.id")
    learner_id: int = Field(unique=True, sa_type=BigInteger)
    since: datetime = Field(sa_type=DateTime(timezone=True))


class SignIn(Table, table=True):
    """A sign-in that has begun: the digests of its state and of the browser's cookie. Taken out when it comes back.

    `login_id` is the session that proves itself anew, when it is a step-up.
    """

    __tablename__ = "sign_ins"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    state_sha256: bytes = Field(primary_key=True)
    browser_sha256: bytes
    provider: str
    return_to: str
    login_id: uuid.UUID | None = None
    expires_at: datetime = Field(index=True, sa_type=DateTime(timezone=True))


class OneTime(Table, table=True):
    """A secret that is good once: the ticket of a socket (with a session), a link of demo or dev (with an account)."""

    __tablename__ = "one_time_secrets"
    __table_args__ = (
        CheckConstraint("(login_id is not null) <> (account_id is not null)", name="one_time_secrets_one_meaning"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    sha256: bytes = Field(primary_key=True)
    login_id: uuid.UUID | None = Field(default=None, foreign_key="account_logins.id")
    account_id: uuid.UUID | None = Field(default=None, foreign_key="accounts.id")
    expires_at: datetime = Field(index=True, sa_type=DateTime(timezone=True))


class Attempts(Table, table=True):
    """How often something was tried since when, by a keyed digest of who tried it. UNLOGGED: a crash forgives."""

    __tablename__ = "attempts"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it from the class
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"since", "count"})
    __deletable__: ClassVar[bool] = True

    key: bytes = Field(primary_key=True)
    since: datetime = Field(index=True, sa_type=DateTime(timezone=True))
    count: int
