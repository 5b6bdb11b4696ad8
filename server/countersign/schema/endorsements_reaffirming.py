"""Re-affirmation at the front desk: the same word for a later version, after an editorial change."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.endorsements import reaffirming
from countersign.endorsements.views import ENDORSEMENT
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import entity
from countersign.schema.base import CommandInput, Lock, Tools, command, payload, reference
from countersign.schema.endorsements import ENDORSING, KNOWN_LATER, Endorsement, known_later, settle


@strawberry.input(description="Which endorsement you say again, of which later version, exactly as you saw it.")
class ReaffirmEndorsementInput(CommandInput):
    """A re-affirmation."""

    endorsement_id: strawberry.ID = strawberry.field(description="Your endorsement of an earlier version, in force.")
    spec_version_id: strawberry.ID = strawberry.field(
        description="The later version; what changed since the earlier one must be editorial."
    )
    expected_digest: str = strawberry.field(
        description="The later version's `digest` as you saw it; another one is refused, and nothing is signed."
    )
    valid_until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when; as long as the earlier one if left out."
    )
    known_later_version_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=KNOWN_LATER)


@payload(description="The new endorsement.", errors=ENDORSING)
class ReaffirmEndorsementPayload:
    """The new endorsement."""

    endorsement: Endorsement | None = entity(
        description="The new endorsement of the later version; `supersedes` is the one that it re-affirms."
    )


async def _reaffirm(tx: Tx, actor: Actor, given: ReaffirmEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    made = await reaffirming.reaffirm(
        tx,
        actor,
        reaffirming.Reaffirm(
            endorsement_id=reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId"),
            spec_version_id=reference(given.spec_version_id, "version", "version", "specVersionId"),
            expected_digest=given.expected_digest,
            valid_until=given.valid_until or None,
            known_later=known_later(given.known_later_version_id),
        ),
    )
    return {"endorsement": public_id(ENDORSEMENT.tag, made)}


@strawberry.type
class ReaffirmationMutations:
    """Root fields."""

    reaffirm_endorsement: ReaffirmEndorsementPayload | None = command(
        ReaffirmEndorsementInput,
        _reaffirm,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.DIGEST,
        description="Say of a later version what your organization says of an earlier one, when all that changed is"
        " editorial: a new signed endorsement with the same words, scope, end, and the evidence that still holds, but"
        " for pledged seats, which are promised once. The earlier one stays in force for its own version.",
        after=settle,
    )
