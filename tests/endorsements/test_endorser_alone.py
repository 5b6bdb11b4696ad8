"""Invariant 1: only a person of the endorser with live signing authority signs, suspends or revokes its endorsement.

Every state of an endorsement, every party and every act, through the services, against a table of its own.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from countersign.endorsements import display, renewal, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import NotTheEndorser
from countersign.endorsements.rules_display import NotTheSchool
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound
from tests.factories import Factory
from tests.reviews.support import Scene, scene

STATES: Final = ("signing", "refused", "in_force", "suspended", "over", "superseded", "revoked")
"""`over` is an endorsement in force whose time is over."""
PARTIES: Final = ("signatory", "lapsed", "reviewer", "admin", "stranger", "school", "learner")
ACTS: Final = ("suspend", "resume", "revoke", "renew", "hide", "show")
DONE: Final[dict[tuple[str, str, str], str]] = {
    ("in_force", "suspend", "signatory"): "suspended",
    ("in_force", "revoke", "signatory"): "revoked",
    ("in_force", "renew", "signatory"): "in_force",
    ("suspended", "resume", "signatory"): "in_force",
    ("suspended", "revoke", "signatory"): "revoked",
    ("suspended", "renew", "signatory"): "suspended",
    ("over", "renew", "signatory"): "in_force",
    **{(state, "hide", "school"): state for state in ("in_force", "suspended", "superseded", "revoked")},
    ("over", "hide", "school"): "in_force",
}
"""What happens, and the row's state afterwards; everything else is refused and changes nothing."""
REFUSALS: Final = (NotAllowed, NotFound, InvalidState, NotTheEndorser, NotTheSchool)


class Undone(Exception):
    """The end of one try: nothing of it stays."""


async def _put(tx: Tx, key: UUID, state: str) -> None:
    """Bring the endorsement into a state."""
    kept = "in_force" if state == "over" else state
    ranged = {
        "signing": "null",
        "refused": "null",
        "over": "tstzrange(valid_from - interval '2 days', valid_from - interval '1 day')",
    }.get(state, "tstzrange(valid_from - interval '1 day', valid_until)")
    await tx.execute(f"update endorsements set state = $2, in_force = {ranged} where id = $1", key, kept)
    if state == "suspended":
        await tx.execute(
            "insert into endorsement_suspensions (id, endorsement_id, reason, suspended_at)"
            " select gen_random_uuid(), id, 'A look.', valid_from from endorsements where id = $1",
            key,
        )


async def _done(tx: Tx, act: str, actor: Actor, key: UUID, digest: str) -> Any:
    calls: dict[str, Any] = {
        "suspend": lambda: suspension.suspend(tx, actor, suspension.Suspend(key, "A look.")),
        "resume": lambda: suspension.resume(tx, actor, key),
        "revoke": lambda: endorsements.revoke(tx, actor, endorsements.Revoke(key, "The tool is gone.")),
        "renew": lambda: renewal.renew(tx, actor, renewal.Renew(key, digest)),
        "hide": lambda: display.hide(tx, actor, key),
        "show": lambda: display.show(tx, actor, key),
    }
    return await calls[act]()


async def _people(tx: Tx, make: Factory, here: Scene, clock: FrozenClock) -> dict[str, Actor]:
    house = here.employer_id
    lapsed = await make.member(tx, house, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    await tx.execute("update memberships set signing_until = $2 where person_id = $1", lapsed.person_id, clock.now())
    return {
        "signatory": here.employer,
        # Their token still says what they were: the membership is asked.
        "lapsed": lapsed,
        "reviewer": await make.member(tx, house, OrganizationKind.EMPLOYER, Role.REVIEWER),
        "admin": await make.member(tx, house, OrganizationKind.EMPLOYER, Role.ORG_ADMIN),
        "stranger": await make.employer(tx),
        "school": here.school,
        "learner": replace(here.school, organization_id=None, organization_kind=None, learner_id=7, roles=frozenset()),
    }


async def test_invariant_1_every_state_party_and_act_ends_as_the_table_says(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        actors = await _people(tx, make, here, clock)
        word = endorsements.EndorseSpec(here.version, here.digest, "We hire.")
        key = await endorsements.endorse(tx, here.employer, word)
    clock.move(timedelta(hours=1))
    found = {}
    for state, act, party in itertools.product(STATES, ACTS, PARTIES):
        with suppress(Undone):
            async with db.writer() as tx:
                await _put(tx, key, state)
                before = await tx.fetchval("select to_jsonb(e) from endorsements e where id = $1", key)
                outbox = await tx.fetchval("select count(*) from outbox")
                try:
                    async with tx.savepoint():
                        await _done(tx, act, actors[party], key, here.digest)
                    found[state, act, party] = await tx.fetchval("select state from endorsements where id = $1", key)
                except REFUSALS:
                    after = await tx.fetchval("select to_jsonb(e) from endorsements e where id = $1", key)
                    assert (after, await tx.fetchval("select count(*) from outbox")) == (before, outbox)
                raise Undone
    assert found == DONE
    assert len(STATES) * len(PARTIES) * len(ACTS) == 294


async def test_invariant_1_signing_needs_authority_when_it_is_taken_for_every_party(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        actors = await _people(tx, make, here, clock)
    word = endorsements.EndorseSpec(here.version, here.digest, "We hire.")
    taken = set()
    for party, actor in actors.items():
        with suppress(*REFUSALS, Undone):
            async with db.writer() as tx:
                await endorsements.endorse(tx, actor, word)
                taken.add(party)
                raise Undone
    # A stranger with authority speaks for their own organization.
    assert taken == {"signatory", "stranger"}
