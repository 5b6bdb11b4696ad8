"""Claiming at the front desk: schools make links, people call awards theirs; and what learners correct."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.awards import claims
from countersign.awards.views import AWARD
from countersign.kit.access import Actor, Permission
from countersign.kit.commands import Made
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.learners import identities
from countersign.learners.views import LEARNER
from countersign.reads.bind import entity, secret
from countersign.schema.awards import ROUTE, Award
from countersign.schema.base import CommandInput, Lock, Tools, command, payload
from countersign.schema.claim_factors import ClaimFactorInput, factor_of
from countersign.schema.learners import OWN, Learner
from countersign.schema.problems import StepUpRequiredError
from countersign.schema.scalars import CountryCode


@strawberry.input(description="For which award of your school you make a link.")
class CreateClaimLinkInput(CommandInput):
    """A claim link."""

    award_id: strawberry.ID = strawberry.field(description="The award: valid, and not claimed yet.")
    factor: ClaimFactorInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What your roster knows of the learner; required unless the award was issued with it.",
    )


@payload(description="The award, and the link to hand to its learner.")
class CreateClaimLinkPayload:
    """The award and its link."""

    award: Award | None = entity(description="The award.")
    url: str | None = secret(
        description="The address to hand to the learner, good for 14 days and for one claim; shown this once."
    )
    expires_at: datetime | None = secret(description="Until when it works; shown with the address.")


@strawberry.input(description="What you bring to claim an award.")
class ClaimAwardInput(CommandInput):
    """A claim."""

    link: str = strawberry.field(
        description="The text of the link: what follows `#` in the address that you were given."
    )
    answer: str = strawberry.field(description="Your year of birth or student number, as the school's roster has it.")


@payload(description="You as a learner, and the award that is yours.")
class ClaimAwardPayload:
    """The learner and the award."""

    learner: Learner | None = entity(description="You as a learner; act as `self` from now on.")
    award: Award | None = entity(description="The award.")


@strawberry.input(description="Where you live.")
class CorrectResidenceInput(CommandInput):
    """Where a learner lives."""

    country: CountryCode = strawberry.field(description="The country.")
    region: str | None = strawberry.field(
        default=strawberry.UNSET, description="The region (ISO 3166-2), such as DE-BE; none if left out."
    )


@payload(description="You, where you live now.")
class CorrectResidencePayload:
    """The learner."""

    learner: Learner | None = entity(description="You, where you live now.")


@strawberry.input(description="Your new address.")
class ChangeEmailInput(CommandInput):
    """A new address."""

    email: str = strawberry.field(
        description="The address, for which the provider with which you signed in must vouch in this very session."
    )


@payload(description="You, with the new address.", errors=(StepUpRequiredError,))
class ChangeEmailPayload:
    """The learner."""

    learner: Learner | None = entity(description="You, with the new address.")


async def _make_link(tx: Tx, actor: Actor, given: CreateClaimLinkInput, tools: Tools) -> Made:
    opened = ROUTE.open(tools.sealer, actor, AWARD.tag, given.award_id)
    if opened is None or opened[1] is None:
        raise NotFound(what="award", path=("awardId",))
    made = await claims.make_link(
        tx, actor, claims.MakeClaimLink(opened[0], opened[1], factor_of(given.factor or None))
    )
    return Made(
        {"award": ROUTE.seal(tools.sealer, actor, AWARD.tag, ROUTE.pack(*opened))},
        secrets={"url": made.url, "expires_at": _moment(made.expires_at)},
    )


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _claim(tx: Tx, actor: Actor, given: ClaimAwardInput, tools: Tools) -> Mapping[str, str]:
    claimed = await claims.claim(tx, actor, claims.ClaimAward(given.link, given.answer))
    return {
        **_you(claimed.learner_id, actor, tools),
        "award": ROUTE.seal(tools.sealer, actor, AWARD.tag, ROUTE.pack(claimed.award_learner_id, claimed.award_id)),
    }


def _you(learner_id: int, actor: Actor, tools: Tools) -> Mapping[str, str]:
    return {"learner": OWN.seal(tools.sealer, actor, LEARNER.tag, OWN.pack(learner_id))}


async def _correct_residence(tx: Tx, actor: Actor, given: CorrectResidenceInput, tools: Tools) -> Mapping[str, str]:
    learner_id = await identities.correct_residence(tx, actor, given.country, given.region or None)
    return _you(learner_id, actor, tools)


async def _change_email(tx: Tx, actor: Actor, given: ChangeEmailInput, tools: Tools) -> Mapping[str, str]:
    return _you(await identities.change_email(tx, actor, given.email), actor, tools)


@strawberry.type
class ClaimMutations:
    """Root fields."""

    create_claim_link: CreateClaimLinkPayload | None = command(
        CreateClaimLinkInput,
        _make_link,
        permission=Permission.ISSUE_AWARD,
        lock=Lock.STATE,
        because="a link that was made before ends, and its holder asks the school for the new one",
        description="Make a one-time link with which the learner of an award of your school claims it.",
    )
    claim_award: ClaimAwardPayload | None = command(
        ClaimAwardInput,
        _claim,
        permission=Permission.CLAIM_AWARD,
        lock=Lock.STATE,
        because="an award is claimed once, under the lock of its learner",
        own=True,
        description="Claim an award with its link and what the school's roster knows of you. Whatever is wrong, the "
        "answer is the same. Consents that stood before end: you are asked anew.",
    )
    correct_residence: CorrectResidencePayload | None = command(
        CorrectResidenceInput,
        _correct_residence,
        permission=Permission.CORRECT_RESIDENCE,
        lock=Lock.STATE,
        because="the learner's own word about themselves; the last one counts",
        description="Say where you live, if your school wrote it wrong or you moved; searches follow at once.",
    )
    change_email: ChangeEmailPayload | None = command(
        ChangeEmailInput,
        _change_email,
        permission=Permission.CHANGE_EMAIL,
        lock=Lock.STATE,
        because="the learner's own address, proved anew each time; the former one goes on leading to them",
        description="Change your address to one for which your provider vouches; nothing sent to the old one is lost.",
    )
