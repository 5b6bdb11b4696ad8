"""The school hides an endorsement on its page, or shows it again: all that it may do to one."""

from __future__ import annotations

from uuid import UUID

from countersign.endorsements import rules_display as rules
from countersign.endorsements.rules import Party
from countersign.endorsements.tables import EndorsementHiding
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id


async def hide(tx: Tx, actor: Actor, endorsement_id: UUID) -> UUID:
    """Show an endorsement no more on the school's page. It still counts, and its credential is still served.

    Raises NotAllowed, NotFound (never signed, or of a version that the actor cannot see), NotTheSchool, InvalidState.
    """
    await _step(tx, actor, endorsement_id, rules.Act.HIDE)
    await tx.insert(
        EndorsementHiding(
            id=new_id(), endorsement_id=endorsement_id, hidden_by=actor.person_id, hidden_at=await tx.now()
        )
    )
    await tx.emit("endorsement.hidden", f"end_{endorsement_id}")
    return endorsement_id


async def show(tx: Tx, actor: Actor, endorsement_id: UUID) -> UUID:
    """Show a hidden endorsement on the school's page again. Raises as `hide`."""
    await _step(tx, actor, endorsement_id, rules.Act.SHOW)
    await tx.execute(
        "update endorsement_hidings set shown_at = $2 where endorsement_id = $1 and shown_at is null",
        *(endorsement_id, await tx.now()),
    )
    await tx.emit("endorsement.shown", f"end_{endorsement_id}")
    return endorsement_id


async def _step(tx: Tx, actor: Actor, endorsement_id: UUID, act: rules.Act) -> None:
    access.require(actor, Permission.DISPLAY_ENDORSEMENT)
    row = await tx.fetchrow(
        "select e.in_force, v.organization_id as school_id, v.published_at is not null as public"
        " from endorsements e join spec_versions v on v.id = e.spec_version_id where e.id = $1 for no key update of e",
        endorsement_id,
    )
    own = row is not None and row["school_id"] == actor.organization_id
    if row is None or row["in_force"] is None or not (own or row["public"]):
        raise NotFound(what="endorsement", path=("endorsementId",))
    hidden = await tx.fetchval(
        "select exists (select from endorsement_hidings where endorsement_id = $1 and shown_at is null)", endorsement_id
    )
    display = rules.Display.HIDDEN if hidden else rules.Display.SHOWN
    rules.move(display, act, Party.SCHOOL if own else Party.STRANGER)
