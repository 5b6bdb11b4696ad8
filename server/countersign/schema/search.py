"""The candidate search at the front desk: what recruiters may ask, and the little they are told of anybody."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Optional
from uuid import UUID

import strawberry

from countersign.endorsements.views import LIVE
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import parse_public_id
from countersign.organizations.views import ORGANIZATION
from countersign.reads.args import Args, Call, Predicates
from countersign.reads.bind import arg, bound, column, connection, many, one, page, slot
from countersign.reads.bindings import Source
from countersign.reads.identity import Sealed
from countersign.schema.base import Connection
from countersign.schema.endorsements import Endorsement
from countersign.schema.organizations import Organization
from countersign.schema.scalars import CountryCode
from countersign.schema.skills import Skill
from countersign.search import matching, rules
from countersign.search.reveal import REVEALED, reveal
from countersign.search.views import (
    CANDIDATE,
    CANDIDATE_AWARD,
    CANDIDATE_MATCH,
    CONTRIBUTION,
    ENDORSER_FACET,
    FACETS,
    REGION_FACET,
)
from countersign.skills.views import SKILL
from countersign.specs.views import SPEC
from countersign.stacks.views import STACK

if TYPE_CHECKING:
    from countersign.schema.specs import CredentialSpec, SpecVersion

PSEUDONYM: Final = Sealed(id=None, per_organization=True)
AWARDED_IS_PUBLIC: Final = "true"
"""Only published and deprecated versions are awarded, and what was published stays public for ever."""
NOBODY: Final = UUID(int=0)  # no thing has this id, so a malformed one matches nothing


def _pseudonym(payload: bytes, call: Call) -> str:
    return PSEUDONYM.seal(call.sealer, call.actor, CANDIDATE.tag, payload)


@bound(CANDIDATE_AWARD, description="An award of a candidate, without anything by which it could be looked up.")
class CandidateAward:
    """An award of a candidate."""

    earned_on: date = column(sql="{t}.awarded_on", description="The day on which it was earned.")
    spec: Optional[Annotated["CredentialSpec", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_id", visible=AWARDED_IS_PUBLIC, description="What was earned."
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id",
        visible=AWARDED_IS_PUBLIC,
        description="Exactly which version of it.",
    )
    skills: list[Skill] = many(
        on="{child}.id in (select k.skill_id from spec_version_skills k"
        " where k.spec_version_id = {parent}.spec_version_id)",
        order="{child}.id",
        size=5,
        description="The skills that the version is aligned with.",
    )
    live_endorsements: list[Endorsement] = many(
        on="{child}.spec_version_id = {parent}.spec_version_id and " + LIVE.format(e="{child}", now="{now}"),
        visible=AWARDED_IS_PUBLIC,
        order="{child}.id",
        size=4,
        description="The endorsements of the version that count now.",
    )


@bound(CONTRIBUTION, description="What one award adds to a candidate's score, and why.")
class MatchContribution:
    """What one award adds to the score."""

    points: int = column(description="What it adds to the score: one point for each endorsed award that matches.")
    endorsers: int = column(description="How many of the asked endorsers (or of all) endorse its version now.")
    earned_on: date = column(sql="{t}.awarded_on", description="The day on which it was earned.")
    spec_asked: bool = column(description="Whether its spec was asked for, by itself or as part of a stack.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id",
        visible=AWARDED_IS_PUBLIC,
        description="The version that was earned.",
    )
    skills: list[Skill] = many(
        on="{child}.id in (select k.skill_id from spec_version_skills k cross join {asked} q"
        " where k.spec_version_id = {parent}.spec_version_id and k.skill_id = any(q.skills))",
        order="{child}.id",
        size=2,
        description="Which of the asked skills it shows.",
    )


@bound(CANDIDATE_MATCH, description="Why a candidate stands where they stand in the list.")
class CandidateMatch:
    """Why a candidate stands where they stand."""

    score: int = column(description="The number of endorsed awards that match: the sum of all points.")
    recent: date = column(description="The day of the latest of them; the later stands first among equal scores.")
    contributions: list[MatchContribution] = many(
        size=4, order="{child}.awarded_on desc, {child}.award_id", description="What each matching award adds."
    )


@bound(
    CANDIDATE,
    description="A learner who agreed to be found, under a pseudonym for your organization alone.",
    key_type="bigint[]",
)
class Candidate:
    """A learner who agreed to be found."""

    id: strawberry.ID = slot(
        payload=PSEUDONYM.payload(),
        maker=_pseudonym,
        description="The pseudonym: the same each time for your organization, another one for every other.",
    )
    region: str | None = column(description="The region (ISO 3166-2).")
    country: CountryCode = column(description="The country.")
    awards: list[CandidateAward] = many(
        order="{child}.matches desc, {child}.awarded_on desc, {child}.award_id",
        size=rules.SHOWN_AWARDS_LIMIT,
        description="Up to 8 valid awards: those that match first, then the latest.",
    )
    match: CandidateMatch = one(description="Why this candidate matches.")


@bound(REGION_FACET, description="How many candidates live in a region.", key_type="bigint")
class RegionFacet:
    """How many candidates live in a region."""

    region: str = column(description="The region (ISO 3166-2).")
    count: int = column(sql="{t}.told", description="How many, rounded down to tens.")


@bound(ENDORSER_FACET, description="How many candidates an organization's endorsements speak for.", key_type="bigint")
class EndorserFacet:
    """How many candidates an organization's endorsements speak for."""

    endorser: Organization = one(on="{child}.id = {parent}.organization_id", description="The endorser.")
    count: int = column(sql="{t}.told", description="How many, rounded down to tens.")


@bound(FACETS, description="How the matching candidates divide; whatever counts fewer than 10 is left out.")
class CandidateFacets:
    """How the matching candidates divide."""

    regions: list[RegionFacet] = many(
        order="{child}.no", size=rules.FACET_LIMIT, description="The ten most frequent regions."
    )
    endorsers: list[EndorserFacet] = many(
        order="{child}.no", size=rules.FACET_LIMIT, description="The ten endorsers who speak for the most."
    )


@strawberry.type(description="A page of candidates, at most 200 deep, with counts that do not tell small numbers.")
class CandidateConnection(Connection[Candidate]):
    """A page of candidates."""

    total_count: int | None = page(  # type: ignore[assignment] # what is too small to tell is null here only
        "totalCount",
        description="How many match in all: null below 10, else rounded down to tens.",
    )
    facets: CandidateFacets = one(description="How all matching candidates divide.")


def _question(args: Args, _sql: Predicates) -> Sequence[tuple[str, str]]:
    def ids(name: str, tag: str) -> str | None:
        if name not in args:
            return None
        given = args.getter(name)
        return args.custom(lambda call: _keys(_listed(given(call)), tag), "uuid[]")

    return matching.sub_queries(
        matching.Question(
            skills=ids("skills", SKILL.tag),
            specs=ids("specs", SPEC.tag),
            stacks=ids("stack", STACK.tag),
            endorsers=ids("endorsedBy", ORGANIZATION.tag),
            regions=args.param("regions", "text[]") if "regions" in args else None,
            seed=args.custom(_checked_seed(args), "bigint"),
        )
    )


def _checked_seed(args: Args) -> Any:
    given = {name: args.getter(name) for name in ("skills", "specs", "stack", "endorsedBy", "regions")}

    def read(call: Call) -> int:
        count = {name: len(set(_listed(get(call)))) for name, get in given.items()}
        rules.check_question(
            skills=count["skills"],
            specs=count["specs"],
            stacks=count["stack"],
            endorsers=count["endorsedBy"],
            regions=count["regions"],
        )
        return rules.tie_break_seed(_pseudonym(b"candidate order", call).encode())

    return read


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _keys(texts: Sequence[str], tag: str) -> list[UUID]:
    found = [parse_public_id(text) for text in texts]
    return [key[1] if key is not None and key[0] == tag else NOBODY for key in found]


async def _reveal(tx: Tx, actor: Actor, shown: Sequence[Any]) -> bool:
    return await reveal(tx, actor, [(learner, mark) for learner, mark in shown])


@strawberry.type
class SearchQueries:
    """Root fields."""

    search_candidates: CandidateConnection = connection(
        args={
            "skills": arg(list[strawberry.ID] | None, "Hold all of these skills, 1 to 4."),
            "specs": arg(list[strawberry.ID] | None, "Hold all of these specs, up to 20, in any version."),
            "stack": arg(strawberry.ID | None, "Hold every block of this stack, and its capstone."),
            "endorsed_by": arg(
                list[strawberry.ID] | None,
                "Count only awards that one of these organizations endorses now; anyone's endorsement if left out.",
            ),
            "regions": arg(list[str] | None, "Live in one of these regions (ISO 3166-2), up to 10."),
        },
        source=Source(
            _question,
            "{shown} {t}",
            count="select told from {told_count}",
            reveals=REVEALED,
            reveal=_reveal,
        ),
        requires=Permission.SEARCH_CANDIDATES,
        description="Learners who agreed to be found and hold everything asked for through valid awards whose versions"
        " are endorsed now: most endorsed matching awards first, then the latest. At most three of the five conditions"
        " at once, 200 candidates deep. Whom you see is recorded, and the learner can read it.",
    )
