"""The demo's data, made once in a data directory, and the tokens of a run."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from countersign.config import Settings
from countersign.demo import learners as people
from countersign.demo import market, seed
from countersign.demo.seed import Progress
from countersign.kit import installation
from countersign.kit.access import SYSTEM, Role, Scope
from countersign.kit.db import Database, Tx
from countersign.kit.placement import placed_tables, table_name
from countersign.learners import service as learners
from countersign.organizations import service as organizations
from countersign.schema.base import Tools

BEGUN: Final = "demo_begun"
MADE: Final = "demo_made"
TOKENS: Final = "demo-tokens.json"
LINKS: Final = "demo-links"
LINK_BYTES: Final = 16
TOKEN_LIFE: Final = timedelta(days=7)


class NotADemo(Exception):
    """The data directory or database holds something else; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the demo in a data directory was made of."""

    learners: int
    seed: int
    today: date

    def to_json(self) -> str:
        """As the installation remembers it."""
        return json.dumps({"learners": self.learners, "seed": self.seed, "today": self.today.isoformat()})

    @classmethod
    def read(cls, text: str) -> Made:
        """From what the installation remembers."""
        kept = json.loads(text)
        return cls(kept["learners"], kept["seed"], date.fromisoformat(kept["today"]))


async def prepare(
    settings: Settings, tools: Tools, progress: Progress, *, learners: int | None = None, seed_number: int | None = None
) -> Made:
    """Make the demo's data unless they are there; a half-made demo is made anew.

    Raises NotADemo for data that are no demo, or a demo of other numbers; SeedFailed.
    """
    async with tools.db.writer() as tx:
        kept = await installation.noted(tx, MADE)
        begun = await installation.noted(tx, BEGUN)
        strange = kept is None and begun is None and await tx.fetchval("select exists (select from organizations)")
    if strange:
        raise NotADemo(f"{settings.data} holds data that are no demo — try: python3 server demo --data DIR")
    if kept is not None:
        made = Made.read(kept)
        _check_same(made, settings, learners, seed_number)
        return made
    if begun is not None:
        await _start_over(settings)
    made = Made(learners or people.LEARNERS, people.SEED if seed_number is None else seed_number, _today())
    async with tools.db.writer() as tx:
        await installation.fix_origin(tx, settings.public_origin)
        await installation.note(tx, BEGUN, made.to_json())
    await _make(tools, made, progress)
    async with tools.db.writer() as tx:
        await installation.note(tx, MADE, made.to_json())
    return made


def _check_same(made: Made, settings: Settings, learners: int | None, seed_number: int | None) -> None:
    if learners not in {None, made.learners} or seed_number not in {None, made.seed}:
        raise NotADemo(
            f"{settings.data} holds a demo of {made.learners} learners, seed {made.seed}"
            " — for another one: python3 server reset, or --data DIR"
        )


def _today() -> date:
    return datetime.now(tz=UTC).date()


async def _start_over(settings: Settings) -> None:
    """Empty every table of a demo whose making was interrupted; the owner's right, not the application's.

    What migrating noted of the installation stays: it says that new rows need no sealing, and which key opens them.
    """
    owner = await asyncpg.connect(settings.dsn)
    try:
        kept = table_name(installation.Installation)
        names = ", ".join(f'"{name}"' for name in map(table_name, placed_tables()) if name != kept)
        await owner.execute(f"truncate {names}")
        await installation.forget(owner, BEGUN)
    finally:
        await owner.close()


async def _make(tools: Tools, made: Made, progress: Progress) -> None:
    await seed.load_reference(tools.db, progress)
    whole = market.load(made.today)
    cast = await seed.Player(tools.db, tools.signer, whole, seed.skill_uris()).play(progress)
    persons = people.make(whole, made.learners, made.seed)
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        files = people.write_files(Path(folder), whole, persons)
        await seed.load_learners(tools.db, files, cast.registrars, progress)


@dataclass(frozen=True, slots=True)
class Guest:
    """A role to look at the demo as, in an organization of the market."""

    organization: str
    roles: frozenset[Role]
    scopes: frozenset[Scope]


_OF_EVERYBODY: Final = frozenset({Scope.SPEC_READ, Scope.EVIDENCE_WRITE, Scope.EXPORT_READ})
GUESTS: Final[Mapping[str, Guest]] = {
    "reviewer": Guest(
        "nautilus",
        frozenset({Role.REVIEWER, Role.SIGNATORY}),
        _OF_EVERYBODY | {Scope.REVIEW_WRITE, Scope.ENDORSE_SIGN},
    ),
    "school": Guest(
        "strelsau",
        frozenset({Role.AUTHOR, Role.REGISTRAR, Role.ORG_ADMIN}),
        _OF_EVERYBODY | {Scope.SPEC_WRITE, Scope.AWARD_WRITE, Scope.STACK_WRITE, Scope.ORGANIZATION_WRITE},
    ),
    "recruiter": Guest("zenda", frozenset({Role.RECRUITER}), _OF_EVERYBODY | {Scope.SEARCH_READ}),
}
"""Each may do all that its roles may, but make tokens and change who is a member."""
LEARNER: Final = "learner"


@dataclass(frozen=True, slots=True)
class Pass:
    """A token of this run for one role; `organization` is the name it acts for, null for the learner."""

    token: str
    organization: str | None


async def mint(db: Database, made: Made) -> dict[str, Pass]:
    """Fresh random tokens, one for each role; those of earlier runs end."""
    passes: dict[str, Pass] = {}
    async with db.writer() as tx:
        for token_id in await tx.fetch(
            "select id from api_tokens where name like 'demo: %' and revoked_at is null and expires_at > $1",
            await tx.now(),
        ):
            await organizations.revoke_token(tx, SYSTEM, token_id["id"])
        for role, guest in GUESTS.items():
            passes[role] = await _guest_pass(tx, role, guest)
        learner_id = await tx.fetchval(
            "select learner_id from learner_directory where lookup_key = $1",
            learners.directory_key(tx.vault, example_learner(made).email),
        )
        token = await organizations.issue_token(
            tx,
            SYSTEM,
            organizations.IssueToken(
                name=f"demo: {LEARNER}",
                scopes=frozenset({Scope.LEARNER_SELF}),
                learner_id=learner_id,
                life=TOKEN_LIFE,
            ),
        )
        passes[LEARNER] = Pass(token, None)
    return passes


async def _guest_pass(tx: Tx, role: str, guest: Guest) -> Pass:
    row = await tx.fetchrow("select id, display_name from organizations where handle = $1", guest.organization)
    if row is None:
        raise NotADemo(f"the demo's {guest.organization} is gone — try: python3 server reset")
    roles = sorted(r.value for r in guest.roles)
    person: UUID | None = await tx.fetchval(
        "select person_id from memberships where organization_id = $1 and roles = $2 and valid_until is null limit 1",
        row["id"],
        roles,
    )
    if person is None:
        person = await organizations.enrol(tx, SYSTEM, row["id"], guest.roles)
    command = organizations.IssueToken(
        name=f"demo: {role}", scopes=guest.scopes, organization_id=row["id"], person_id=person, life=TOKEN_LIFE
    )
    return Pass(await organizations.issue_token(tx, SYSTEM, command), row["display_name"])


def example_learner(made: Made) -> people.MadeLearner:
    """The learner whom the demo signs in: the first who may be found and holds a whole stack, else the first."""
    whole = market.load(made.today)
    persons = people.make(whole, made.learners, made.seed)
    stack = {*whole.stacks[0].blocks, whole.stacks[0].capstone}
    return next((p for p in persons if p.consents and stack <= {a.slug for a in p.awards}), persons[0])


def keep(settings: Settings, passes: Mapping[str, Pass]) -> None:
    """Write the tokens where the demo's one-click sign-in finds them, readable by us alone."""
    path = settings.data / TOKENS
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({role: asdict(given) for role, given in passes.items()}, file)
    fresh.replace(path)


def make_links(settings: Settings, roles: Iterable[str]) -> dict[str, str]:
    """Secrets for the links of this run, by role: each signs in once. Those of earlier runs end.

    Each is a file named by its SHA-256, readable by us alone; taking it away is using it, whichever process does.
    """
    folder = settings.data / LINKS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    made = {role: secrets.token_urlsafe(LINK_BYTES) for role in roles}
    for role, secret in made.items():
        (folder / hashlib.sha256(secret.encode()).hexdigest()).write_text(role, encoding="utf-8")
    return made


async def news(db: Database) -> dict[str, str]:
    """What waits for each role, in a few words."""
    async with db.reader() as connection:
        waiting = await connection.fetchval(
            "select count(*) from review_requests q join organizations o on o.id = q.organization_id"
            " where o.handle = $1 and q.state in ('open', 'claimed')",
            GUESTS["reviewer"].organization,
        )
        published = await connection.fetchval(
            "select count(distinct v.spec_id) from spec_versions v join organizations o on o.id = v.organization_id"
            " where o.handle = $1 and v.state = 'published'",
            GUESTS["school"].organization,
        )
    return {
        "reviewer": f"{waiting} version{'s' * (waiting != 1)} wait{'s' * (waiting == 1)} for a review",
        "school": f"{published} blocks published",
        "recruiter": "find graduates by stack and by who stands behind it",
        LEARNER: "holds a whole stack and may be found; withdraw and be gone",
    }
