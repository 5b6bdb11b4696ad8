"""What is asked of our side: GraphQL documents as clients would write them, and the values they are asked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from countersign.bench.market import Market
from countersign.bench.people import REGIONS

SPEC: Final = """
query Spec($id: ID!) {
  credentialSpec(by: { id: $id }) {
    id slug kind title createdAt revisedAt
    school { id handle displayName country }
  }
}
"""

CATALOGUE: Final = """
query Catalogue($first: Int!) {
  credentialSpecs(first: $first, orderBy: { field: SLUG, direction: ASC }) {
    totalCount
    pageInfo { hasNextPage }
    nodes {
      id slug title
      school { displayName }
      currentVersion {
        id semver digest liveEndorsementCount
        endorsements(first: 10, filter: { live: true }) {
          nodes { id validUntil endorser { id handle displayName } }
        }
      }
    }
  }
}
"""

RECRUITER: Final = """
query Find($skills: [ID!]!, $regions: [String!]!) {
  searchCandidates(skills: $skills, regions: $regions, first: 20) {
    totalCount
    pageInfo { hasNextPage }
    facets {
      regions { region count }
      endorsers { endorser { id displayName } count }
    }
    nodes {
      id
      region
      match { score recent }
      awards {
        earnedOn
        spec { slug }
        specVersion { title }
        skills { name }
        liveEndorsements { validUntil endorser { displayName } }
      }
    }
  }
}
"""

ENDORSE: Final = """
mutation Endorse($input: EndorseSpecInput!) {
  endorseSpec(input: $input) {
    endorsement { id state digest }
    errors { __typename ... on UserError { message code path } }
  }
}
"""

QUESTIONS: Final = 6
"""Different questions of one kind, asked in turn."""
VARIANTS: Final = {"rare": (0.0025, 1), "typical": (0.09, 2), "common": (0.27, 2)}
"""The share of learners who hold each asked skill, and how many are asked at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request: what our side is asked, and the plain values that the other side is asked for the same."""

    document: str
    variables: dict[str, Any]
    plain: dict[str, Any]


def specs(market: Market) -> list[Question]:
    """Fifty specs by id."""
    found = market.specs[:: max(1, len(market.specs) // 50)]
    return [Question(SPEC, {"id": f"spec_{s.id}"}, {"id": str(s.id)}) for s in found]


def catalogue() -> list[Question]:
    """The first page of 50."""
    return [Question(CATALOGUE, {"first": 50}, {"first": 50})]


def recruiter(market: Market, variant: str) -> list[Question]:
    """Candidates by skills that are about as frequent as the variant says, in ten of the regions."""
    share, asked = VARIANTS[variant]
    shares = {n: market.share(n) for n in range(len(market.skills))}
    near = sorted(shares, key=lambda n: abs(shares[n] - share))
    questions = []
    for n in range(QUESTIONS):
        chosen = [near[n]] if asked == 1 else [near[n % 3], near[3 + n // 3]]
        if variant == "common":
            chosen = [0, near[1 + n]] if near[1 + n] else [0, near[0]]
        ids = [market.skills[c].id for c in chosen]
        regions = [REGIONS[(n + k) % len(REGIONS)] for k in range(10)]
        questions.append(
            Question(
                RECRUITER,
                {"skills": [f"skill_{i}" for i in ids], "regions": regions},
                {"skills": [str(i) for i in ids], "regions": regions},
            )
        )
    return questions
