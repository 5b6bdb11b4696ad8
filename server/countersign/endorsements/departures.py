"""What falls with a member who goes: a signature that was not made yet, and what reviews let go of."""

from __future__ import annotations

from countersign.endorsements import proposals, rules
from countersign.endorsements.rules import SignatoryGone
from countersign.kit.access import Role
from countersign.kit.db import Tx
from countersign.organizations.events import MembershipEnded
from countersign.reviews import departures as reviews


async def after_membership(tx: Tx, event: MembershipEnded) -> None:
    """Refuse what waits for the person's signature; void the reviews for which nobody has signed. What is signed stays.

    The handler of `MembershipEnded`; it lives here because it takes endorsements to know what is signed.
    """
    if Role.SIGNATORY in event.lost:
        await _refuse_unsigned(tx, event)
    await proposals.after_membership(tx, event)
    signed = await tx.fetch(
        "select distinct spec_version_id from endorsements where organization_id = $1"
        " and state not in ('signing', 'refused')",
        event.organization_id,
    )
    await reviews.release(tx, event, [row["spec_version_id"] for row in signed])


async def _refuse_unsigned(tx: Tx, event: MembershipEnded) -> None:
    # One that the signer has locked is left to it: it reads the membership under a lock too, and waits for this end.
    rows = await tx.fetch(
        "select id, state from endorsements where organization_id = $1 and signatory_id = $2 and state = 'signing'"
        " order by id for update skip locked",
        event.organization_id,
        event.person_id,
    )
    gone = SignatoryGone()
    states = [rules.move(rules.State(row["state"]), rules.Act.REFUSE, rules.Party.SIGNER).value for row in rows]
    await tx.execute(
        "update endorsements e set state = u.state, refusal = $3 from unnest($1::uuid[], $2::text[]) u(id, state)"
        " where e.id = u.id",
        [row["id"] for row in rows],
        states,
        gone.message,
    )
    told = {"reason": gone.message}
    await tx.emit_all(("endorsement.refused", f"end_{row['id']}", told) for row in rows)
