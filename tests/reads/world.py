"""Some of everything, so that random queries find something."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from countersign.attachments import service as attachments
from countersign.awards import service as awards
from countersign.awards.consent import SetConsent, set_consent
from countersign.bulk import service as bulk
from countersign.bulk import uploads
from countersign.bulk.rules import Format, ImportKind
from countersign.conflicts import interests
from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import LinkKind
from countersign.endorsements import pledges, policies, proposals, support_files
from countersign.endorsements import service as endorsements
from countersign.endorsements import suggestions as schools_words
from countersign.endorsements import support as dates
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database, Tx
from countersign.kit.ids import Sealer, new_id
from countersign.kit.installation import fix_origin
from countersign.learners import service as learners
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.organizations import approvals, domains, invitations, tokens
from countersign.organizations.rules_approvals import Action
from countersign.privacy import service as privacy
from countersign.privacy.views import DATA_COPY, ERASURE
from countersign.reads.identity import Sealed
from countersign.reviews import calls, change_requests, comments, experts, rubrics, suggestions, writing
from countersign.reviews import service as reviews
from countersign.reviews.rubric import DEFAULT_ID
from countersign.reviews.rules import Interest, Recommendation, Score
from countersign.reviews.rules_changes import Answer
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.sectors import Sector
from countersign.specs import catalogue, listings
from countersign.specs import service as specs
from countersign.specs.sections import Section
from countersign.stacks import service as stacks
from tests.corpora.support import made_corpus
from tests.endorsements.elsewhere import brought, quorate
from tests.endorsements.ledger import alarm
from tests.endorsements.samples import EVERY_KIND
from tests.factories import Factory
from tests.notices.rows import chosen, hooked, told
from tests.reads.documents import Pool
from tests.reviews.support import PROPOSALS, REMARKS, claimed, favourable, reviewed
from tests.specs import support
from tests.specs.samples import COMPLETE

SEALER = Sealer(b"s" * 32)
AWARDS = Sealed()
OWN = Sealed(id=None)
ORIGIN = "http://localhost:4600"
LISTING = b"program_id,provider,title,description\n7,Riverside Institute,Welding,Learn to join steel safely.\n"
ENTITIES = {
    "Organization": "org",
    "CredentialSpec": "spec",
    "SpecVersion": "version",
    "Listing": "listing",
    "Skill": "skill",
    "Endorsement": "end",
    "Stack": "stk",
}
SPEC_TEXTS = ("ab-testing", "1.0.0", "A/B", "esco", "welding", "quantitative", support.SKILL_URI)


@dataclass(frozen=True, repr=False)
class World:
    """Who may ask, and values that mean something."""

    actors: list[Actor]
    pool: Pool


async def make_world(db: Database, make: Factory) -> World:
    """Organizations with parents, members of some; specifications in several states; a listing; skills."""
    async with db.writer() as tx:
        await fix_origin(tx, ORIGIN)
        top = await make.organization(tx, OrganizationKind.EMPLOYER, handle="top")
        below = [await make.organization(tx, OrganizationKind.AGENCY, parent_id=top) for _ in range(4)]
        school = await make.school(tx)
        employer = await make.employer(tx, Role.REVIEWER, Role.SIGNATORY, Role.RECRUITER, Role.ORG_ADMIN)
        ids = [f"org_{key}" for key in (top, *below, school.organization_id, employer.organization_id)]
        ids += await _specifications(tx, school, employer)
        ids += await _judged(tx, school, employer)
        ids += await _quorum(tx, school, below)
        learner, awarded = await _graduates(tx, school)
        erased, gone = await _erased(tx)
        ids += [
            *awarded,
            await _copied(tx, learner),
            gone,
            *await _bulk(tx, school),
            *await _people(tx, employer),
            *await _standing(tx, school, employer),
            f"vsn_{await made_corpus(tx)}",
            *[await told(tx, reader) for reader in (school, employer, learner)],
            await told(tx, employer, read_at=await tx.now()),
            await chosen(tx, employer, "anna@employer.example"),
            await chosen(tx, school),
            *await hooked(tx, employer),
        ]
        handles = [row["handle"] for row in await tx.fetch("select handle from organizations")]
        digests = [row["digest"] for row in await tx.fetch("select digest from spec_versions")]
    values: dict[str, list[Any]] = {
        "ID": [*ids, f"org_{new_id()}", "nonsense", ""],
        "_Any": list(_representations(ids, handles, digests)),
        "String": [*handles, *SPEC_TEXTS, "DE-BE", "nobody", "", "it's", 'a"b\\c', "Ω\n"],
    }
    # The school's reader sees drafts; it may ask all that the employer may, so that no random query is refused whole.
    reader = replace(school, organization_kind=employer.organization_kind, roles=employer.roles)
    return World([employer, reader, school, learner, erased], Pool(values))


def _representations(ids: list[str], handles: list[str], digests: list[str]) -> Iterator[dict[str, str]]:
    """Things as another subgraph of a federation would name them."""
    for name, tag in ENTITIES.items():
        yield from ({"__typename": name, "id": id_} for id_ in ids if id_.startswith(f"{tag}_"))
    yield from ({"__typename": "Organization", "handle": handle} for handle in handles)
    yield from ({"__typename": "SpecVersion", "digest": digest} for digest in digests)
    yield {"__typename": "Skill", "uri": support.SKILL_URI}
    yield {"__typename": "CredentialSpec", "slug": "ab-testing"}
    yield {"__typename": "CredentialSpec", "slug": "capstone"}
    yield {"__typename": "Stack", "handle": "analyst"}
    yield {"__typename": "Endorsement", "id": ids[0]}


async def _copied(tx: Tx, learner: Actor) -> str:
    """A copy of the learner's data: its id."""
    number, copied = await privacy.make_copy(tx, learner)
    return AWARDS.seal(SEALER, learner, DATA_COPY.tag, AWARDS.pack(number, copied))


async def _erased(tx: Tx) -> tuple[Actor, str]:
    """A learner who was erased, and the id of that."""
    number = await learners.enrol(tx, Person("gone@example.com", "Gone Now", "DE"))
    await learners.erase(tx, [number])
    actor = Actor(learner_id=number, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
    return actor, OWN.seal(SEALER, actor, ERASURE.tag, OWN.pack(number))


async def _bulk(tx: Tx, school: Actor) -> list[str]:
    """A received upload and an import of it that met a bad row: their ids."""
    upload = await uploads.announce(tx, school, uploads.AnnounceUpload(Format.CSV, 1, "0" * 64))
    await tx.execute("update uploads set received_at = created_at, wrapped_key = '' where id = $1", upload)
    waiting = await bulk.start_import(tx, school, bulk.StartImport(upload, ImportKind.AWARDS))
    bad = [{"row": 2, "path": ["email"], "code": "INVALID", "message": "This is no address."}]
    await tx.execute("update bulk_operations set first_row_errors = $2 where id = $1", waiting, bad)
    return [f"upload_{upload}", f"bulk_{waiting}"]


async def _people(tx: Tx, employer: Actor) -> list[str]:
    """The employer's own membership, a domain that it claims, an invitation, a token and its successor: their ids."""
    admin = replace(employer, token_id=None, login_id=new_id(), authenticated_at=await tx.now())
    wanted = tokens.CreateToken("Nightly search", frozenset({Scope.SEARCH_READ}), "dev", networks=("192.0.2.0/24",))
    token, _ = await tokens.create(tx, admin, wanted)
    successor, _ = await tokens.roll(tx, admin, tokens.RollToken(token, "dev"))
    invited, _ = await invitations.invite(tx, admin, invitations.Invite("new@example.com", frozenset({Role.AUTHOR})))
    return [
        f"membership_{await tx.fetchval('select id from memberships where person_id = $1', employer.person_id)}",
        f"dom_{await domains.claim(tx, employer, 'claimed.example')}",
        f"invitation_{invited}",
        f"token_{token}",
        f"token_{successor}",
    ]


async def _standing(tx: Tx, school: Actor, employer: Actor) -> list[str]:
    """A tie that the employer declares, a key of it, and what it proposes: their ids."""
    assert school.organization_id is not None
    assert employer.organization_id is not None
    key = new_id()
    await tx.execute(
        "insert into signing_keys (id, organization_id, name, algorithm, public, wrapped_private, wrapped_data_key,"
        " wrapped_by, created_at) values ($1, $2, 'key-2026', 'ed25519', $3, '', '', 'test', $4)",
        *(key, employer.organization_id, b"p" * 32, await tx.now()),
    )
    link = await conflicts.declare(tx, employer, conflicts.Declare(school.organization_id, LinkKind.CONTROLS))
    proposal = await approvals.propose(
        tx, employer, approvals.Propose(employer.organization_id, Action.ADD_SIGNING_KEY)
    )
    tool = await interests.declare_tool(tx, employer, "Lumen Studio")
    paid = interests.DeclareSponsorship(school.organization_id, paying=True, since=date(2026, 1, 1))
    sponsorship = await interests.declare_sponsorship(tx, employer, paid)
    return [f"key_{key}", f"lnk_{link}", f"apr_{proposal}", f"mak_{tool}", f"spo_{sponsorship}"]


async def _graduates(tx: Tx, school: Actor) -> tuple[Actor, list[str]]:
    """Learners who hold the published version, most of whom may be found; one of them, and the ids of their awards."""
    version = await tx.fetchval("select id from spec_versions where state = 'published'")
    ids = []
    for number in range(14):
        person = Person(f"learner{number}@example.com", "Learner Example", "DE", "DE-BE" if number % 5 else None)
        day = date(2026, 1 + number % 9, 1)
        issued = await awards.issue(tx, school, awards.IssueAward(version, person, day))
        ids.append(AWARDS.seal(SEALER, school, "award", AWARDS.pack(issued.learner_id, issued.award_id)))
        learner = Actor(learner_id=issued.learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
        if number:
            await set_consent(tx, learner, SetConsent(Purpose.TALENT_SEARCH, granted=True))
    assert learner.learner_id is not None
    return learner, [*ids[:2], ids[-1], OWN.seal(SEALER, learner, "learner", OWN.pack(learner.learner_id))]


async def _specifications(tx: Tx, school: Actor, employer: Actor) -> list[str]:
    """A published version with a successor in the employer's review, one in draft; a listing; a skill: their ids."""
    await support.ground(tx)
    first = await support.submitted(tx, school, "ab-testing", price=None)
    await specs.publish(tx, school, first)
    draft = await specs.new_draft_from(tx, school, first)
    edit = specs.EditDraft(draft, {**COMPLETE, "description": "Otherwise said."})
    await specs.edit_draft(tx, school, edit)
    second = await specs.submit(tx, school, specs.Submit(draft, "1.1.0"))
    await specs.open_review(tx, second, employer.organization_id)
    other = await support.drafted(tx, school, "capstone", assessment=..., skills=..., outcomes=...)
    await catalogue._store(tx, SYSTEM, listings.read(LISTING), source="listing.csv", dry_run=False)
    listing, skill = await tx.fetchval("select id from listings"), await tx.fetchval("select id from skills")
    spec = await tx.fetchval("select spec_id from spec_versions where id = $1", first)
    return [
        f"spec_{spec}",
        f"version_{first}",
        f"version_{second}",
        f"draft_{other.draft_id}",
        f"listing_{listing}",
        f"skill_{skill}",
        f"framework_{await tx.fetchval('select id from skill_frameworks')}",
    ]


async def _judged(tx: Tx, school: Actor, employer: Actor) -> list[str]:
    """A decided review and one that waits, an endorsement with every kind of evidence, and a stack: their ids."""
    version = await tx.fetchrow("select id, spec_id, digest from spec_versions where state = 'published'")
    newer = await tx.fetchval("select id from spec_versions where state <> 'published'")
    assert version is not None
    assert employer.organization_id is not None
    look = reviews.RequestReview(version["id"], employer.organization_id, "Please look")
    answered = await reviews.request(tx, school, look)
    await reviews.claim(tx, employer, answered)
    review = await reviews.decide(tx, employer, reviews.Decide(answered, favourable()))
    renewal = replace(look, spec_version_id=newer, previous_review_id=review)
    waiting = await reviews.request(tx, school, renewal)
    expert, _ = await experts.invite(tx, employer, experts.InviteExpert(waiting))
    await conflicts.note_interest(tx, review, employer.organization_id, version["id"])
    asked = await _asked(tx, school, review, version["id"])
    spoken = await _spoken(tx, school, employer, version["id"])
    skills = frozenset(row["id"] for row in await tx.fetch("select id from skills"))
    offer = await calls.offer(tx, employer, calls.Offer(skills, frozenset({Sector.FINANCE})))
    sought = await support.submitted(tx, school, "sought")
    opened = calls.OpenCall(sought, sectors=frozenset({Sector.FINANCE}), places=2)
    call = await calls.open_call(tx, school, opened)
    attachment = await _attached(tx, employer)
    word = endorsements.EndorseSpec(
        version["id"],
        version["digest"],
        "We interview every holder.",
        EVERY_KIND,
        (attachment,),
        evidence_files=((attachment,),),
    )
    suggestion = await schools_words.suggest(
        tx, school, schools_words.Suggest(version["id"], employer.organization_id, "You interview every holder.")
    )
    proposal = await proposals.propose(tx, employer, word)
    endorsement = await endorsements.endorse(tx, employer, word)
    # Signing is another test's matter: here the row only has to be read.
    await tx.execute(
        "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until) where id = $1",
        endorsement,
    )
    await tx.execute(
        "insert into endorsement_signatures (endorsement_id, credential, signed_at)"
        " select id, document, valid_from from endorsements"
    )
    stack = await stacks.create(tx, school, stacks.CreateStack("analyst", "Analyst", (version["spec_id"],)))
    made = [f"rrq_{answered}", f"rrq_{waiting}", f"rev_{review}", f"end_{endorsement}", f"stk_{stack}", f"xpt_{expert}"]
    made += [f"rof_{offer}", f"rcl_{call}"]
    backed = await _backed(tx, school, employer, version["id"], endorsement)
    return [*made, *asked, f"attachment_{attachment}", f"prp_{proposal}", f"sug_{suggestion}", *backed, *spoken]


async def _backed(tx: Tx, school: Actor, employer: Actor, version: UUID, endorsement: UUID) -> list[str]:
    """Two reserved seats, one of them redeemed, alarms of both sides, and a tool's cycles: their ids."""
    pledge = await tx.fetchval("select id from pledges where endorsement_id = $1", endorsement)
    seats = [await pledges.reserve(tx, school, pledges.Reserve(pledge, f"holder-{n}")) for n in range(2)]
    redeemed = await pledges.redeem(tx, employer, seats[0].entry_id)
    alarms = [
        await alarm(tx, version, school.organization_id),
        await alarm(tx, version, employer.organization_id, endorsement),
    ]
    told = b"tool,cycle,supported until,source\nPython,3.9,2025-10-31,https://devguide.python.org/versions/\n"
    await dates.store(tx, SYSTEM, support_files.read(told), source="support.csv", data=told)
    cycle = await tx.fetchval("select id from tool_cycles")
    entries = [f"ple_{entry.entry_id}" for entry in (*seats, redeemed)]
    return [f"plg_{pledge}", f"cyc_{cycle}", *entries, *(f"drf_{each}" for each in alarms)]


async def _asked(tx: Tx, school: Actor, review: UUID, version: UUID) -> list[str]:
    """Changes that the review asks for, one of which the school's open draft ticks off: their ids, and the draft's."""
    waiting, ticked = await change_requests.open_from(
        tx, review, [change_requests.Asked("Name a price", "price.amount"), change_requests.Asked("Be *shorter*")]
    )
    draft = await specs.new_draft_from(tx, school, version)
    tick = change_requests.Tick(draft, ticked, Answer.ADDRESSED, "Done")
    await change_requests.tick(tx, school, tick)
    return [f"chg_{waiting}", f"chg_{ticked}", f"draft_{draft}"]


async def _spoken(tx: Tx, school: Actor, employer: Actor, version: UUID) -> list[str]:
    """A review by the employer's own rubric that is being written, and one with everything said about it: their ids."""
    anchors = ("None", "Some", "Enough", "Much", "All")
    wanted = (Wanted("R1"), Wanted("D1", "Depth", "Is it deep?", anchors))
    rubric = await rubrics.publish(tx, employer, rubrics.PublishRubric("Ours", wanted))
    review = await reviewed(tx, school, employer, version)
    remarks = [row["id"] for row in await tx.fetch("select id from review_comments where review_id = $1", review)]
    reply = await comments.answer(tx, school, comments.Say(remarks[0], "The *board* does."))
    words = await tx.fetch("select id from review_suggestions where review_id = $1 order by no", review)
    accepted = suggestions.Accept(words[0]["id"], await specs.new_draft_from(tx, school, version))
    await suggestions.accept(tx, school, accepted)
    await suggestions.decline(tx, school, suggestions.Decline(words[1]["id"], "It stands."))
    request = await claimed(tx, school, employer, version)
    draft = await writing.start(tx, employer, writing.Start(request, Interest.NONE, rubric_version_id=rubric))
    scores = (Score("D1", 3, "The brief"),)
    await writing.edit(tx, employer, writing.Edit(draft, scores, REMARKS, PROPOSALS, "So far", Recommendation.COMMENT))
    await writing.view(tx, employer, draft, Section.SKILLS)
    return [
        *(f"rub_{rubric}", f"rub_{DEFAULT_ID}", f"rev_{review}", f"rvd_{draft}", f"rpl_{reply}", f"rrq_{request}"),
        *(f"rcm_{key}" for key in remarks),
        *(f"rsg_{row['id']}" for row in words),
    ]


async def _quorum(tx: Tx, school: Actor, others: list[UUID]) -> list[str]:
    """A policy of the school, under which a second organization completes the quorum and a third one does not count.

    The ids of the policy and of an endorsement from elsewhere. What happens, happens at this moment, so that one change
    has every sort of cause.
    """
    admin = replace(school, roles=school.roles | {Role.ORG_ADMIN})
    outcomes = {"supplier": "block"}
    policy = await policies.publish(tx, admin, policies.Publish(QuorumPolicy(outcomes=outcomes), "We ask for more."))
    version = await tx.fetchval("select id from spec_versions where state = 'published'")
    await quorate(tx, version, others[:2])
    return [f"pol_{policy}", f"fen_{await brought(tx, version)}"]


async def _attached(tx: Tx, employer: Actor) -> UUID:
    """A picture of the employer's that was received."""
    announced = attachments.AnnounceAttachment("badge.png", 1, "0" * 64)
    attachment = await attachments.announce(tx, employer, announced)
    await tx.execute(
        "insert into attachment_files (attachment_id, media_type, name, data, size, sha256, width, height, received_at)"
        " select id, 'image/png', filename, '\\x00', size, sha256, 1, 1, created_at from attachments where id = $1",
        attachment,
    )
    return attachment
