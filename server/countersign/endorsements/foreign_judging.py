"""Judge an endorsement from elsewhere with what was answered, and ask for what is missing; outside any transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from countersign.endorsements import rules_foreign, rules_foreign_asked, rules_foreign_hosted
from countersign.endorsements.rules_foreign import Claimed, Format
from countersign.endorsements.rules_foreign_asked import Answer, Answers, Need, answered, unanswered, with_answers
from countersign.kit.fetcher import Fetcher, Unfetchable
from countersign.trust.verify import Material
from countersign.trust.verify_findings import Finding
from countersign.trust.workers import Workers

ROUNDS: Final = 2
"""An issuer's document may name the address of its key, and its profile that of its list; those name nothing more."""
DID_VERIFIED: Final = "verified"
ACCEPT: Final = "application/ld+json, application/did+json, application/json, application/vc+jwt, */*;q=0.1"


@dataclass(frozen=True, slots=True)
class About:
    """The version for which it was brought, and whether the operator knows its issuer.

    `url` is the version's identifier, `resources` its frozen bytes as text by where they are published.
    """

    url: str
    resources: Mapping[str, str]
    known: bool


def needs(found: Claimed, answers: Answers = ()) -> tuple[Need, ...]:
    """The addresses to ask before it can be judged whole; none when everything is at hand.

    What was answered may name more.
    """
    if found.format is Format.OPEN_BADGES_2:
        return rules_foreign_hosted.needs(found, answers)
    return rules_foreign_asked.needs(found, answers)


async def ask(fetcher: Fetcher, found: Claimed) -> list[Answer]:
    """Ask the addresses, all at once, and then those that the answers name; what cannot be had is an answer too."""
    answers: list[Answer] = []
    for _ in range(ROUNDS):
        asked = {answer.purpose for answer in answers}
        wanted = [need for need in needs(found, answers) if need.purpose not in asked]
        answers += await asyncio.gather(*(_ask(fetcher, need) for need in wanted))
    return answers


async def judge(
    found: Claimed, text: str, about: About, answers: Answers, now: datetime, workers: Workers
) -> list[Finding]:
    """What is found of it at `now`, check by check; what was not asked yet is not checked. Raises Crowded."""
    if found.format is Format.OPEN_BADGES_2:
        return rules_foreign_hosted.findings(found, about.url, now, answers, known=about.known)
    given = rules_foreign_asked.given(found, answers)
    material = Material(
        did_documents=given.did_documents,
        status_lists=given.status_lists,
        resources=about.resources,
        standing={found.issuer_id: DID_VERIFIED} if about.known else {},
        proven=given.proven,
    )
    plain = rules_foreign.as_json(found) if found.token is not None else text
    report = await workers.verify(plain, material, now)
    own = [finding for finding in report.credentials[0].findings if finding.check != "subject"]
    if found.token is not None:
        own = [finding for finding in own if finding.check != "proof"] + [rules_foreign_asked.signature(found, answers)]
    issuer = [replace(finding, detail=_known(known=about.known)) for finding in own if finding.check == "issuer"]
    others = with_answers(found, (finding for finding in own if finding.check != "issuer"), answers)
    return [*others, rules_foreign.subject(found, about.url), *issuer]


async def _ask(fetcher: Fetcher, need: Need) -> Answer:
    try:
        return answered(need, await fetcher.get(need.url, ACCEPT))
    except Unfetchable as error:
        return unanswered(need, str(error), error.status)


def _known(*, known: bool) -> str:
    return "The operator knows who this is." if known else "Nobody here knows who this is."
