"""Conflicts of interest explained: what ties an organization to a version's school, and what was disclosed."""

import enum
import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Optional

import strawberry

from countersign.conflicts.rules_findings import Outcome, read_reason, verdict
from countersign.conflicts.views import DISCLOSURE, REASON, STEP
from countersign.endorsements.views_ties import CONFLICT_CHECK
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, find, many, one, slot
from countersign.schema.organizations import Organization

if TYPE_CHECKING:
    from countersign.schema.specs import SpecVersion


@strawberry.enum(description="What comes of a tie, from the mildest to the strictest.")
class ConflictOutcome(enum.Enum):
    """What comes of a tie."""

    CLEAR = strawberry.enum_value("clear", description="Nothing: no tie is known.")
    DISCLOSE = strawberry.enum_value("disclose", description="They may judge; the signed endorsement tells of the tie.")
    EXCLUDE = strawberry.enum_value(
        "exclude", description="They may judge; it is disclosed, and their endorsement counts to no quorum."
    )
    BLOCK = strawberry.enum_value("block", description="They may neither review nor sign.")


@strawberry.enum(description="Why an organization is not independent of a school.")
class ConflictTie(enum.Enum):
    """Why an organization is not independent."""

    SAME_ORGANIZATION = strawberry.enum_value("same_organization", description="They are the same organization.")
    PARENT = strawberry.enum_value("parent", description="One of them owns the other.")
    CONTROLS = strawberry.enum_value("controls", description="One of them controls the other.")
    SAME_OWNER = strawberry.enum_value("same_owner", description="They have the same owner.")
    DECLARED = strawberry.enum_value("declared", description="One of them has declared that they belong together.")
    KEY = strawberry.enum_value("key", description="They sign with the same key.")
    DOMAIN = strawberry.enum_value("domain", description="They share a domain.")
    PERSON = strawberry.enum_value("person", description="A person has a role in both.")
    GROUP = strawberry.enum_value("group", description="They belong to one control group, further apart.")
    RECIPROCAL = strawberry.enum_value(
        "reciprocal", description="They endorse one another, or in a ring of three, within a year."
    )
    SPONSOR = strawberry.enum_value("sponsor", description="One of them pays the other, or did within a year.")
    SUPPLIER = strawberry.enum_value("supplier", description="It makes a tool that the version uses.")
    INTEREST = strawberry.enum_value("interest", description="A reviewer of it has disclosed an interest.")


@bound(STEP, description="One tie of a reason; its ends are told to who may know them.")
class ConflictStep:
    """One tie of a reason."""

    tie: ConflictTie | None = column(description="What it is; null when that is nobody's business but its two ends'.")
    organization: Organization | None = one(
        on="{child}.id = " + STEP.column("here").replace("{t}", "{parent}"), description="Its one end."
    )
    other: Organization | None = one(
        on="{child}.id = " + STEP.column("there").replace("{t}", "{parent}"), description="Its other end."
    )
    tool: str | None = column(description="The tool, of a supplier.")
    since: date | None = column(description="Since when; of a ring, the day of that endorsement.")
    until: date | None = column(description="Until when.")


def _words(payload: bytes, call: Call) -> str:
    return read_reason(json.loads(payload)).words(call.actor.organization_id)


@bound(REASON, description="One reason: a way of ties from the organization to the school.")
class ConflictReason:
    """One reason."""

    outcome: ConflictOutcome = column(description="What comes of it; a way is as strong as its weakest tie.")
    words: str = slot(
        payload="convert_to(({t}.item->'steps')::text, 'UTF8')", maker=_words, description="The reason in words."
    )
    steps: list[ConflictStep] = many(order="{child}.no", size=2, description="The ties, in order.")


def _sentence(payload: bytes, call: Call) -> str:
    found: dict[str, Any] = json.loads(payload)
    words = "; ".join(read_reason(r["steps"]).words(call.actor.organization_id) for r in found["reasons"])
    return verdict(Outcome(found["outcome"]), found["judge"], found["school"], words)


@bound(CONFLICT_CHECK, description="What ties an organization to the school of a version, and what comes of it now.")
class ConflictCheck:
    """What ties an organization to the school of a version."""

    outcome: ConflictOutcome = column(description="What comes of all reasons together, by the policy in effect.")
    counts: bool = column(description="Whether its endorsement would count to a quorum as far as ties decide.")
    sentence: str = slot(
        payload="convert_to(jsonb_build_object('outcome', "
        + CONFLICT_CHECK.column("outcome")
        + ", 'judge', {t}.judge, 'school', {t}.school, 'reasons', {t}.reasons)::text, 'UTF8')",
        maker=_sentence,
        description="The answer in one sentence.",
    )
    organization: Organization = one(on="{child}.id = {parent}.judge_id", description="Who would review or sign.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.version_id", description="The version."
    )
    reasons: list[ConflictReason] = many(order="{child}.no", size=1, description="The reasons, the strictest first.")


@bound(DISCLOSURE, description="A tie to the school that the endorser disclosed; it stands in the signed credential.")
class Disclosure:
    """A tie that was disclosed."""

    tie: ConflictTie = column(description="What it is.")
    outcome: ConflictOutcome = column(description="What came of it when it was signed.")
    words: str = column(description="The tie in words, as it was signed.")


@strawberry.type
class ConflictCheckQueries:
    """Root fields."""

    conflict_check: ConflictCheck | None = find(
        by_id=False,
        where={
            "organizationId": "{child}.judge_id = {value:id(org)}",
            "specVersionId": "{child}.version_id = {value:id(version)}",
        },
        args={
            "organization_id": arg(strawberry.ID, "Who would review or sign."),
            "spec_version_id": arg(strawberry.ID, "The version."),
        },
        description="What ties an organization to the school of a version, in words and steps; null for a version that"
        " you may not see.",
    )
