"""The founding case from start to end, through GraphQL only; what it reads like is in `transcript.txt`.

"Prompt engineering in Midjourney for designers": an agency asks for changes, the school answers with a new version, two
agencies and an employer stand behind it, the tool's version goes out of support, and the status falls and rises again.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest_asyncio

from countersign.endorsements import co_validation, drift, jobs, renewal, support, support_files
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.relay import Relay
from countersign.notices import making
from countersign.reviews.rubric import RUBRIC
from countersign.trust.signer import Signer
from tests.api import served
from tests.covalidation.house import CONTENT
from tests.covalidation.telling import Telling
from tests.factories import Factory
from tests.specs.support import ground

TRANSCRIPT: Final = Path(__file__).with_name("transcript.txt")
TITLE: Final = "Prompt engineering in Midjourney for designers"
VAGUE: Final = "Makes good pictures with Midjourney."
CLEAR: Final = "Makes a set of six brand-consistent key visuals with Midjourney from a written brief."
MENDED: Final = "Plans, writes and refines prompts for pictures that follow a brand's guidelines."
BLOCK: Final = CONTENT | {
    "title": TITLE,
    "summary": "Three weeks from a brief to key visuals that a brand can use.",
    "description": "Plans, writes and refines prompts for images that follow a brand's guidelines.",
    "outcomes": [
        {
            "id": "visuals",
            "statement": VAGUE,
            "primary": True,
            "criterion": "A set of six key visuals graded by an art director",
            "threshold": "at least 3 of 4 on every criterion",
        }
    ],
    "prerequisites": "A portfolio of three pieces of visual work.",
    "stackableTowards": "Visual communication diploma",
    "tags": ["design", "Midjourney"],
    "toolchain": [{"name": "Midjourney", "version": "7", "checkedOn": "2025-12-01"}],
}
KINDS: Final = {
    "Atelier Nord": OrganizationKind.SCHOOL,
    "Bildwerk": OrganizationKind.AGENCY,
    "Kontur": OrganizationKind.AGENCY,
    "Lumen Games": OrganizationKind.EMPLOYER,
}
SCORES: Final = [{"criterion": c.code, "value": 3, "evidence": "Seen in the brief and the rubric."} for c in RUBRIC]
SUPPORT: Final = (
    b"tool,cycle,released,supported until,source,also known as\n"
    b"Midjourney,7,2025-04-03,2026-09-30,https://example.org/midjourney,\n"
    b"Midjourney,8,2026-05-04,,https://example.org/midjourney,\n"
)
SEATS: Final = {"role": "concept artist", "region": "DE", "opensOn": "2026-03-01", "closesOn": "2026-12-31"}
STATUS: Final = """
query ($v: ID!) { node(id: $v) { ... on SpecVersion { coValidated liveEndorsementCount } } }
"""


@pytest_asyncio.fixture
async def telling(db: Database, signer: Signer, make: Factory, clock: FrozenClock) -> AsyncIterator[Telling]:
    clock.at = datetime(2026, 1, 5, tzinfo=UTC)
    people: dict[str, Actor] = {}
    async with db.writer() as tx:
        await ground(tx)
        for name, kind in KINDS.items():
            house = await make.organization(tx, kind, handle=name.lower().replace(" ", "-"), legal_name=name)
            if kind is OrganizationKind.SCHOOL:
                people[name] = await make.member(tx, house, kind, Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN)
            else:
                people[f"{name}, a reviewer"] = await make.member(tx, house, kind, Role.REVIEWER)
                people[name] = await make.member(tx, house, kind, Role.SIGNATORY, Role.RECRUITER)
    await making.look(db)  # whoever begins to tell begins with what happens next
    async with served(db, signer, make) as api:
        yield Telling(api, clock, people)


def identity(telling: Telling, name: str) -> str:
    """The public id of somebody's organization."""
    return f"org_{telling.people[name].organization_id}"


async def submit(telling: Telling, sentence: str, semver: str, draft: dict[str, Any]) -> dict[str, Any]:
    """The school freezes a draft; the version."""
    payload = await telling.do(
        "Atelier Nord",
        sentence,
        "submitSpec",
        "version { id digest }",
        draftId=draft["id"],
        semver=semver,
        ifUnmodifiedSince=draft["updatedAt"],
    )
    version: dict[str, Any] = payload["version"]
    return version


async def ask_for_reviews(telling: Telling, version: str, *houses: str) -> dict[str, str]:
    """The school asks; the requests, by who is asked."""
    found = {}
    for house in houses:
        payload = await telling.do(
            "Atelier Nord",
            f"asks {house} for a review.",
            "requestReview",
            "reviewRequest { id }",
            specVersionId=version,
            organizationId=identity(telling, house),
            message="Would you hire who holds this?",
        )
        found[house] = payload["reviewRequest"]["id"]
    return found


async def recommend(telling: Telling, house: str, request: str, comment: str) -> None:
    """A reviewer takes up a request and recommends to endorse."""
    who = f"{house}, a reviewer"
    await telling.do(who, "takes it up.", "claimReview", "reviewRequest { id }", reviewRequestId=request)
    await telling.do(
        who,
        f"recommends to endorse it: “{comment}”",
        "decideReview",
        "review { id }",
        reviewRequestId=request,
        interest="NONE",
        declaration="",
        scores=SCORES,
        comment=comment,
        recommendation="ENDORSE",
    )


async def endorse(
    telling: Telling, house: str, version: dict[str, Any], words: str, until: date, adding: str = "", **more: Any
) -> str:
    """A signatory signs; the endorsement."""
    payload = await telling.do(
        house,
        f"signs, until {until:%-d %B %Y}: “{words}”{adding}",
        "endorseSpec",
        "endorsement { id }",
        specVersionId=version["id"],
        expectedDigest=version["digest"],
        statement=words,
        validUntil=f"{until}T09:00:00Z",
        **more,
    )
    await jobs.sign_pending(telling.api.db, telling.api.tools.signer)
    found: str = payload["endorsement"]["id"]
    return found


async def status(telling: Telling, version: str, by: str | None = None, *, expected: bool) -> None:
    """What somebody reads of the version's standing; anybody, once it is published."""
    node = (await telling.ask(by, STATUS, v=version))["node"]
    assert node["coValidated"] is expected
    live = node["liveEndorsementCount"]
    endorsements = "1 endorsement is" if live == 1 else f"{live} endorsements are"
    telling.read(
        by or "anybody", f"it is {'co-validated' if expected else 'not co-validated'}; {endorsements} in force"
    )


async def time_works(telling: Telling) -> None:
    """What the portal does by itself."""
    for work in (renewal.look, co_validation.look, drift.look):
        await work(telling.api.db)


async def news(telling: Telling, relay: Relay, person: str, *topics: str) -> None:
    """What somebody is newly told about some topics."""
    async with telling.api.db.fresh_reader() as connection:
        while await relay.look(connection) or not await connection.fetchval(
            "select bool_and(told_at is not null) from outbox"
        ):
            continue
    while await making.look(telling.api.db):
        continue
    text = "query { inbox { notices(first: 50) { nodes { id topic sentence } } } }"
    nodes = (await telling.ask(person, text))["inbox"]["notices"]["nodes"]
    telling.news(person, [node for node in nodes if node["topic"] in topics])


async def changes_are_asked_for(telling: Telling) -> tuple[dict[str, Any], str]:
    """The first version, and what an agency makes of it; the version and the change that was asked for."""
    telling.chapter("1. An agency asks for changes", date(2026, 1, 12))
    made = await telling.do(
        "Atelier Nord", f"drafts “{TITLE}”.", "createSpec", "draft { id updatedAt }", slug="midjourney", content=BLOCK
    )
    version = await submit(
        telling, "submits it as version 1.0.0; from now on its text is frozen.", "1.0.0", made["draft"]
    )
    requests = await ask_for_reviews(telling, version["id"], "Bildwerk")
    telling.on(date(2026, 1, 14))
    who, request = "Bildwerk, a reviewer", requests["Bildwerk"]
    await telling.do(
        who, "claims the review for a week.", "claimReview", "reviewRequest { id }", reviewRequestId=request
    )
    await telling.refused(
        who,
        "tries to sign at once, which is for a signatory to do.",
        "endorseSpec",
        specVersionId=version["id"],
        expectedDigest=version["digest"],
        statement="Fine.",
    )
    begun = await telling.do(
        who,
        "declares that there is no tie with the school, and begins.",
        "startReview",
        "reviewDraft { id sections updatedAt }",
        reviewRequestId=request,
        interest="NONE",
        declaration="",
    )
    draft = begun["reviewDraft"]
    begun = await telling.do_each(
        who,
        f"reads it section by section: {', '.join(draft['sections']).lower()}.",
        "viewReviewSection",
        "reviewDraft { id updatedAt }",
        [{"reviewDraftId": draft["id"], "section": section} for section in draft["sections"]],
    )
    words = {"path": "outcomes[visuals].statement", "start": 0, "end": len(VAGUE), "quoted": VAGUE}
    written = await telling.do(
        who,
        f"comments on “{VAGUE}”: “Good for whom? Name the brief, the number and the brand.”, and suggests other words.",
        "editReview",
        "reviewDraft { id updatedAt }",
        reviewDraftId=draft["id"],
        ifUnmodifiedSince=begun["reviewDraft"]["updatedAt"],
        scores=SCORES,
        comments=[words | {"body": "Good for whom? Name the brief, the number and the brand.", "asksChange": True}],
        suggestions=[words | {"replacement": CLEAR, "reason": "This is what we brief."}],
        comment="The craft is right; the outcome cannot be measured yet.",
        recommendation="REQUEST_CHANGES",
    )
    await telling.do(
        who,
        "submits: changes are requested.",
        "submitReview",
        "review { id }",
        reviewDraftId=draft["id"],
        ifUnmodifiedSince=written["reviewDraft"]["updatedAt"],
    )
    text = """{ changeRequests(first: 5) { nodes { id state path body organization { displayName } } } }"""
    (asked,) = (await telling.ask("Atelier Nord", text))["changeRequests"]["nodes"]
    telling.read(
        "Atelier Nord",
        f"{asked['organization']['displayName']} asks for a change of {asked['path']}: “{asked['body']}”",
    )
    return version, asked["id"]


async def the_school_answers(telling: Telling, first: dict[str, Any], asked: str) -> dict[str, Any]:
    """The next version, with what was asked for ticked off; the version."""
    telling.chapter("2. The school answers with a new version", date(2026, 1, 20))
    made = await telling.do(
        "Atelier Nord",
        "begins the next version from the first.",
        "createSpecVersion",
        "draft { id updatedAt }",
        versionId=first["id"],
    )
    text = """query ($v: ID!) { node(id: $v) { ... on SpecVersion { reviewRequests(first: 5) { nodes { review {
      suggestions { id replacement } } } } } } }"""
    (request,) = (await telling.ask("Atelier Nord", text, v=first["id"]))["node"]["reviewRequests"]["nodes"]
    (suggestion,) = request["review"]["suggestions"]
    await telling.do(
        "Atelier Nord",
        f"takes the reviewer's words into its draft: “{suggestion['replacement']}”",
        "acceptSuggestion",
        "suggestion { id }",
        reviewSuggestionId=suggestion["id"],
        draftId=made["draft"]["id"],
    )
    ticked = await telling.do(
        "Atelier Nord",
        "ticks the request off: “Six key visuals, from a written brief.”",
        "tickChangeRequest",
        "draft { id updatedAt }",
        draftId=made["draft"]["id"],
        changeRequestId=asked,
        answer="ADDRESSED",
        note="Six key visuals, from a written brief.",
    )
    version = await submit(telling, "submits version 2.0.0.", "2.0.0", ticked["draft"])
    text = """query ($a: ID!, $b: ID!) { specVersionDiff(from: $a, to: $b) { changeClass changes {
      path changeClass before after } } }"""
    diff = (await telling.ask("Bildwerk, a reviewer", text, a=first["id"], b=version["id"]))["specVersionDiff"]
    telling.read(
        "Bildwerk, a reviewer",
        f"the new version differs in {len(diff['changes'])} place, and the change is {diff['changeClass'].lower()}",
    )
    await telling.do(
        "Bildwerk, a reviewer",
        "says that this settles it.",
        "acceptChangeRequest",
        "changeRequest { state }",
        changeRequestId=asked,
    )
    await telling.do(
        "Atelier Nord", "takes version 1.0.0 back; it is kept.", "withdrawSpec", "version { id }", versionId=first["id"]
    )
    return version


async def three_stand_behind_it(telling: Telling, relay: Relay, version: dict[str, Any]) -> dict[str, str]:
    """Reviews, three signatures, a pledge and a confirmed tool; the endorsements by whose they are."""
    telling.chapter("3. Two agencies and an employer stand behind it", date(2026, 2, 2))
    await telling.do(
        "Atelier Nord",
        "publishes its own quorum: two agencies and an employer, each independent.",
        "publishQuorumPolicy",
        "quorumPolicy { id }",
        note="Two agencies and one employer.",
        groups=3,
        agencies=2,
        employers=1,
    )
    requests = await ask_for_reviews(telling, version["id"], "Bildwerk", "Kontur", "Lumen Games")
    telling.on(date(2026, 2, 10))
    await recommend(telling, "Bildwerk", requests["Bildwerk"], "Now it can be measured.")
    await recommend(telling, "Kontur", requests["Kontur"], "We brief exactly like this.")
    await recommend(telling, "Lumen Games", requests["Lumen Games"], "Our concept artists do this every week.")
    telling.on(date(2026, 2, 16))
    year, soon = date(2027, 2, 16), date(2026, 12, 14)
    words = {"Bildwerk": await endorse(telling, "Bildwerk", version, "Who holds this can start with us.", year)}
    words["Kontur"] = await endorse(telling, "Kontur", version, "It is what we ask of juniors.", soon)
    await status(telling, version["id"], "Atelier Nord", expected=False)
    text = "query ($v: ID!) { node(id: $v) { ... on SpecVersion { coValidation { missing { sentence } } } } }"
    gaps = (await telling.ask("Atelier Nord", text, v=version["id"]))["node"]["coValidation"]["missing"]
    telling.read("Atelier Nord", "what is missing:", *(gap["sentence"] for gap in gaps))
    words["Lumen Games"] = await endorse(
        telling,
        "Lumen Games",
        version,
        "We hire concept artists who can do this.",
        year,
        " With it come a pledge of three seats and the word that it works with Midjourney 7.",
        evidence=[
            {"hiringPledge": SEATS | {"seats": 3}},
            {"toolchainConfirmation": {"tools": [{"name": "Midjourney", "versions": "7"}], "checkedOn": "2026-02-10"}},
        ],
    )
    await status(telling, version["id"], "Atelier Nord", expected=True)
    await telling.do("Atelier Nord", "publishes it.", "publishSpec", "version { id }", versionId=version["id"])
    await news(telling, relay, "Atelier Nord", "spec.co_validated")
    return words


async def a_promise_is_kept(telling: Telling, endorsement: str) -> None:
    """Two seats are reserved, one is filled."""
    telling.chapter("4. A promise is kept", date(2026, 6, 8))
    text = (
        "query ($e: ID!) { node(id: $e) { ... on Endorsement { evidence { ... on HiringPledge { pledge { id } } } } } }"
    )
    evidence = (await telling.ask("Atelier Nord", text, e=endorsement))["node"]["evidence"]
    pledge = next(piece["pledge"]["id"] for piece in evidence if piece)
    seats = []
    for reference in ("cohort-1:07", "cohort-1:11"):
        payload = await telling.do(
            "Atelier Nord",
            f"reserves a pledged seat for its graduate {reference}.",
            "reserveSeat",
            "reservation { id }",
            pledgeId=pledge,
            reference=reference,
        )
        seats.append(payload["reservation"]["id"])
    telling.on(date(2026, 6, 29))
    await telling.do(
        "Lumen Games", "hires the first: the promise is kept.", "redeemSeat", "pledge { id }", reservationId=seats[0]
    )
    text = "query ($p: ID!) { pledge(id: $p) { seats seatsLeft waiting redeemed } }"
    found = (await telling.ask(None, text, p=pledge))["pledge"]
    telling.read(
        "anybody",
        f"of {found['seats']} seats {found['redeemed']} is filled, {found['waiting']} reserved,"
        f" {found['seatsLeft']} open",
    )
    text = "query ($o: ID!) { node(id: $o) { ... on Organization { keptPromises { kept broken pending rate } } } }"
    kept = (await telling.ask(None, text, o=identity(telling, "Lumen Games")))["node"]["keptPromises"]
    assert kept["rate"] is None
    telling.read(
        "anybody",
        f"of Lumen Games' promises {kept['kept']} was kept and {kept['broken']} broken, {kept['pending']} is pending;"
        " a rate is told from five on",
    )


async def the_tool_moves_on(telling: Telling, relay: Relay, version: dict[str, Any], words: dict[str, str]) -> None:
    """The confirmed version goes out of support; the alarm comes; the employer looks again and says it anew."""
    telling.chapter("5. The tool's version goes out of support", date(2026, 7, 6))
    telling.say("The operator imports end-of-life dates: Midjourney 7 is supported until 30 September 2026, 8 is out.")
    async with telling.api.db.writer() as tx:
        await support.store(tx, SYSTEM, support_files.read(SUPPORT), source="support.csv", data=SUPPORT)
    for day in (date(2026, 7, 6), date(2026, 10, 1)):
        if day > telling.clock.at.date():
            telling.on(day)
        await time_works(telling)
        await news(telling, relay, "Atelier Nord", "drift.raised")
        await news(telling, relay, "Lumen Games", "drift.raised")
    telling.on(date(2026, 10, 12))
    telling.say("Lumen Games tries the block's brief with Midjourney 8, and it holds.")
    payload = await telling.do(
        "Lumen Games",
        "re-affirms its endorsement until 12 October 2027, now with Midjourney 7 and 8; its third seat stays open.",
        "renewEndorsement",
        "endorsement { id supersedes { id } }",
        endorsementId=words["Lumen Games"],
        expectedDigest=version["digest"],
        evidence=[
            {
                "toolchainConfirmation": {
                    "tools": [{"name": "Midjourney", "versions": "7 or 8"}],
                    "checkedOn": "2026-10-12",
                }
            },
            {"hiringPledge": SEATS | {"seats": 1}},
        ],
        validUntil="2027-10-12T09:00:00Z",
    )
    await jobs.sign_pending(telling.api.db, telling.api.tools.signer)
    words["Lumen Games"] = payload["endorsement"]["id"]
    await time_works(telling)
    await news(telling, relay, "Lumen Games", "drift.cleared")
    text = "query ($o: ID!) { driftAlarms(first: 9, filter: {state: OPEN, organizationId: $o}) { nodes { id cause } } }"
    alarms = (await telling.ask("Atelier Nord", text, o=identity(telling, "Atelier Nord")))["driftAlarms"]["nodes"]
    (alarm,) = [found["id"] for found in alarms if found["cause"] == "SUPPORT_ENDED"]
    await telling.do(
        "Atelier Nord",
        "answers its own alarm: “The studio works with 8 since October; the next version will say so.”",
        "resolveDriftAlarm",
        "driftAlarm { state }",
        driftAlarmId=alarm,
        note="The studio works with 8 since October; the next version will say so.",
    )
    await status(telling, version["id"], expected=True)


async def one_lapses(telling: Telling, relay: Relay, version: dict[str, Any], words: dict[str, str]) -> None:
    """Kontur is reminded, and does nothing; the status falls; Kontur signs again, and it rises."""
    telling.chapter("6. One endorsement lapses, and the status falls and rises again", date(2026, 10, 15))
    for day in (date(2026, 10, 15), date(2026, 11, 14), date(2026, 12, 7)):
        if day > telling.clock.at.date():
            telling.on(day)
        await time_works(telling)
        await news(telling, relay, "Kontur", "endorsement.expiring")
    telling.on(date(2026, 12, 15))
    await time_works(telling)
    await status(telling, version["id"], expected=False)
    await news(telling, relay, "Kontur", "endorsement.expired")
    await news(telling, relay, "Atelier Nord", "spec.co_validation_lost", "endorsement.expired")
    telling.on(date(2026, 12, 18))
    words["Kontur"] = await endorse(telling, "Kontur", version, "We still ask this of juniors.", date(2027, 12, 18))
    await status(telling, version["id"], expected=True)
    text = """query ($v: ID!, $then: DateTime!) { node(id: $v) { ... on SpecVersion { coValidated(asOf: $then)
      coValidationHistory { at coValidated } } } }"""
    node = (await telling.ask(None, text, v=version["id"], then="2026-12-16T12:00:00Z"))["node"]
    assert node["coValidated"] is False
    rises = [change["coValidated"] for change in reversed(node["coValidationHistory"])]
    assert rises == [True, False, True]
    telling.read(
        "anybody",
        "its history:",
        *(
            f"{change['at'][:10]}: {'co-validated' if change['coValidated'] else 'not co-validated any more'}"
            for change in reversed(node["coValidationHistory"])
        ),
    )


async def a_typing_error_is_mended(
    telling: Telling, relay: Relay, version: dict[str, Any], words: dict[str, str]
) -> None:
    """An editorial version carries nothing over by itself; one click says it anew."""
    telling.chapter("7. A typing error is mended", date(2026, 12, 21))
    made = await telling.do(
        "Atelier Nord", "begins a version.", "createSpecVersion", "draft { id updatedAt }", versionId=version["id"]
    )
    edited = await telling.do(
        "Atelier Nord",
        "mends a word of the description.",
        "editDraft",
        "draft { id updatedAt }",
        draftId=made["draft"]["id"],
        ifUnmodifiedSince=made["draft"]["updatedAt"],
        content=BLOCK | {"outcomes": [BLOCK["outcomes"][0] | {"statement": CLEAR}], "description": MENDED},
    )
    mended = await submit(telling, "submits version 2.0.1.", "2.0.1", edited["draft"])
    node = (await telling.ask("Atelier Nord", STATUS, v=mended["id"]))["node"]
    assert node == {"coValidated": False, "liveEndorsementCount": 0}
    await telling.do("Atelier Nord", "publishes it.", "publishSpec", "version { id }", versionId=mended["id"])
    telling.read("Atelier Nord", "nobody stands behind 2.0.1 yet: nothing is carried over by itself")
    await news(telling, relay, "Lumen Games", "endorsement.reaffirmable")
    payload = await telling.do(
        "Lumen Games",
        "re-affirms for 2.0.1 with one click.",
        "reaffirmEndorsement",
        "endorsement { id supersedes { id } }",
        endorsementId=words["Lumen Games"],
        specVersionId=mended["id"],
        expectedDigest=mended["digest"],
    )
    await jobs.sign_pending(telling.api.db, telling.api.tools.signer)
    node = (await telling.ask("Atelier Nord", STATUS, v=mended["id"]))["node"]
    assert node == {"coValidated": False, "liveEndorsementCount": 1}
    assert payload["endorsement"]["id"] != words["Lumen Games"]
    telling.read("Atelier Nord", "one stands behind 2.0.1, by a new signature; the others are asked, too")


async def test_the_founding_case_reads_as_it_is_written_down(telling: Telling) -> None:
    relay = Relay()
    first, asked = await changes_are_asked_for(telling)
    version = await the_school_answers(telling, first, asked)
    words = await three_stand_behind_it(telling, relay, version)
    await a_promise_is_kept(telling, words["Lumen Games"])
    await the_tool_moves_on(telling, relay, version, words)
    await one_lapses(telling, relay, version, words)
    await a_typing_error_is_mended(telling, relay, version, words)
    if os.environ.get("WRITE_TRANSCRIPT"):
        TRANSCRIPT.write_text(telling.transcript, encoding="utf-8")
    assert telling.transcript == TRANSCRIPT.read_text(encoding="utf-8")
