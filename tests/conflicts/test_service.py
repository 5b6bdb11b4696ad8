"""A school that endorses itself through others (threat 1): at assignment, at signing, and in the count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from countersign.conflicts import interests, jobs, service
from countersign.conflicts.rules import ConflictOfInterest, LinkKind, LinkStands, TooManyLinks
from countersign.conflicts.rules_findings import HIDDEN
from countersign.endorsements import jobs as signing
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import State
from countersign.endorsements.views import CO_VALIDATED_AT
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, InvalidState, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations
from countersign.reviews import service as reviews
from countersign.trust.signer import Signer
from tests.api import served
from tests.conftest import NOW
from tests.factories import Factory
from tests.reviews.support import Scene, scene

DAY = NOW.date()
Tying = Callable[[Tx, UUID, UUID], Awaitable[None]]


async def _owned(tx: Tx, one: UUID, other: UUID) -> None:
    await service.record(tx, SYSTEM, one, other, LinkKind.CONTROLS)


async def _same_owner(tx: Tx, one: UUID, other: UUID) -> None:
    await service.record(tx, SYSTEM, one, other, LinkKind.SAME_OWNER)


async def _domain(tx: Tx, one: UUID, other: UUID) -> None:
    await tx.execute("update organizations set domains = domains || $2::text[] where id = $1", one, ["acme.example"])
    await tx.execute("update organizations set domains = domains || $2::text[] where id = $1", other, ["acme.example"])


async def _subdomain(tx: Tx, one: UUID, other: UUID) -> None:
    await tx.execute("update organizations set domains = domains || $2::text[] where id = $1", one, ["acme.example"])
    await tx.execute(
        "update organizations set domains = domains || $2::text[] where id = $1", other, ["jobs.acme.example"]
    )


async def _person(tx: Tx, one: UUID, other: UUID) -> None:
    person = await organizations.enrol(tx, SYSTEM, one, [Role.AUDITOR])
    await organizations.enrol(tx, SYSTEM, other, [Role.AUDITOR], person_id=person)


async def _key(tx: Tx, one: UUID, other: UUID) -> None:
    for organization in (one, other):
        await tx.execute(
            "insert into signing_keys (id, organization_id, name, algorithm, public, wrapped_private, wrapped_data_key,"
            " wrapped_by, created_at) values ($1, $2, 'key-shared', 'ed25519', $3, '', '', 'test', $4)",
            *(new_id(), organization, b"p" * 32, await tx.now()),
        )


TIES: dict[str, tuple[Tying, str]] = {
    "controls": (_owned, "one of them controls the other"),
    "same owner": (_same_owner, "they have the same owner"),
    "domain": (_domain, "they share a domain"),
    "subdomain": (_subdomain, "they share a domain"),
    "person": (_person, "a person has a role in both"),
    "key": (_key, "they sign with the same key"),
}


def word(here: Scene) -> endorsements.EndorseSpec:
    return endorsements.EndorseSpec(here.version, here.digest, "We hire.")


async def others(tx: Tx, make: Factory, count: int) -> list[UUID]:
    return [await make.organization(tx) for _ in range(count)]


@pytest.mark.parametrize("between", [0, 1, 2])
@pytest.mark.parametrize("tie", TIES)
async def test_every_tie_within_three_hops_is_refused_at_assignment_and_at_signing(
    tx: Tx, make: Factory, tie: str, between: int
) -> None:
    here = await scene(tx, make, published=True)
    tying, words = TIES[tie]
    chain = [here.school_id, *await others(tx, make, between), here.employer_id]
    await tying(tx, chain[-2], chain[-1])
    for one, other in pairwise(chain[:-1]):
        await _same_owner(tx, one, other)
    told = HIDDEN if tie == "person" and between else words  # who has a role where is nobody else's business
    with pytest.raises(ConflictOfInterest, match=told):
        await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    with pytest.raises(ConflictOfInterest, match=words) as refused:
        await endorsements.endorse(tx, here.employer, word(here))
    assert refused.value.code.value == "CONFLICT_OF_INTEREST"
    assert await tx.fetchval("select count(*) from endorsements") == 0


async def test_four_hops_away_may_sign_and_does_not_count(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    chain = [here.school_id, *await others(tx, make, 3), here.employer_id]
    for one, other in pairwise(chain):
        await _owned(tx, one, other)
    await endorsements.endorse(tx, here.employer, word(here))
    groups = await tx.fetch("select distinct control_group from organizations where id = any($1)", chain)
    assert len(groups) == 1


async def test_a_tie_that_comes_after_the_question_stops_the_claim(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    await _owned(tx, here.school_id, here.employer_id)
    with pytest.raises(ConflictOfInterest):
        await reviews.claim(tx, here.employer, request)
    assert await tx.fetchval("select state from review_requests where id = $1", request) == "open"


async def test_a_tie_that_comes_between_the_word_and_its_signature_refuses_it(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        taken = await endorsements.endorse(tx, here.employer, word(here))
    async with db.writer() as tx:
        middle = await make.organization(tx)
        await _owned(tx, middle, here.school_id)
        await _same_owner(tx, middle, here.employer_id)
    assert await signing.sign(db, signer, taken) is State.REFUSED
    async with db.writer() as tx:
        row = await tx.fetchrow("select state, refusal, in_force from endorsements where id = $1", taken)
        assert row is not None
        assert (row["state"], row["in_force"]) == ("refused", None)
        assert "one of them controls the other" in row["refusal"]
        assert await tx.fetchval("select count(*) from endorsement_signatures") == 0


async def in_force(tx: Tx, actor: Actor, here: Scene) -> None:
    """An endorsement that counts, without its signature."""
    key = await endorsements.endorse(tx, actor, word(here))
    await tx.execute(
        "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until) where id = $1", key
    )


@pytest.mark.parametrize("tie", TIES)
async def test_two_endorsers_that_are_tied_count_as_one(tx: Tx, make: Factory, clock: FrozenClock, tie: str) -> None:
    here = await scene(tx, make, published=True)
    second = await make.employer(tx)
    assert second.organization_id is not None
    for actor in (here.employer, second):
        await in_force(tx, actor, here)
    expression = CO_VALIDATED_AT.format(v="v", at="$2::timestamptz")
    counted = f"select {expression} from spec_versions v where v.id = $1"
    at = clock.now() + timedelta(minutes=1)
    assert await tx.fetchval(counted, here.version, at)
    await TIES[tie][0](tx, here.employer_id, second.organization_id)
    await service.regroup(tx, (second.organization_id,))
    assert not await tx.fetchval(counted, here.version, at)


async def test_a_declared_link_binds_its_two_and_no_third(tx: Tx, make: Factory) -> None:
    """Nobody can tie a rival to a school by saying so."""
    here = await scene(tx, make, published=True)
    hostile = await make.employer(tx, Role.ORG_ADMIN)
    assert hostile.organization_id is not None
    for other in (here.school_id, here.employer_id):
        await service.declare(tx, hostile, service.Declare(other, LinkKind.SAME_OWNER))
    await service.check(tx, here.employer_id, here.school_id, who="The rival")
    with pytest.raises(ConflictOfInterest, match="one of them has declared"):
        await service.check(tx, hostile.organization_id, here.school_id, who="The hostile one")


async def test_a_link_is_confirmed_by_the_other_side_and_ended_by_the_operator_alone(tx: Tx, make: Factory) -> None:
    one, other = await make.employer(tx, Role.ORG_ADMIN), await make.school(tx, Role.ORG_ADMIN)
    assert one.organization_id is not None
    assert other.organization_id is not None
    link = await service.declare(tx, one, service.Declare(other.organization_id, LinkKind.CONTROLS, held=True))
    with pytest.raises(NotAllowed):
        await service.confirm(tx, one, link)
    groups = "select count(distinct control_group) from organizations where id = any($1)"
    both = [one.organization_id, other.organization_id]
    assert await tx.fetchval(groups, both) == 2
    await service.confirm(tx, other, link)
    assert await tx.fetchval(groups, both) == 1
    for actor in (one, other):
        with pytest.raises(NotAllowed):
            await service.end(tx, actor, link)
    await service.end(tx, SYSTEM, link)
    assert await tx.fetchval(groups, both) == 2
    with pytest.raises(InvalidState):
        await service.end(tx, SYSTEM, link)


async def test_what_cannot_be_declared(tx: Tx, make: Factory) -> None:
    one, other = await make.employer(tx, Role.ORG_ADMIN), await make.employer(tx, Role.RECRUITER)
    assert one.organization_id is not None
    assert other.organization_id is not None
    kind = LinkKind.SAME_OWNER
    with pytest.raises(NotAllowed):
        await service.declare(tx, other, service.Declare(one.organization_id, kind))
    with pytest.raises(Invalid):
        await service.declare(tx, one, service.Declare(one.organization_id, kind))
    with pytest.raises(NotFound):
        await service.declare(tx, one, service.Declare(new_id(), kind))
    assert await tx.fetchval("select count(*) from ownership_links") == 0
    await service.declare(tx, one, service.Declare(other.organization_id, kind))
    with pytest.raises(LinkStands):
        await service.declare(tx, one, service.Declare(other.organization_id, kind))


async def test_a_stranger_touches_no_link(tx: Tx, make: Factory) -> None:
    one, other = await make.employer(tx, Role.ORG_ADMIN), await make.employer(tx)
    stranger = await make.employer(tx, Role.ORG_ADMIN)
    assert other.organization_id is not None
    link = await service.declare(tx, one, service.Declare(other.organization_id, LinkKind.CONTROLS))
    for act in (service.confirm, service.end):
        with pytest.raises(NotAllowed):
            await act(tx, stranger, link)
        with pytest.raises(NotFound):
            await act(tx, stranger, new_id())
    assert await tx.fetchval("select state from ownership_links where id = $1", link) == "declared"


async def test_a_membership_that_has_ended_unties_at_the_next_look(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        one, other = await others(tx, make, 2)
        await _person(tx, one, other)
        await service.regroup(tx, (one,))
    groups = "select count(distinct control_group) from organizations where id = any($1)"
    async with db.writer() as tx:
        assert await tx.fetchval(groups, [one, other]) == 1
        until = await tx.now() + timedelta(days=1)
        await tx.execute("update memberships set valid_until = $2 where organization_id = $1", one, until)
    clock.move(timedelta(days=2))
    assert await jobs.regroup_all(db) == 1
    async with db.writer() as tx:
        assert await tx.fetchval(groups, [one, other]) == 2


async def test_interests_are_published(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        admin, other = await make.employer(tx, Role.ORG_ADMIN), await make.organization(tx, OrganizationKind.SCHOOL)
    asked = """query ($id: ID!) { ownershipLinks(first: 5, filter: {organizationId: $id}) {
      nodes { kind state byOperator holder { id } held { id } } } }"""
    async with served(db, signer, make) as api:
        made = await api.do(
            "declareOwnership", "ownershipLink { state }", admin, organizationId=f"org_{other}", tie="CONTROLLED_BY"
        )
        assert made == {"ownershipLink": {"state": "DECLARED"}, "errors": [], "clientMutationId": None}
        expected = {
            "kind": "CONTROLS",
            "state": "DECLARED",
            "byOperator": False,
            "holder": {"id": f"org_{other}"},
            "held": {"id": f"org_{admin.organization_id}"},
        }
        for end in (other, admin.organization_id):
            shown = await api.ask(asked, id=f"org_{end}")
            assert shown["ownershipLinks"]["nodes"] == [expected]


@pytest.mark.parametrize(
    ("until", "counts"),
    [(None, True), (DAY, True), (DAY - timedelta(days=364), True), (DAY - timedelta(days=365), False)],
)
async def test_a_hundred_payments_are_the_most_that_count_at_a_time(
    tx: Tx, make: Factory, until: date | None, *, counts: bool
) -> None:
    admin = await make.employer(tx, Role.ORG_ADMIN)
    (other,) = await others(tx, make, 1)
    await tx.execute(
        "insert into sponsorships (id, sponsor_id, sponsored_id, since, until, declared_by, declared_at)"
        " select gen_random_uuid(), $1, $2, '2020-01-01', $3, $1, '2020-01-01' from generate_series(1, 100)",
        *(admin.organization_id, other, until),
    )
    deed = interests.DeclareSponsorship(other, paying=True, since=DAY, until=DAY)
    if counts:
        with pytest.raises(TooManyLinks):
            await interests.declare_sponsorship(tx, admin, deed)
    else:
        await interests.declare_sponsorship(tx, admin, deed)
    assert await tx.fetchval("select count(*) from sponsorships") == 100 + (not counts)


async def test_payments_that_are_over_when_they_are_declared_count_too(tx: Tx, make: Factory) -> None:
    admin = await make.employer(tx, Role.ORG_ADMIN)
    (other,) = await others(tx, make, 1)
    over = interests.DeclareSponsorship(other, paying=False, since=date(2020, 1, 1), until=date(2020, 1, 1))
    for _ in range(100):
        await interests.declare_sponsorship(tx, admin, over)
    with pytest.raises(TooManyLinks):
        await interests.declare_sponsorship(tx, admin, over)
