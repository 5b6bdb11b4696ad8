"""Four eyes: where the policy asks for them, who signs is not who reviewed the version or proposed the endorsement."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from countersign.endorsements import policies
from countersign.kit.db import Tx
from countersign.kit.errors import Code, Refusal


class SameEyes(Refusal):
    """Four eyes are asked for: who {did} does not sign it; somebody else with signing authority does."""

    code = Code.NOT_ALLOWED


class SecondPersonNeeded(Refusal):
    """Four eyes are asked for: somebody else of your organization reviews this version or proposes the endorsement."""

    code = Code.NOT_ALLOWED


def judge(signatory: UUID, proposer: UUID | None, reviewers: Collection[UUID]) -> None:
    """Refuse a signatory who is the only one to have looked. Pure. Raises SameEyes, SecondPersonNeeded."""
    if signatory in reviewers:
        raise SameEyes(did="reviewed this version for the organization")
    if signatory == proposer:
        raise SameEyes(did="proposed the endorsement")
    if proposer is None and not reviewers:
        raise SecondPersonNeeded


async def check(
    tx: Tx, *, organization_id: UUID, version_id: UUID, signatory: UUID, proposer: UUID | None, renews: UUID | None
) -> None:
    """Refuse as `judge` does, where a policy in effect for the version asks for four eyes.

    Who wrote a standing review counts: of this version and, for a renewal, of the one that was endorsed before.
    """
    if not (await policies.policy_for(tx, version_id)).four_eyes:
        return
    rows = await tx.fetch(
        "select distinct reviewer_id from reviews where organization_id = $1 and voided_at is null"
        " and reviewer_id is not null and (spec_version_id = $2"
        " or spec_version_id = (select e.spec_version_id from endorsements e where e.id = $3))",
        *(organization_id, version_id, renews),
    )
    judge(signatory, proposer, {row["reviewer_id"] for row in rows})
