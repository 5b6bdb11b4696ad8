"""Notices as rows, for worlds in which nothing need have happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from countersign.kit.access import Actor
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.notices.mailboxes import ADDRESS
from countersign.notices.webhooks import SECRET

FACTS: Final[Mapping[str, Any]] = {"title": "A/B", "semver": "1.0.0", "slug": "a-b", "partner": "Ω {x}"}


async def told(tx: Tx, reader: Actor, facts: Mapping[str, Any] = FACTS, *, read_at: datetime | None = None) -> str:
    """A notice for a member or a learner: its id."""
    identity = new_id()
    await tx.execute(
        "insert into notices (id, event_id, organization_id, person_id, learner_id, topic, kind, voice, subject,"
        " facts, shown, at, read_at) values ($1, $2, $3, $4, $5, 'endorsement.revoked', 'endorsements',"
        " 'endorsement.revoked', $6, $7, true, $8, $9)",
        *(identity, new_id(), reader.organization_id, None if reader.learner_id else reader.person_id),
        *(reader.learner_id, f"end_{new_id()}", dict(facts), await tx.now(), read_at),
    )
    return f"notice_{identity}"


async def chosen(tx: Tx, reader: Actor, address: str | None = None) -> str:
    """A member's mailbox, with an address that was confirmed when one is given, and one choice: its id."""
    identity = new_id()
    key, wrapped = tx.vault.new_file_key(identity)
    await tx.execute(
        "insert into mailboxes (id, organization_id, person_id, language, state, address_sealed, wrapped, nonce,"
        " updated_at) values ($1, $2, $3, 'ru', $4, $5, $6, $7, $8)",
        *(identity, reader.organization_id, reader.person_id, "none" if address is None else "confirmed"),
        *(address and key.seal(ADDRESS, address), address and wrapped, identity.bytes, await tx.now()),
    )
    await tx.execute(
        "insert into notice_choices (mailbox_id, kind, channel, rhythm) values ($1, 'reviews', 'mail', 'weekly')",
        identity,
    )
    return f"mailbox_{identity}"


async def hooked(tx: Tx, admin: Actor) -> tuple[str, str]:
    """A webhook of an organization and a delivery to it that was given up: their ids."""
    identity, delivery = new_id(), new_id()
    key, wrapped = tx.vault.new_file_key(identity)
    await tx.execute(
        "insert into webhooks (id, organization_id, url, kinds, state, wrapped, secret_sealed, created_at, updated_at)"
        " values ($1, $2, 'https://hooks.example/', '{reviews,alarms}', 'active', $3, $4, $5, $5)",
        *(identity, admin.organization_id, wrapped, key.seal(SECRET, b"s" * 32), await tx.now()),
    )
    await tx.execute(
        "insert into webhook_deliveries (id, webhook_id, organization_id, event_id, topic, body, state, attempts,"
        " due_at, created_at, settled_at, outcome) values ($1, $2, $3, $1, 'review.requested', '{}', 'dead', 10,"
        " $4, $4, $4, 'answered 500')",
        *(delivery, identity, admin.organization_id, await tx.now()),
    )
    return f"whk_{identity}", f"msg_{delivery}"
