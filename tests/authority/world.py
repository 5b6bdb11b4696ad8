"""Two markets side by side, each with everything once, every text of which carries a mark of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.awards import service as awards
from countersign.awards.consent import SetConsent, set_consent
from countersign.bulk import service as bulk
from countersign.bulk import uploads
from countersign.bulk.rules import Format, ImportKind
from countersign.conflicts import service as conflicts
from countersign.endorsements import pledges, policies, proposals, support, support_files
from countersign.endorsements import service as endorsements
from countersign.endorsements import suggestions as schools_words
from countersign.endorsements.evidence import Evidence
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id
from countersign.learners.rules import Purpose
from countersign.learners.service import Person, enrol, erase
from countersign.reviews import calls, change_requests, comments, experts, rubrics, suggestions, writing
from countersign.reviews import service as reviews
from countersign.reviews.rubric import RUBRIC
from countersign.reviews.rules import Decision, Interest, Recommendation, Score
from countersign.reviews.rules_anchors import Anchor
from countersign.reviews.rules_changes import Answer
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.rules_writing import DraftComment, DraftSuggestion
from countersign.reviews.sectors import Sector
from countersign.skills import files
from countersign.skills import service as skills
from countersign.specs import catalogue, listings
from countersign.specs import service as specs
from countersign.stacks import service as stacks
from tests.conftest import NOW
from tests.corpora.support import made_corpus
from tests.endorsements.elsewhere import brought, quorate
from tests.endorsements.samples import EVERY_KIND
from tests.factories import Factory
from tests.notices.rows import chosen, hooked, told
from tests.reviews.support import claimed
from tests.specs.samples import COMPLETE
from tests.specs.support import SKILL_FILE, ground

DAY: Final = date(2026, 3, 1)
LISTING: Final = b"program_id,provider,title,description\n7,Riverside Institute,Welding,Learn to join steel safely.\n"
SUPPORT: Final = b"tool,cycle,supported until,source\nPython,3.9,2025-10-31,https://devguide.python.org/versions/\n"
LEARNERS: Final = 12
_marks = count(1)


def mark() -> str:
    """A text that stands nowhere else."""
    return f"cnry{next(_marks):06d}"


@dataclass(repr=False)
class Side:
    """One market: who is there, by role."""

    school: dict[str, Actor]
    employer: dict[str, Actor]
    learners: list[Actor] = field(default_factory=list)
    erased: list[Actor] = field(default_factory=list)
    expert: Actor = ANONYMOUS
    """An outside expert of the employer, in a blind request of the school."""
    personal: dict[str, int] = field(default_factory=dict)
    """The marks in what is kept sealed, with the number of the learner to whom they belong."""


@dataclass(repr=False)
class World:
    """Two markets, and everybody who may ask."""

    first: Side
    second: Side

    @property
    def actors(self) -> dict[str, Actor]:
        """Everybody, by a name: the first market's people, some of the second's, and who belongs nowhere."""
        author = self.first.school["author"]
        found = {f"{name} of the school": actor for name, actor in self.first.school.items()}
        found |= {f"{name} of the employer": actor for name, actor in self.first.employer.items()}
        found |= {
            "author of another school": self.second.school["author"],
            "registrar of another school": self.second.school["registrar"],
            "reviewer of another employer": self.second.employer["reviewer"],
            "recruiter of another employer": self.second.employer["recruiter"],
            "an outside expert of the employer": self.first.expert,
            "a learner": self.first.learners[0],
            "another learner": self.second.learners[0],
            "a learner who was erased": self.first.erased[0],
            "a token without scopes": replace(author, scopes=frozenset()),
            "a session of the author": replace(
                author, token_id=None, login_id=new_id(), account_id=author.person_id, authenticated_at=NOW
            ),
            "a session for nobody": Actor(
                person_id=new_id(), login_id=new_id(), scopes=frozenset(Scope), authenticated_at=NOW
            ),
            "nobody": ANONYMOUS,
        }
        return found

    @property
    def personal(self) -> dict[str, int]:
        """The marks in what is kept sealed, by learner."""
        return self.first.personal | self.second.personal


async def make_world(db: Database, make: Factory) -> World:
    """Both markets; each knows only its own, and what everybody knows."""
    async with db.writer() as tx:
        await ground(tx)
        await skills.store(tx, SYSTEM, files.read(SKILL_FILE.encode(), files.Style.ESCO), source="skills.csv")
        await catalogue._store(tx, SYSTEM, listings.read(LISTING), source="listing.csv", dry_run=False)
        await support.store(tx, SYSTEM, support_files.read(SUPPORT), source="support.csv", data=SUPPORT)
        await made_corpus(tx)
        return World(await _side(tx, make, "north"), await _side(tx, make, "south"))


async def _side(tx: Tx, make: Factory, name: str) -> Side:
    top = await make.organization(tx, OrganizationKind.AGENCY, handle=f"{name}-top")
    school_id = await make.organization(tx, OrganizationKind.SCHOOL, handle=f"{name}-school", parent_id=top)
    employer_id = await make.organization(tx, OrganizationKind.EMPLOYER, handle=f"{name}-employer")
    staff = (Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN, Role.AUDITOR)
    house = (Role.REVIEWER, Role.SIGNATORY, Role.RECRUITER, Role.ORG_ADMIN)
    side = Side(
        {role.value: await make.member(tx, school_id, OrganizationKind.SCHOOL, role) for role in staff},
        {role.value: await make.member(tx, employer_id, OrganizationKind.EMPLOYER, role) for role in house},
    )
    versions = await _specifications(tx, side, name)
    await _judged(tx, make, side, versions, name)
    await _graduates(tx, side, versions["published"])
    await _erased(tx, side, name)
    await _bulk(tx, side)
    await _told(tx, side)
    policy = policies.Publish(QuorumPolicy(outcomes={"supplier": "block"}), mark())
    await policies.publish(tx, side.school[Role.ORG_ADMIN.value], policy)
    for version in (versions["published"], versions["submitted"]):
        await brought(tx, version, mark())
    kind = OrganizationKind.AGENCY
    await quorate(tx, versions["published"], [await make.organization(tx, kind) for _ in range(2)])
    return side


def _content() -> dict[str, Any]:
    return COMPLETE | {"title": f"Block {mark()}", "description": f"Text {mark()}.", "prerequisites": mark()}


async def _submitted(tx: Tx, author: Actor, slug: str) -> UUID:
    made = await specs.create(tx, author, specs.Create(slug, _content()))
    return await specs.submit(tx, author, specs.Submit(made.draft_id, "1.0.0"))


async def _specifications(tx: Tx, side: Side, name: str) -> dict[str, UUID]:
    """A published version with a successor, one that is only submitted, two for an employer to look at, and a draft."""
    author = side.school["author"]
    versions = {
        state: await _submitted(tx, author, f"{name}-{state}") for state in ("published", "submitted", "asked", "blind")
    }
    await specs.publish(tx, author, versions["published"])
    draft = await specs.new_draft_from(tx, author, versions["published"])
    await specs.edit_draft(tx, author, specs.EditDraft(draft, _content()))
    await specs.submit(tx, author, specs.Submit(draft, "1.1.0"))
    return versions


def _decision() -> Decision:
    scores = tuple(Score(criterion.code, 3, f"Seen {mark()}") for criterion in RUBRIC)
    return Decision(Interest.NONE, "", scores, f"Comment {mark()}", Recommendation.ENDORSE)


def _evidence() -> tuple[Evidence, ...]:
    return EVERY_KIND


async def _judged(tx: Tx, make: Factory, side: Side, versions: dict[str, UUID], name: str) -> None:
    """Reviews of the published and of the asked version, endorsements of both, one of them unsigned, and a stack."""
    author, reviewer, signatory = side.school["author"], side.employer["reviewer"], side.employer["signatory"]
    assert reviewer.organization_id is not None
    for state in ("published", "asked"):
        request = await reviews.request(
            tx, author, reviews.RequestReview(versions[state], reviewer.organization_id, f"Please {mark()}")
        )
        await reviews.claim(tx, reviewer, request)
        review = await reviews.decide(tx, reviewer, reviews.Decide(request, _decision()))
        await conflicts.note_interest(tx, review, reviewer.organization_id, versions[state])
        await _asked(tx, side, review, versions[state], drafted=state == "asked")
        digest = await tx.fetchval("select digest from spec_versions where id = $1", versions[state])
        await schools_words.suggest(
            tx, author, schools_words.Suggest(versions[state], reviewer.organization_id, f"Say {mark()}")
        )
        word = endorsements.EndorseSpec(versions[state], digest, f"We hire {mark()}", _evidence())
        await proposals.propose(tx, reviewer, word)
        signed = await endorsements.endorse(tx, signatory, word)
        if state == "published":
            # Signing is another test's matter: here the row only has to be read.
            await tx.execute(
                "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until)"
                " where id = $1",
                signed,
            )
            await tx.execute(
                "insert into endorsement_signatures (endorsement_id, credential, signed_at)"
                " select id, document, valid_from from endorsements where id = $1",
                signed,
            )
            await _reserved(tx, side, signed)
            await _turned(tx, make, versions[state], digest)
    await _spoken(tx, side, versions["published"])  # it leaves a request that waits
    hidden = reviews.RequestReview(versions["blind"], reviewer.organization_id, f"Please {mark()}", blind=True)
    request = await reviews.request(tx, author, hidden)
    invited, _ = await experts.invite(tx, reviewer, experts.InviteExpert(request))
    # Two calls that mean this employer and not the other side's, one of them blind.
    skill = await tx.fetchval("select min(id::text)::uuid from skills")
    sector = Sector.FINANCE if name == "north" else Sector.ENERGY
    await calls.offer(tx, reviewer, calls.Offer(frozenset({skill}), frozenset({sector})))
    for state, blind in (("submitted", True), ("published", False)):
        found = calls.OpenCall(
            versions[state], frozenset(), frozenset({sector}), message=f"Please {mark()}", blind=blind
        )
        await calls.open_call(tx, author, found)
    side.expert = Actor(person_id=invited, token_id=invited, request_id=request, guest_of=reviewer.organization_id)
    spec = await tx.fetchval("select spec_id from spec_versions where id = $1", versions["published"])
    await stacks.create(tx, author, stacks.CreateStack(f"{name}-stack", f"Stack {mark()}", (spec,)))


async def _turned(tx: Tx, make: Factory, version: UUID, digest: str) -> None:
    """Two others stood behind the version, so that it was co-validated; one of them took its word back."""
    for taken_back in (False, True):
        peer = await make.employer(tx)
        signed = await endorsements.endorse(tx, peer, endorsements.EndorseSpec(version, digest, f"We too {mark()}"))
        until = NOW - timedelta(days=1) if taken_back else NOW + timedelta(days=300)
        await tx.execute(
            "update endorsements set state = $2, in_force = tstzrange($3, $4) where id = $1",
            *(signed, "revoked" if taken_back else "in_force", NOW - timedelta(days=30), until),
        )
        await tx.execute(
            "insert into endorsement_signatures (endorsement_id, credential, signed_at)"
            " select id, document, valid_from from endorsements where id = $1",
            signed,
        )


async def _reserved(tx: Tx, side: Side, endorsement: UUID) -> None:
    """A seat that the school gave back, and one that waits for the employer's answer."""
    registrar = side.school["registrar"]
    pledge = await tx.fetchval("select id from pledges where endorsement_id = $1", endorsement)
    seats = [await pledges.reserve(tx, registrar, pledges.Reserve(pledge, mark())) for _ in range(2)]
    await pledges.release(tx, registrar, pledges.Release(seats[0].entry_id, f"Not needed {mark()}"))


async def _asked(tx: Tx, side: Side, review: UUID, version: UUID, *, drafted: bool) -> None:
    """A change that a review asks for, and, when asked, a draft of the school that means to answer it."""
    asked = change_requests.Asked(f"Change {mark()}", "outcomes[report].statement")
    (key,) = await change_requests.open_from(tx, review, [asked])
    author = side.school["author"]
    if drafted:
        draft = await specs.new_draft_from(tx, author, version)
        await change_requests.tick(tx, author, change_requests.Tick(draft, key, Answer.ADDRESSED, "Done"))


async def _spoken(tx: Tx, side: Side, version: UUID) -> None:
    """A rubric, a review with a thread and with words taken and not taken, and one that is being written."""
    author, reviewer = side.school["author"], side.employer["reviewer"]
    own = Wanted("D1", mark(), mark(), tuple(mark() for _ in range(5)))
    rubric = await rubrics.publish(tx, reviewer, rubrics.PublishRubric(mark(), (own,)))
    rows: list[asyncpg.Record] = []
    for _ in range(2):
        request = await claimed(tx, author, reviewer, version)
        draft = await writing.start(tx, reviewer, writing.Start(request, Interest.DISCLOSED, mark(), rubric))
        await tx.execute("update review_drafts set viewed = sections where id = $1", draft)
        place = Anchor("prerequisites", 0, 4, "cnry")
        words = writing.Edit(
            draft,
            (Score("D1", 3, mark()),),
            (DraftComment(place, mark()),),
            tuple(DraftSuggestion(place, mark(), mark()) for _ in range(2)),
            mark(),
            Recommendation.COMMENT,
        )
        await writing.edit(tx, reviewer, words)
        if not rows:
            review = await writing.submit(tx, reviewer, writing.Submit(draft))
            rows = await tx.fetch("select id from review_suggestions where review_id = $1 order by no", review)
            remark = await tx.fetchval("select id from review_comments where review_id = $1", review)
    await comments.answer(tx, author, comments.Say(remark, mark()))
    next_one = await specs.new_draft_from(tx, author, version)
    await suggestions.accept(tx, author, suggestions.Accept(rows[0]["id"], next_one))
    await suggestions.decline(tx, author, suggestions.Decline(rows[1]["id"], mark()))
    # The first draft is the one that everybody is asked about: its words stand nowhere else.
    await specs.edit_draft(tx, author, specs.EditDraft(next_one, _content()))


async def _graduates(tx: Tx, side: Side, version: UUID) -> None:
    """Learners who hold the published version; all but the last may be found, and a recruiter has seen them."""
    for number in range(LEARNERS):
        named, address = mark(), mark()
        person = Person(f"{address}@example.com", f"Holder {named}", "DE", "DE-BE")
        issued = await awards.issue(tx, side.school["registrar"], awards.IssueAward(version, person, DAY))
        side.personal |= {named: issued.learner_id, address: issued.learner_id}
        learner = Actor(learner_id=issued.learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
        side.learners.append(learner)
        if number < LEARNERS - 1:
            await set_consent(tx, learner, SetConsent(Purpose.TALENT_SEARCH, granted=True))
        await tx.execute(
            "insert into candidate_views (learner_id, organization_id, viewed_on, first_viewed_at, purpose)"
            " values ($1, $2, $3, $4, 'talent_search')",
            *(issued.learner_id, side.employer["recruiter"].organization_id, DAY, NOW),
        )


async def _erased(tx: Tx, side: Side, name: str) -> None:
    """A learner of whom nothing is left but that they were erased."""
    number = await enrol(tx, Person(f"{name}-erased@example.com", "Nobody Now", "DE"))
    await erase(tx, [number])
    side.erased.append(Actor(learner_id=number, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF})))


async def _bulk(tx: Tx, side: Side) -> None:
    """A received upload, and an import of it that met a bad row."""
    registrar = side.school["registrar"]
    upload = await uploads.announce(tx, registrar, uploads.AnnounceUpload(Format.CSV, 1, "0" * 64))
    await tx.execute("update uploads set received_at = created_at, wrapped_key = '' where id = $1", upload)
    waiting = await bulk.start_import(tx, registrar, bulk.StartImport(upload, ImportKind.AWARDS))
    bad = [{"row": 2, "path": ["email"], "code": "INVALID", "message": f"This is no address {mark()}."}]
    await tx.execute("update bulk_operations set first_row_errors = $2 where id = $1", waiting, bad)


async def _told(tx: Tx, side: Side) -> None:
    """A notice for an author, for a reviewer and for a learner."""
    for reader in (side.school["author"], side.employer["reviewer"], side.learners[0]):
        await told(tx, reader, {"title": mark(), "semver": "1.0.0", "partner": mark()})
    for reader in (side.school["author"], side.employer["reviewer"]):
        await chosen(tx, reader, "reader@example.com")
    for admin in (side.school["org_admin"], side.employer["org_admin"]):
        await hooked(tx, admin)
