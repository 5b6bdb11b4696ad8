"""The life of an endorsement at the front desk: renewed by its endorser, shown or not shown by the school."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.endorsements import display, renewal
from countersign.endorsements.views import ENDORSEMENT
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import entity
from countersign.schema.base import CommandInput, Lock, Tools, command, payload, reference
from countersign.schema.endorsements import ENDORSING, KNOWN_LATER, Endorsement, known_later, settle
from countersign.schema.evidence import EvidenceInput, read_evidence, read_files


@strawberry.input(description="Your organization's word said anew, for exactly the version that you saw.")
class RenewEndorsementInput(CommandInput):
    """A renewal."""

    endorsement_id: strawberry.ID = strawberry.field(description="Your endorsement: in force, suspended or expired.")
    expected_digest: str = strawberry.field(
        description="The version's `digest` as you saw it; another one is refused, and nothing is signed."
    )
    statement: str | None = strawberry.field(
        default=strawberry.UNSET, description="What you say now; what you said before if left out."
    )
    evidence: list[EvidenceInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="What you put behind it now; what you put behind it before if left out. What is over is refused.",
    )
    attachment_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Your files behind it; those of before if left out."
    )
    valid_until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when; 12 months if left out, at most 24."
    )
    known_later_version_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=KNOWN_LATER)


@strawberry.input(description="Which endorsement your page shows no more.")
class HideEndorsementInput(CommandInput):
    """An endorsement to leave out."""

    endorsement_id: strawberry.ID = strawberry.field(description="An endorsement of a version of yours.")


@strawberry.input(description="Which endorsement your page shows again.")
class ShowEndorsementInput(CommandInput):
    """An endorsement to show again."""

    endorsement_id: strawberry.ID = strawberry.field(description="An endorsement that your page does not show.")


@payload(description="The new endorsement.", errors=ENDORSING)
class RenewEndorsementPayload:
    """The new endorsement."""

    endorsement: Endorsement | None = entity(
        description="The new endorsement; once it is signed, `supersedes` is the one that it renewed."
    )


@payload(description="The endorsement that your page does not show.")
class HideEndorsementPayload:
    """The hidden endorsement."""

    endorsement: Endorsement | None = entity(description="The endorsement that your page does not show.")


@payload(description="The endorsement that your page shows again.")
class ShowEndorsementPayload:
    """The shown endorsement."""

    endorsement: Endorsement | None = entity(description="The endorsement that your page shows again.")


async def _renew(tx: Tx, actor: Actor, given: RenewEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    made = await renewal.renew(
        tx,
        actor,
        renewal.Renew(
            endorsement_id=reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId"),
            expected_digest=given.expected_digest,
            # An empty text is one: it is refused, and not taken for what was said before.
            statement=None if given.statement in (None, strawberry.UNSET) else given.statement,
            evidence=None
            if given.evidence in (None, strawberry.UNSET)
            else tuple(read_evidence(piece) for piece in given.evidence or ()),
            evidence_files=tuple(read_files(piece, number) for number, piece in enumerate(given.evidence or ())),
            attachments=None
            if given.attachment_ids in (None, strawberry.UNSET)
            else tuple(
                reference(text, "attachment", "attachment", "attachmentIds", number)
                for number, text in enumerate(given.attachment_ids or ())
            ),
            valid_until=given.valid_until or None,
            known_later=known_later(given.known_later_version_id),
        ),
    )
    return {"endorsement": public_id(ENDORSEMENT.tag, made)}


async def _hide(tx: Tx, actor: Actor, given: HideEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId")
    return {"endorsement": public_id(ENDORSEMENT.tag, await display.hide(tx, actor, key))}


async def _show(tx: Tx, actor: Actor, given: ShowEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.endorsement_id, ENDORSEMENT.tag, "endorsement", "endorsementId")
    return {"endorsement": public_id(ENDORSEMENT.tag, await display.show(tx, actor, key))}


@strawberry.type
class EndorsementLifeMutations:
    """Root fields."""

    renew_endorsement: RenewEndorsementPayload | None = command(
        RenewEndorsementInput,
        _renew,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.DIGEST,
        description="Say anew what your organization said of a version: the same words and evidence unless you give"
        " others, signed again. It takes the place of the earlier endorsement, whose time it ends.",
        after=settle,
    )
    hide_endorsement: HideEndorsementPayload | None = command(
        HideEndorsementInput,
        _hide,
        permission=Permission.DISPLAY_ENDORSEMENT,
        lock=Lock.STATE,
        because="it is hidden or shown, and nobody's text changes",
        description="Leave an endorsement out of your page. It still counts, anybody can verify it, and the page says"
        " how many are not shown.",
    )
    show_endorsement: ShowEndorsementPayload | None = command(
        ShowEndorsementInput,
        _show,
        permission=Permission.DISPLAY_ENDORSEMENT,
        lock=Lock.STATE,
        because="it is hidden or shown, and nobody's text changes",
        description="Show an endorsement on your page again.",
    )
