"""Plays the made-up market into a database, through the services that clients' requests go through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from countersign.awards import consent, importing
from countersign.corpora.service import Corpus, import_vacancies
from countersign.demo import history, market
from countersign.demo.history import Event
from countersign.demo.learners import Files
from countersign.demo.market import Endorsement, Market, Review, Version
from countersign.endorsements import evidence, support
from countersign.endorsements import jobs as signing
from countersign.endorsements import rules as endorsement_rules
from countersign.endorsements import service as endorsements
from countersign.kit import commands
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.clock import DatabaseClock, FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id, parse_public_id, public_id
from countersign.kit.importing import ImportReport
from countersign.organizations import service as organizations
from countersign.reviews import rules as review_rules
from countersign.reviews import service as reviews
from countersign.skills import files as skill_files
from countersign.skills import service as skills
from countersign.skills.files import Style
from countersign.skills.rules import Label, LabelKind
from countersign.specs import catalogue
from countersign.specs import rules as spec_rules
from countersign.specs import service as specs
from countersign.stacks import service as stacks
from countersign.trust.signer import Signer

DATA: Final = Path(str(files("countersign") / "data"))
SKILL_FILES: Final = (
    ("esco/skills.csv", Style.ESCO),
    ("onet/technologies.csv", Style.ONET),
    ("osmt/rsd.csv", Style.RSD),
)
COURSES: Final = DATA / "new-jersey" / "programs.csv"
SUPPORT: Final = DATA / "support" / "tools.csv"
VACANCIES: Final = DATA / "skillspan" / "vacancies.jsonl"
CORPUS: Final = Corpus(
    name="SkillSpan",
    since=date(2012, 1, 1),
    until=date(2025, 2, 13),
    source="github.com/kris927b/SkillSpan, commit 2ccf3de; NAACL 2022",
    licence="MIT, Copyright (c) 2023 Mike Zhang",
)
"""The period is a bound, the day of the commit its end: the vacancies tell no days."""
REGISTERED: Final = timedelta(days=700)
"""How long ago the market's organizations came."""

Progress = Callable[[str, int, int], None]
"""Told (what, done, of)."""


class SeedFailed(Exception):
    """The market could not be made; the message names the event and the refusal."""


def skill_uris() -> dict[str, str]:
    """The URI of every ESCO and O*NET skill of the package's data, by `framework: preferred label`."""
    uris: dict[str, str] = {}
    for name, style in SKILL_FILES[:2]:
        read = skill_files.read((DATA / name).read_bytes(), style, "en")
        for _, facts in read.skills:
            preferred = next(label.text for label in facts.labels if label.kind is LabelKind.PREFERRED)
            uris.setdefault(f"{read.framework.handle}: {preferred}", facts.uri)
    return uris


async def load_reference(db: Database, progress: Progress) -> None:
    """Import what the package has of others: skills, tools, courses, ends of support, vacancies. Raises SeedFailed."""
    for name, style in SKILL_FILES:
        _expect(await skills.import_skills(db, SYSTEM, DATA / name, style, progress=_of(progress, f"skills: {name}")))
    _expect(await catalogue.import_listings(db, SYSTEM, COURSES, progress=_of(progress, "courses: New Jersey")))
    _expect(await support.import_support(db, SYSTEM, SUPPORT, progress=_of(progress, "ends of support")))
    _expect(await import_vacancies(db, SYSTEM, VACANCIES, CORPUS, progress=_of(progress, "vacancies: SkillSpan")))


async def load_learners(db: Database, made: Files, registrars: Mapping[str, Actor], progress: Progress) -> None:
    """Import each school's award file as its registrar, then the consents. Raises SeedFailed when a file is refused."""
    for school, path in made.awards.items():
        told = _of(progress, f"awards: {school}")
        _expect(await importing.import_awards(db, registrars[school], path, progress=told))
    told = _of(progress, "consents")
    _expect(await consent.import_consents(db, SYSTEM, made.consents, progress=told))


def _of(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, of: progress(what, done, of)


def _expect(report: ImportReport) -> None:
    if report.refused:
        raise SeedFailed("\n".join(report.lines()))


@dataclass(slots=True)
class Cast:
    """Who acts: for each organization its id, and its people by what they do."""

    organizations: dict[str, UUID] = field(default_factory=dict)
    people: dict[tuple[str, Role], Actor] = field(default_factory=dict)

    def who(self, handle: str, role: Role) -> Actor:
        """The person of an organization who holds a role."""
        return self.people[handle, role]

    @property
    def registrars(self) -> dict[str, Actor]:
        """The schools' registrars by the school's handle."""
        return {handle: actor for (handle, role), actor in self.people.items() if role is Role.REGISTRAR}


STAFF: Final[Mapping[OrganizationKind, tuple[frozenset[Role], ...]]] = {
    OrganizationKind.SCHOOL: (frozenset({Role.AUTHOR, Role.ORG_ADMIN}), frozenset({Role.REGISTRAR})),
    OrganizationKind.EMPLOYER: (
        frozenset({Role.REVIEWER}),
        frozenset({Role.SIGNATORY}),
        frozenset({Role.RECRUITER}),
    ),
    OrganizationKind.AGENCY: (
        frozenset({Role.REVIEWER}),
        frozenset({Role.SIGNATORY}),
        frozenset({Role.RECRUITER}),
    ),
}
"""The people of an organization, each by the roles that they hold: whoever reviews is not whoever signs."""


class Player:
    """Plays a market's history: each event at its own time, by the person who would have done it."""

    def __init__(self, db: Database, signer: Signer, made: Market, uris: Mapping[str, str]) -> None:
        self.db = db
        self.signer = signer
        self.market = made
        self.uris = uris
        self.cast = Cast()
        self.clock = FrozenClock(datetime.combine(made.today - REGISTERED, history.OFFICE_OPENS))
        self._specs: dict[str, UUID] = {}
        self._versions: dict[tuple[str, str], UUID] = {}
        self._requests: dict[tuple[UUID, str], UUID] = {}
        self._endorsements: dict[tuple[UUID, str], UUID] = {}
        self._played = 0

    async def play(self, progress: Progress) -> Cast:
        """Make the whole market; afterwards the database's clock decides again. Raises SeedFailed."""
        timeline = history.events(self.market)
        self.db.clock = self.clock
        try:
            await self._register()
            await self._name_in_russian()
            for number, (at, event) in enumerate(timeline, start=1):
                self.clock.at = at
                await self._play(event)
                progress("the made-up market", number, len(timeline))
        finally:
            self.db.clock = DatabaseClock()
        return self.cast

    async def _register(self) -> None:
        async with self.db.writer() as tx:
            for organization in sorted(self.market.organizations, key=lambda o: o.parent is not None):
                kind = OrganizationKind(organization.kind)
                identity = await organizations.register(
                    tx,
                    SYSTEM,
                    organizations.Register(
                        kind=kind,
                        handle=organization.handle,
                        legal_name=organization.legal_name,
                        display_name=organization.display_name,
                        country=organization.country,
                        url=f"https://{organization.domain}",
                        domains=(organization.domain,),
                        parent_id=self.cast.organizations[organization.parent] if organization.parent else None,
                        verification=organization.verification,
                        fictional=True,
                    ),
                )
                self.cast.organizations[organization.handle] = identity
                for roles in STAFF[kind]:
                    person = await organizations.enrol(tx, SYSTEM, identity, roles)
                    actor = Actor(identity, kind, person, token_id=new_id(), roles=roles, scopes=frozenset(Scope))
                    self.cast.people |= {(organization.handle, role): actor for role in roles}

    async def _name_in_russian(self) -> None:
        labels = [
            skills.OwnLabel(self.uris[name], Label("ru", LabelKind.PREFERRED, text))
            for name, text in market.russian_skill_names().items()
        ]
        async with self.db.writer() as tx:
            await skills.add_labels(tx, SYSTEM, labels)

    async def _play(self, event: Event) -> None:
        match event:
            case history.Submitted(block, version):
                await self._submit(block.school, block.kind, version)
            case history.Asked(block, version, review):
                await self._ask(block.school, version, review)
            case history.Reviewed(_, version, review):
                await self._review(version, review)
            case history.Published(block, version):
                author, identity = self.cast.who(block.school, Role.AUTHOR), self._id(version)
                work = self._one("version", lambda tx: specs.publish(tx, author, identity))
                await self._do(author, Permission.PUBLISH_SPEC, "publishSpec", work)
            case history.Deprecated(block, version):
                author, identity = self.cast.who(block.school, Role.AUTHOR), self._id(version)
                work = self._one("version", lambda tx: specs.deprecate(tx, author, identity))
                await self._do(author, Permission.PUBLISH_SPEC, "deprecateSpec", work)
            case history.Endorsed(_, version, endorsement):
                await self._endorse(version, endorsement)
            case history.Revoked(_, version, endorsement):
                await self._revoke(version, endorsement)
            case history.Stacked(stack):
                await self._stack(stack)

    async def _submit(self, school: str, kind: str, version: Version) -> None:
        author = self.cast.who(school, Role.AUTHOR)
        content = market.content_json(version, self.uris)

        async def submit(tx: Tx) -> Mapping[str, str]:
            if version.base is None:
                command = specs.Create(version.slug, content, spec_rules.Kind(kind))
                created = await specs.create(tx, author, command)
                self._specs[version.slug] = created.spec_id
                draft = created.draft_id
            else:
                draft = await specs.new_draft_from(tx, author, self._versions[version.slug, version.base])
                await specs.edit_draft(tx, author, specs.EditDraft(draft, content))
            identity = await specs.submit(tx, author, specs.Submit(draft, version.semver))
            self._versions[version.slug, version.semver] = identity
            return {"version": public_id("version", identity)}

        await self._do(author, Permission.SUBMIT_SPEC, "submitSpec", submit)

    async def _ask(self, school: str, version: Version, review: Review) -> None:
        author, identity = self.cast.who(school, Role.AUTHOR), self._id(version)
        judge = self.cast.organizations[review.by]
        answered = review.decided_on or self.market.today + timedelta(days=14)
        command = reviews.RequestReview(identity, judge, due_on=answered + timedelta(days=7))
        work = self._one("review_request", lambda tx: reviews.request(tx, author, command))
        made = await self._do(author, Permission.REQUEST_REVIEW, "requestReview", work)
        self._requests[identity, review.by] = made

    async def _review(self, version: Version, review: Review) -> None:
        reviewer = self.cast.who(review.by, Role.REVIEWER)
        request = self._requests[self._id(version), review.by]
        decision = review_rules.Decision(
            interest=review_rules.Interest.NONE,
            declaration="",
            scores=tuple(review_rules.Score(s.criterion, s.value, s.evidence) for s in review.scores),
            comment=review.comment,
            recommendation=review_rules.Recommendation(review.recommendation),
        )

        async def decide(tx: Tx) -> UUID:
            await reviews.claim(tx, reviewer, request)
            return await reviews.decide(tx, reviewer, reviews.Decide(request, decision))

        await self._do(reviewer, Permission.REVIEW, "decideReview", self._one("review", decide))

    async def _endorse(self, version: Version, endorsement: Endorsement) -> None:
        signatory, identity = self.cast.who(endorsement.by, Role.SIGNATORY), self._id(version)

        async def endorse(tx: Tx) -> UUID:
            frozen = await specs.lock_version(tx, identity)
            if frozen is None:
                raise SeedFailed(f"{version.slug} {version.semver} is gone")
            command = endorsements.EndorseSpec(
                spec_version_id=identity,
                expected_digest=frozen.digest,
                statement=endorsement.statement,
                evidence=tuple(_piece(piece) for piece in endorsement.evidence),
                valid_until=datetime.combine(endorsement.valid_until, time(), UTC),
            )
            return await endorsements.endorse(tx, signatory, command)

        work = self._one("endorsement", endorse)
        made = await self._do(signatory, Permission.SIGN_ENDORSEMENT, "endorseSpec", work)
        self._endorsements[identity, endorsement.by] = made
        signed = await signing.sign(self.db, self.signer, made)
        if signed is not endorsement_rules.State.IN_FORCE:
            raise SeedFailed(f"{endorsement.by} could not sign {version.slug} {version.semver}: {signed}")

    async def _revoke(self, version: Version, endorsement: Endorsement) -> None:
        signatory = self.cast.who(endorsement.by, Role.SIGNATORY)
        identity = self._endorsements[self._id(version), endorsement.by]
        command = endorsements.Revoke(identity, endorsement.revocation_reason)
        work = self._one("endorsement", lambda tx: endorsements.revoke(tx, signatory, command))
        await self._do(signatory, Permission.REVOKE_ENDORSEMENT, "revokeEndorsement", work)

    async def _stack(self, stack: market.Stack) -> None:
        author = self.cast.who(stack.organization, Role.AUTHOR)
        command = stacks.CreateStack(
            handle=stack.handle,
            title=stack.title,
            description=stack.description,
            blocks=tuple(self._specs[slug] for slug in stack.blocks),
            capstone_id=self._specs[stack.capstone],
        )
        work = self._one("stack", lambda tx: stacks.create(tx, author, command))
        await self._do(author, Permission.CREATE_STACK, "createStack", work)

    def _id(self, version: Version) -> UUID:
        return self._versions[version.slug, version.semver]

    @staticmethod
    def _one(tag: str, work: Callable[[Tx], Awaitable[UUID]]) -> Callable[[Tx], Awaitable[Mapping[str, str]]]:
        async def run(tx: Tx) -> Mapping[str, str]:
            return {"entity": public_id(tag.replace("_", ""), await work(tx))}

        return run

    async def _do(
        self,
        actor: Actor,
        permission: Permission,
        name: str,
        work: Callable[[Tx], Awaitable[Mapping[str, str]]],
    ) -> UUID:
        self._played += 1
        outcome = await commands.perform(
            self.db,
            actor,
            permission=permission,
            name=name,
            key=f"demo-{self._played}",
            fingerprint=b"",
            work=work,
        )
        if outcome.problems:
            raise SeedFailed(f"{name}: " + "; ".join(p.message for p in outcome.problems))
        parsed = parse_public_id(next(iter(outcome.entities.values())))
        if parsed is None:
            raise SeedFailed(f"{name} made nothing")
        return parsed[1]


PIECES: Final[Mapping[str, type[evidence.Evidence]]] = {
    "hiring_pledge": evidence.HiringPledge,
    "interview_guarantee": evidence.InterviewGuarantee,
    "toolchain_confirmation": evidence.ToolchainConfirmation,
    "assessment_co_design": evidence.AssessmentCoDesign,
    "assessor_provision": evidence.AssessorProvision,
    "case_provision": evidence.CaseProvision,
    "progression_recognition": evidence.ProgressionRecognition,
}


def _piece(entry: Mapping[str, Any]) -> evidence.Evidence:
    """One piece of evidence as the endorsements room takes it."""
    values = {key: value for key, value in entry.items() if key != "kind"}
    if "tools" in values:
        values["tools"] = tuple(evidence.Tool(**tool) for tool in values["tools"])
    return PIECES[entry["kind"]](**values)
