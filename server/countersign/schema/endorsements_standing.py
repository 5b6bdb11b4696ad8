"""Pauses of endorsements at the front desk."""

from collections.abc import Mapping

import strawberry

from countersign.endorsements import suspension
from countersign.endorsements.views import ENDORSEMENT
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import entity
from countersign.schema.base import CommandInput, Lock, Tools, command, payload, reference
from countersign.schema.endorsements import Endorsement
from countersign.schema.problems import StepUpRequiredError


@strawberry.input(description="Which endorsement you pause, and why.")
class SuspendEndorsementInput(CommandInput):
    """A pause."""

    endorsement_id: strawberry.ID = strawberry.field(description="Your endorsement, in force.")
    reason: str = strawberry.field(description="Why; everyone may read it.")


@strawberry.input(description="Which endorsement counts again.")
class ResumeEndorsementInput(CommandInput):
    """The end of a pause."""

    endorsement_id: strawberry.ID = strawberry.field(description="Your endorsement, suspended.")


@payload(description="The suspended endorsement.", errors=(StepUpRequiredError,))
class SuspendEndorsementPayload:
    """The suspended endorsement."""

    endorsement: Endorsement | None = entity(description="The suspended endorsement.")


@payload(description="The resumed endorsement.", errors=(StepUpRequiredError,))
class ResumeEndorsementPayload:
    """The resumed endorsement."""

    endorsement: Endorsement | None = entity(description="The resumed endorsement.")


async def _suspend(tx: Tx, actor: Actor, given: SuspendEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId")
    done = await suspension.suspend(tx, actor, suspension.Suspend(key, given.reason))
    return {"endorsement": public_id(ENDORSEMENT.tag, done)}


async def _resume(tx: Tx, actor: Actor, given: ResumeEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId")
    return {"endorsement": public_id(ENDORSEMENT.tag, await suspension.resume(tx, actor, key))}


@strawberry.type
class EndorsementStandingMutations:
    """Root fields."""

    suspend_endorsement: SuspendEndorsementPayload | None = command(
        SuspendEndorsementInput,
        _suspend,
        permission=Permission.REVOKE_ENDORSEMENT,
        lock=Lock.STATE,
        because="what was signed never changes; one pause is open at a time",
        description="Pause an endorsement of your organization: until you resume it, it counts nowhere.",
    )
    resume_endorsement: ResumeEndorsementPayload | None = command(
        ResumeEndorsementInput,
        _resume,
        permission=Permission.REVOKE_ENDORSEMENT,
        lock=Lock.STATE,
        because="what was signed never changes; a pause ends once",
        description="End the pause of an endorsement of your organization: it counts again from now on.",
    )
