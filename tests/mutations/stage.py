"""A market in which every mutation of the schema has something to be done to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLObjectType

from countersign import app
from countersign.accounts import service as accounts
from countersign.accounts.rules import address_key
from countersign.awards import claims
from countersign.awards import service as awards
from countersign.awards.rules_claims import Factor, FactorKind
from countersign.bulk import service as bulk
from countersign.bulk import uploads
from countersign.bulk.rules import Format, ImportKind
from countersign.conflicts import interests
from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import LinkKind
from countersign.endorsements import display, pledges, proposals, suggestions, suspension
from countersign.endorsements import service as endorsements
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database, Tx
from countersign.kit.fetcher import Fetcher
from countersign.kit.ids import Sealer, new_id
from countersign.learners import rules as learner_rules
from countersign.learners.service import Person
from countersign.notices.smtp import Smtp
from countersign.organizations import domains, invitations, tokens
from countersign.reads.bindings import Entity, binding_of
from countersign.reads.identity import Sealed
from countersign.reviews import calls, change_requests, comments, experts, rubrics
from countersign.reviews import service as reviews
from countersign.reviews.change_requests import Asked
from countersign.reviews.rules import Recommendation
from countersign.reviews.rules_changes import Answer
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.sectors import Sector
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.specs import catalogue, listings, service
from countersign.trust import key_commands
from countersign.trust.signer import Signer
from tests.endorsements.elsewhere import brought
from tests.endorsements.ledger import PLEDGE, alarm
from tests.factories import Factory
from tests.kit.outside_world import Names
from tests.notices.rows import chosen, hooked, told
from tests.reviews.support import favourable, reviewed, written
from tests.specs.samples import COMPLETE
from tests.specs.support import drafted, ground, submitted

SEALER: Final = Sealer(b"s" * 32)
SCHEMA: Final = the_schema()
LISTING: Final = b"program_id,provider,title,description\n7,Riverside Institute,Welding,Learn to join steel safely.\n"
DAY: Final = date(2026, 10, 1)
STANDING: Final = ("submitted", "published", "deprecated", "entrusted", "sought")
NOWHERE: Final = Smtp("localhost", 9, "notices@portal.example")
NEWCOMER: Final = "newcomer@example.com"
VOUCHED: Final = "anna@new.example"


@dataclass(frozen=True)
class Stage:
    """The engine over a market, who acts there, and the public ids of what they act on."""

    engine: Engine
    db: Database
    school: Actor
    employer: Actor
    learner: Actor
    admin: Actor
    house: Actor
    newcomer: Actor
    claimant: Actor
    own: Actor
    ids: dict[str, str]
    digest: str
    colleagues: Mapping[UUID, UUID]

    def actor(self, role: str) -> Actor:
        """Who acts in a role."""
        found: Actor = getattr(self, role)
        return found

    async def do(self, name: str, actor: Actor, /, **given: Any) -> dict[str, Any]:
        """The whole answer to one mutation that asks for everything its payload holds."""
        answer = await self.engine.answer(Request(document(name), {"input": given}), actor, "stage")
        body: dict[str, Any] = json.loads(answer.render())
        return body

    def colleague(self, actor: Actor) -> Actor:
        """Somebody else with the same roles in the same organization; for who has none, another token or session."""
        other = self.colleagues.get(actor.person_id) if actor.person_id is not None else None
        return replace(actor, person_id=other or new_id(), token_id=None if actor.login_id else new_id())


def document(name: str) -> str:
    """A mutation that asks for each entity's id, the errors and the client's mark."""
    mutation = SCHEMA._schema.mutation_type
    assert mutation is not None
    payload = mutation.fields[name].type
    assert isinstance(payload, GraphQLObjectType)
    entities = [f for f, definition in payload.fields.items() if isinstance(binding_of(payload, f, definition), Entity)]
    input_type = mutation.fields[name].args["input"].type
    return (
        f"mutation ($input: {input_type}) {{ {name}(input: $input) {{ {' '.join(f'{e} {{ id }}' for e in entities)}"
        " errors { __typename ... on UserError { code path message } } clientMutationId } }"
    )


async def make_stage(db: Database, signer: Signer, make: Factory) -> Stage:
    """A school with specifications in every state, an employer with reviews and a word of its own, a learner."""
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN)
        employer = await make.employer(tx)
        agency = await make.organization(tx, OrganizationKind.AGENCY)
        ids = {"employer": f"org_{employer.organization_id}", "agency": f"org_{agency}"}
        versions = await _specifications(tx, school, ids)
        await _reviews(tx, school, employer, versions, ids)
        await _changes(tx, school, employer, ids)
        await _written(tx, school, employer, versions, ids)
        digest = await _endorsed(tx, school, employer, versions, ids)
        await _said_again(tx, school, employer, ids)
        await _reserved(tx, school, ids)
        issued = await awards.issue(
            tx, school, awards.IssueAward(versions["published"], Person("a@example.com", "Anna", "DE"), DAY)
        )
        route = Sealed()
        ids["award"] = route.seal(SEALER, school, "award", route.pack(issued.learner_id, issued.award_id))
        await _bulk(tx, school, ids)
        ids["notice"], ids["mailbox"] = await told(tx, employer), await chosen(tx, employer, "a@employer.example")
        ids["webhook"], ids["delivery"] = await hooked(tx, school)
        await _four_eyes(tx, make, signer, school, ids)
        ids["foreign"] = f"fen_{await brought(tx, versions['published'])}"
        ids["link"] = f"lnk_{await _link(tx, make, school)}"
        ids["tool"] = f"mak_{await interests.declare_tool(tx, school, 'Lumen')}"
        paid = interests.DeclareSponsorship(agency, paying=False, since=DAY)
        ids["sponsorship"] = f"spo_{await interests.declare_sponsorship(tx, school, paid)}"
        ids["domain"] = f"dom_{await domains.claim(tx, school, 'claimed.example')}"
        learner = Actor(learner_id=issued.learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
        admin = await _people(tx, make, school, ids)
        house = await _house(tx, make, employer, ids)
        newcomer = await _newcomer(tx)
        claimant = await _claimant(tx, school, versions["published"], ids)
        own = replace(await _signed_in(tx), learner_id=issued.learner_id)
        colleagues = dict([await _colleague(tx, make, actor) for actor in (school, employer, house)])
    return Stage(
        Engine(the_schema(), Tools(db, SEALER, signer, fetcher=Fetcher(Names()), mailer=NOWHERE)),
        db,
        school,
        employer,
        learner,
        admin,
        house,
        newcomer,
        claimant,
        own,
        ids,
        digest,
        colleagues,
    )


async def _claimant(tx: Tx, school: Actor, version: UUID, ids: dict[str, str]) -> Actor:
    """Somebody signed in, and the link to an award that waits for them."""
    factor = Factor(FactorKind.STUDENT_NUMBER, "1001")
    made = await awards.issue(
        tx, school, awards.IssueAward(version, Person("b@example.com", "Boris", "KZ"), DAY, factor=factor)
    )
    link = await claims.make_link(tx, school, claims.MakeClaimLink(made.learner_id, made.award_id))
    ids["claim"] = link.url.partition("#")[2]
    return await _signed_in(tx)


async def _signed_in(tx: Tx) -> Actor:
    """Somebody who has just signed in with a provider that vouches for an address."""
    account = await accounts.account_of(tx, "https://people.example", str(new_id()))
    key = learner_rules.lookup_key(VOUCHED)
    opened = await accounts.open_login(tx, account, authenticated_at=await tx.now(), email_key=key)
    return Actor(
        person_id=account,
        account_id=account,
        login_id=opened.login_id,
        authenticated_at=await tx.now(),
        scopes=frozenset(Scope),
    )


async def _people(tx: Tx, make: Factory, school: Actor, ids: dict[str, str]) -> Actor:
    """The school's admin with a session; a member, a token and two invitations, one of them for the newcomer."""
    assert school.organization_id is not None
    admin = replace(
        school, token_id=None, login_id=new_id(), account_id=school.person_id, authenticated_at=await tx.now()
    )
    member = await make.member(tx, school.organization_id, OrganizationKind.SCHOOL, Role.AUTHOR)
    key = await tx.fetchval("select id from memberships where person_id = $1", member.person_id)
    wanted = tokens.CreateToken("Nightly import", frozenset({Scope.AWARD_WRITE}), "dev")
    token, _ = await tokens.create(tx, admin, wanted)
    waiting, _ = await invitations.invite(tx, admin, invitations.Invite("new@example.com", frozenset({Role.AUTHOR})))
    _, text = await invitations.invite(tx, admin, invitations.Invite(NEWCOMER, frozenset({Role.REGISTRAR})))
    ids |= {"membership": f"membership_{key}", "token": f"token_{token}", "invitation": f"invitation_{waiting}"}
    ids["invited"] = text
    return admin


async def _house(tx: Tx, make: Factory, employer: Actor, ids: dict[str, str]) -> Actor:
    """The employer's admin with a session; the membership of its signatory."""
    assert employer.organization_id is not None
    admin = await make.member(tx, employer.organization_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    key = await tx.fetchval("select id from memberships where person_id = $1", employer.person_id)
    ids["signatory"] = f"membership_{key}"
    return replace(admin, token_id=None, login_id=new_id(), account_id=admin.person_id, authenticated_at=await tx.now())


async def _colleague(tx: Tx, make: Factory, actor: Actor) -> tuple[UUID, UUID]:
    """An actor's person, and another one with the same roles."""
    assert actor.organization_id is not None
    assert actor.organization_kind is not None
    other = await make.member(tx, actor.organization_id, actor.organization_kind, *actor.roles)
    assert actor.person_id is not None
    assert other.person_id is not None
    return actor.person_id, other.person_id


async def _newcomer(tx: Tx) -> Actor:
    account = await accounts.account_of(tx, "https://people.example", "newcomer")
    opened = await accounts.open_login(tx, account, authenticated_at=await tx.now(), email_key=address_key(NEWCOMER))
    return Actor(person_id=account, account_id=account, login_id=opened.login_id, scopes=frozenset(Scope))


async def _specifications(tx: Tx, school: Actor, ids: dict[str, str]) -> dict[str, UUID]:
    made = await drafted(tx, school, "open-draft")
    ids["draft"], ids["spec"] = f"draft_{made.draft_id}", f"spec_{made.spec_id}"
    versions = {name: await submitted(tx, school, f"a-{name}") for name in STANDING}
    for name in ("published", "deprecated"):
        await service.publish(tx, school, versions[name])
    await service.deprecate(tx, school, versions["deprecated"])
    await catalogue._store(tx, SYSTEM, listings.read(LISTING), source="listing.csv", dry_run=False)
    ids["listing"] = f"listing_{await tx.fetchval('select id from listings')}"
    ids |= {name: f"version_{key}" for name, key in versions.items()}
    return versions


async def _reviews(tx: Tx, school: Actor, employer: Actor, versions: dict[str, UUID], ids: dict[str, str]) -> None:
    assert employer.organization_id is not None
    asked = {
        name: await reviews.request(tx, school, reviews.RequestReview(versions[version], employer.organization_id))
        for name, version in (("waiting", "published"), ("claimed", "submitted"), ("given", "entrusted"))
    }
    await reviews.claim(tx, employer, asked["claimed"])
    ids |= {name: f"rrq_{key}" for name, key in asked.items()}
    expert, _ = await experts.invite(tx, employer, experts.InviteExpert(asked["given"]))
    ids["expert"] = f"xpt_{expert}"
    await calls.offer(tx, employer, calls.Offer(sectors=frozenset(Sector)))
    opened = calls.OpenCall(versions["sought"], sectors=frozenset({Sector.FINANCE}), skill_ids=frozenset())
    ids["call"] = f"rcl_{await calls.open_call(tx, school, opened)}"


async def _changes(tx: Tx, school: Actor, employer: Actor, ids: dict[str, str]) -> None:
    """Changes that the employer asks for: one that waits, one that the next draft ticks off, one that is answered."""
    assert employer.organization_id is not None
    version = await submitted(tx, school, "a-changing")
    request = await reviews.request(tx, school, reviews.RequestReview(version, employer.organization_id))
    await reviews.claim(tx, employer, request)
    review = await reviews.decide(tx, employer, reviews.Decide(request, favourable(Recommendation.REQUEST_CHANGES)))
    waiting, ticked, answered = await change_requests.open_from(tx, review, [Asked(name) for name in ("a", "b", "c")])
    draft = await service.new_draft_from(tx, school, version)
    await change_requests.tick(tx, school, change_requests.Tick(draft, ticked, Answer.ADDRESSED))
    await change_requests.decline(tx, school, answered, "Not ours")
    ids |= {"answering": f"draft_{draft}", "asked": f"chg_{waiting}", "ticked": f"chg_{ticked}"}
    ids["answered"] = f"chg_{answered}"


async def _written(tx: Tx, school: Actor, employer: Actor, versions: dict[str, UUID], ids: dict[str, str]) -> None:
    """A rubric of the employer, a review that it can submit, and one that it has submitted."""
    ids["rubric"] = f"rub_{await rubrics.publish(tx, employer, rubrics.PublishRubric('Ours', (Wanted('R1'),)))}"
    # A request about the deprecated version, from before it was that: specifications take long to make.
    request = await tx.fetchval(
        "insert into review_requests select (jsonb_populate_record(q, jsonb_build_object("
        "'id', gen_random_uuid(), 'spec_version_id', $1::uuid))).* from review_requests q where q.id = $2 returning id",
        versions["deprecated"],
        UUID(ids["claimed"].removeprefix("rrq_")),
    )
    draft = await written(tx, employer, request)
    at = await tx.fetchval("select updated_at from review_drafts where id = $1", draft)
    ids |= {"writing": f"rvd_{draft}", "written_at": at.isoformat()}
    review = await reviewed(tx, school, employer, await submitted(tx, school, "b-reviewed"))
    rows = await tx.fetch("select id from review_comments where review_id = $1 order by no", review)
    ids |= {name: f"rcm_{row['id']}" for name, row in zip(("remark", "met"), rows, strict=False)}
    await comments.resolve(tx, employer, rows[1]["id"])
    words = await tx.fetchval("select id from review_suggestions where review_id = $1 order by no limit 1", review)
    ids["words"] = f"rsg_{words}"


async def _endorsed(tx: Tx, school: Actor, employer: Actor, versions: dict[str, UUID], ids: dict[str, str]) -> str:
    """The employer's word for the submitted version, in force; the digest of the published one."""
    digests = {
        name: await tx.fetchval("select digest from spec_versions where id = $1", k) for name, k in versions.items()
    }
    for name, version in (("endorsement", "submitted"), ("paused", "published")):
        word = endorsements.EndorseSpec(versions[version], digests[version], "We interview every holder.", (PLEDGE,))
        key = await endorsements.endorse(tx, employer, word)
        await tx.execute(
            "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until) where id = $1",
            key,
        )
        ids[name] = f"end_{key}"
    await suspension.suspend(tx, employer, suspension.Suspend(key, "We look again"))
    word = endorsements.EndorseSpec(versions["submitted"], digests["submitted"], "We interview every holder.")
    ids["proposal"] = f"prp_{await proposals.propose(tx, employer, word)}"
    ids["proposed digest"] = digests["submitted"]
    assert employer.organization_id is not None
    words = suggestions.Suggest(versions["published"], employer.organization_id, "You interview every holder.")
    ids["suggestion"] = f"sug_{await suggestions.suggest(tx, school, words)}"
    ids["hidden"] = ids["paused"]
    await display.hide(tx, school, key)
    ids["alarm"] = f"drf_{await alarm(tx, versions['published'], employer.organization_id, key)}"
    return str(digests["published"])


async def _reserved(tx: Tx, school: Actor, ids: dict[str, str]) -> None:
    """The pledge of the employer's word that stands, with one seat reserved and one left."""
    word = ids["endorsement"].removeprefix("end_")
    pledge = await tx.fetchval("select id from pledges where endorsement_id = $1::text::uuid", word)
    made = await pledges.reserve(tx, school, pledges.Reserve(pledge, "holder-1"))
    ids["pledge"], ids["reservation"] = f"plg_{pledge}", f"ple_{made.entry_id}"


async def _said_again(tx: Tx, school: Actor, employer: Actor, ids: dict[str, str]) -> None:
    """The employer's word for a version with a successor that changes its description alone."""
    assert employer.organization_id is not None
    first = await submitted(tx, school, "a-said")
    draft = await service.new_draft_from(tx, school, first)
    await service.edit_draft(tx, school, service.EditDraft(draft, {**COMPLETE, "description": "Otherwise said."}))
    second = await service.submit(tx, school, service.Submit(draft, "1.0.1"))
    digests = [await tx.fetchval("select digest from spec_versions where id = $1", key) for key in (first, second)]
    for version in (first, second):
        await service.let_read(tx, version, employer.organization_id)
    key = await endorsements.endorse(tx, employer, endorsements.EndorseSpec(first, digests[0], "We hire."))
    await tx.execute(
        "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until) where id = $1", key
    )
    ids |= {"sayable": f"end_{key}", "said_again": f"version_{second}", "said_again_digest": digests[1]}


async def _four_eyes(tx: Tx, make: Factory, signer: Signer, school: Actor, ids: dict[str, str]) -> None:
    """Two keys of the school, and what another admin of it proposes about the older one."""
    assert school.organization_id is not None
    app.attend(signer)
    await signer.ensure_key(tx, school.organization_id)
    old = await tx.fetchval("select id from signing_keys")
    await signer.add_key(tx, school.organization_id)
    ids["key"] = f"key_{await tx.fetchval('select id from signing_keys where retired_at is null')}"
    admin = await make.member(tx, school.organization_id, OrganizationKind.SCHOOL, Role.ORG_ADMIN)
    ids["approval"] = f"apr_{await key_commands.propose_compromise(tx, admin, key_commands.MarkCompromised(old))}"


async def _link(tx: Tx, make: Factory, school: Actor) -> UUID:
    """What somebody else has declared of the school."""
    other = await make.employer(tx, Role.ORG_ADMIN)
    assert school.organization_id is not None
    return await conflicts.declare(tx, other, conflicts.Declare(school.organization_id, LinkKind.SAME_OWNER))


async def _bulk(tx: Tx, school: Actor, ids: dict[str, str]) -> None:
    """A received upload, and an import of it that waits."""
    upload = await uploads.announce(tx, school, uploads.AnnounceUpload(Format.CSV, 1, "0" * 64))
    await tx.execute("update uploads set received_at = created_at, wrapped_key = '' where id = $1", upload)
    waiting = await bulk.start_import(tx, school, bulk.StartImport(upload, ImportKind.AWARDS))
    ids["upload"], ids["bulk"] = f"upload_{upload}", f"bulk_{waiting}"
