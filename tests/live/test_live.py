"""Who is told what: authority for each event, one statement for a group, resuming without gaps or repeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, public_id
from countersign.kit.relay import Relay
from countersign.organizations import service as organizations
from countersign.reads.errors import Unreadable
from countersign.reviews import service as reviews
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.specs import service as specs
from countersign.specs.rules import Kind
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.live.support import SPEC_EVENTS, Desk, Follower, desk
from tests.patience import meanwhile, within
from tests.reviews.support import Scene, scene
from tests.specs.samples import COMPLETE

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
REVIEWS = (
    "subscription ($kinds: [ReviewEventKind!], $organization: ID) {"
    " reviewRequested(kinds: $kinds, organization: $organization) { eventId kind request { id state } } }"
)
LATEST = "select id from outbox where topic = 'spec.created' order by sequence offset 1"
REVIEWS_BY_DEFAULT = "subscription { reviewRequested { eventId kind request { id organization { handle } } } }"


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with desk(db, signer, make) as made:
        yield made


@pytest_asyncio.fixture
async def standing(here: Desk) -> Scene:
    """A school with a submitted version, an employer; nobody was asked yet."""
    async with here.db.writer() as tx:
        made = await scene(tx, here.make)
    await here.settled()
    return made


async def publish(here: Desk, standing: Scene) -> None:
    async with here.db.writer() as tx:
        await specs.publish(tx, standing.school, standing.version)


async def begin(here: Desk, school: Actor, slug: str) -> UUID:
    async with here.db.writer() as tx:
        return (await specs.create(tx, school, specs.Create(slug=slug, kind=Kind.BLOCK, content=COMPLETE))).spec_id


async def ask(here: Desk, standing: Scene) -> UUID:
    async with here.db.writer() as tx:
        return await reviews.request(tx, standing.school, reviews.RequestReview(standing.version, standing.employer_id))


async def test_everybody_is_told_of_what_is_public_and_only_the_school_of_what_is_not(
    here: Desk, standing: Scene
) -> None:
    school = await here.follow(await here.signed_in(standing.school))
    stranger = await here.follow(await here.signed_in(standing.employer))
    nobody = await here.follow(ANONYMOUS)
    await begin(here, standing.school, "secret-plans")
    await publish(here, standing)
    for follower, kinds in ((school, ["CREATED", "PUBLISHED"]), (stranger, ["PUBLISHED"]), (nobody, ["PUBLISHED"])):
        told = await follower.until(len(kinds))
        assert [event["kind"] for event in told] == kinds
    assert nobody.told[0]["version"] == {"id": f"version_{standing.version}", "semver": "1.0.0", "state": "PUBLISHED"}
    assert school.told[0]["version"] is None
    assert school.told[0]["spec"]["slug"] == "secret-plans"
    assert school.ids[1:] == stranger.ids == nobody.ids


async def test_an_event_that_may_not_be_seen_is_not_told_even_to_a_selection_without_its_thing(
    here: Desk, standing: Scene
) -> None:
    bare = await here.follow(ANONYMOUS, "subscription { specChanged { eventId kind __typename } }")
    await begin(here, standing.school, "secret-plans")
    await publish(here, standing)
    await bare.until(1)
    await here.settled()
    assert [event["kind"] for event in bare.told] == ["PUBLISHED"]
    assert bare.told[0]["__typename"] == "SpecEvent"


async def test_the_time_of_an_event_is_written_as_all_times_are(
    here: Desk, standing: Scene, clock: FrozenClock
) -> None:
    query = "subscription { specChanged(kinds: [PUBLISHED]) { at version { publishedAt } } }"
    follower = await here.follow(ANONYMOUS, query)
    clock.move(timedelta(milliseconds=250))
    await publish(here, standing)
    (told,) = await follower.until(1)
    assert told["at"] == told["version"]["publishedAt"] == "2026-11-22T12:00:00.250Z"


async def test_filters_choose_by_thing_school_organization_and_kind(here: Desk, standing: Scene) -> None:
    school = await here.signed_in(standing.school)
    spec = f"spec_{standing.spec}"
    query = (
        "subscription ($spec: ID, $school: ID, $kinds: [SpecEventKind!]) {"
        " specChanged(spec: $spec, school: $school, kinds: $kinds) { eventId kind } }"
    )
    own = f"org_{standing.school_id}"
    wanted = {
        "one": await here.follow(school, query, spec=spec),
        "school": await here.follow(school, query, school=own),
        "kind": await here.follow(school, query, kinds=["PUBLISHED"]),
    }
    none = [
        await here.follow(school, query, spec=given)
        for given in (f"spec_{standing.version}", f"org_{standing.spec}", "x")
    ] + [await here.follow(school, query, school=f"org_{standing.employer_id}")]
    await begin(here, standing.school, "another")
    await publish(here, standing)
    await wanted["school"].until(2)
    await here.settled()
    assert [e["kind"] for e in wanted["one"].told] == ["PUBLISHED"]
    assert [e["kind"] for e in wanted["school"].told] == ["CREATED", "PUBLISHED"]
    assert [e["kind"] for e in wanted["kind"].told] == ["PUBLISHED"]
    assert [follower.told for follower in none] == [[], [], [], []]


async def test_both_sides_of_a_review_are_told_and_nobody_else(here: Desk, standing: Scene) -> None:
    async with here.db.writer() as tx:
        other = await here.make.employer(tx)
    asked = await here.follow(await here.signed_in(standing.employer), REVIEWS_BY_DEFAULT)
    asking = await here.follow(
        await here.signed_in(standing.school), REVIEWS, kinds=["CLAIMED"], organization=f"org_{standing.employer_id}"
    )
    outsider = await here.follow(await here.signed_in(other), REVIEWS_BY_DEFAULT)
    request = await ask(here, standing)
    async with here.db.writer() as tx:
        await reviews.claim(tx, standing.employer, request)
    (seen,) = await asking.until(1)
    assert seen["kind"] == "CLAIMED"
    assert seen["request"] == {"id": f"rrq_{request}", "state": "CLAIMED"}
    assert [event["kind"] for event in asked.told] == ["REQUESTED"]
    await here.settled()
    assert outsider.told == []


@pytest.mark.parametrize("roles", [None, (Role.RECRUITER,)])
async def test_who_may_not_follow_reviews_is_refused(
    here: Desk, standing: Scene, roles: tuple[Role, ...] | None
) -> None:
    actor = ANONYMOUS
    if roles is not None:
        async with here.db.writer() as tx:
            actor = await here.make.employer(tx, *roles)
        actor = await here.signed_in(actor)
    with pytest.raises(Unreadable) as refused:
        await here.follow(actor, REVIEWS_BY_DEFAULT)
    (error,) = refused.value.errors
    assert error["extensions"]["code"] == ("FORBIDDEN" if roles else "UNAUTHENTICATED")
    assert error["path"] == ["reviewRequested"]
    assert standing


async def test_n_subscribers_of_one_selection_and_authority_cost_one_statement_an_event(
    here: Desk, standing: Scene
) -> None:
    school = await here.signed_in(standing.school)
    colleagues = [await here.signed_in(standing.school) for _ in range(3)]
    followers = [await here.follow(actor) for actor in (school, *colleagues) for _ in range(5)]
    strangers = [await here.follow(ANONYMOUS) for _ in range(5)]
    before = here.engine.live.statements
    await publish(here, standing)
    for follower in (*followers, *strangers):
        await follower.until(1)
    assert here.engine.live.statements - before == 2, "one for the school's people, one for everybody else"
    assert len({follower.ids[0] for follower in (*followers, *strangers)}) == 1


async def test_those_who_resume_from_different_events_are_one_group(here: Desk, standing: Scene) -> None:
    first = await here.follow(ANONYMOUS)
    await publish(here, standing)
    async with here.db.writer() as tx:
        await specs.deprecate(tx, standing.school, standing.version)
    await first.until(2)
    resumed = [await here.follow(ANONYMOUS, since=event) for event in first.ids]
    await resumed[0].until(1)
    assert first.visit is not None
    here.engine.live.leave(first.visit)
    before = here.engine.live.statements
    async with here.db.writer() as tx:
        await specs.retire(tx, standing.school, standing.version)
    await asyncio.gather(resumed[0].until(2), resumed[1].until(1))
    assert here.engine.live.statements - before == 1
    assert resumed[0].ids[1:] == resumed[1].ids


async def test_a_revoked_token_is_told_nothing_more_and_is_gone_within_a_second(here: Desk, standing: Scene) -> None:
    actor = await here.signed_in(standing.school)
    follower = await here.follow(actor)
    idle = here.engine.live.enter(actor, lambda: None)
    assert actor.token_id is not None
    async with here.db.writer() as tx:
        await organizations.revoke_token(tx, SYSTEM, actor.token_id)
        await specs.publish(tx, standing.school, standing.version)
    async with asyncio.timeout(within(1)):
        await follower.until_ended()
    await here.settled()
    assert follower.gone
    assert follower.told == []
    assert idle.left, "a connection without subscriptions too"


async def test_an_ended_membership_ends_what_it_let_be_followed(here: Desk, standing: Scene, owner: Owner) -> None:
    actor = await here.signed_in(standing.school)
    follower = await here.follow(actor)
    await owner.execute(
        "update memberships set valid_until = valid_from where person_id = $1 and organization_id = $2",
        actor.person_id,
        actor.organization_id,
    )
    async with asyncio.timeout(within(1)):
        await follower.until_ended()
    await begin(here, standing.school, "secret-plans")
    await here.settled()
    assert follower.gone
    assert follower.told == []


async def test_a_role_that_is_taken_away_ends_the_subscription_that_needed_it_and_no_other(
    here: Desk, standing: Scene, owner: Owner
) -> None:
    actor = await here.signed_in(standing.employer)
    reviewing = await here.follow(actor, REVIEWS_BY_DEFAULT)
    specs_too = await here.follow(actor, visit=reviewing.visit)
    await owner.execute("update memberships set roles = '{recruiter}' where person_id = $1", actor.person_id)
    await reviewing.until_ended()
    assert not reviewing.gone
    assert reviewing.errors is not None
    assert reviewing.errors[0]["extensions"]["code"] == "FORBIDDEN"
    await publish(here, standing)
    await specs_too.until(1)


async def test_a_cancelled_subscription_is_told_nothing_more(here: Desk, standing: Scene) -> None:
    follower, other = await here.follow(ANONYMOUS), await here.follow(ANONYMOUS)
    assert follower.member is not None
    here.engine.live.cancel(follower.member)
    await publish(here, standing)
    await other.until(1)
    assert follower.told == []


async def test_what_follows_a_known_event_comes_first_and_then_the_present(here: Desk, standing: Scene) -> None:
    school = await here.signed_in(standing.school)
    first = await here.follow(school)
    slugs = [f"plan-{n}" for n in range(6)]
    for slug in slugs[:3]:
        await begin(here, standing.school, slug)
    await first.until(3)
    again = await here.follow(school, patient=True, since=first.ids[0])
    for slug in slugs[3:]:
        await begin(here, standing.school, slug)
    await first.until(6)
    assert again.told == [], "the past waits for who is slow"
    again.taking.set()
    await again.until(5)
    assert again.ids == first.ids[1:]
    assert [event["spec"]["slug"] for event in first.told] == slugs


@pytest.mark.parametrize("known", ["event_01990000-0000-7000-8000-000000000000", "spec_x", "nonsense"])
async def test_an_event_that_is_unknown_or_too_old_is_refused_with_a_reason(here: Desk, known: str) -> None:
    with pytest.raises(Unreadable) as refused:
        await here.follow(ANONYMOUS, since=known)
    extensions = refused.value.errors[0]["extensions"]
    assert extensions["code"] == "BAD_USER_INPUT"
    assert extensions["reason"] == ("EVENT_EXPIRED" if known.startswith("event_0199") else "EVENT_UNKNOWN")


async def test_resuming_under_many_writers_leaves_nothing_out_and_repeats_nothing(here: Desk, standing: Scene) -> None:
    """Followers come and go while writers write; each resumes from the last event it saw."""
    school = await here.signed_in(standing.school)
    witness = await here.follow(school)
    writers, each = 4, 12

    async def write(writer: int) -> None:
        for n in range(each):
            await begin(here, standing.school, f"w{writer}-{n}")

    async def wander(follower: Follower, hops: int) -> list[str]:
        seen: list[str] = []
        for hop in range(hops):
            await follower.until(1 + hop)
            assert follower.visit is not None
            here.engine.live.leave(follower.visit)
            # What came beside these is told again to who resumes from the last of these.
            seen += follower.ids[: 1 + hop]
            follower = await here.follow(school, since=seen[-1])
        await here.settled()
        await follower.until(writers * each - witness.ids.index(seen[-1]) - 1)
        return seen + follower.ids

    hops = (2, 3, 5, 6)
    first = [await here.follow(school) for _ in hops]
    wanderers = [asyncio.create_task(wander(follower, many)) for follower, many in zip(first, hops, strict=True)]
    await asyncio.gather(*(write(n) for n in range(writers)))
    everything = (await witness.until(writers * each)) and witness.ids
    assert len(set(everything)) == writers * each
    for path in await asyncio.gather(*wanderers):
        assert path == everything[everything.index(path[0]) :]


async def test_who_begins_ahead_of_a_hub_that_is_behind_is_told_nothing_twice(
    db: Database, signer: Signer, make: Factory
) -> None:
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    still = Desk(db, engine, make)
    async with db.writer() as tx:
        school = (await scene(tx, make)).school
    actor = await still.signed_in(school)
    relaying = Relay()
    async with db.alone() as connection:
        for _ in range(2):
            await relaying.look(connection)
        early = await still.follow(actor)
        for n in range(3):
            await begin(still, school, f"plan-{n}")
        assert await relaying.look(connection) == 3
        ids = [public_id("event", row["id"]) for row in await connection.fetch(LATEST)]
        late = await still.follow(actor, since=ids[1])
    async with meanwhile(engine.live.run):
        await asyncio.gather(early.until(3), late.until(1))
    assert early.ids == ids
    assert late.ids == ids[2:]


async def test_a_lost_connection_loses_no_event(here: Desk, standing: Scene, owner: Owner) -> None:
    school = await here.signed_in(standing.school)
    follower = await here.follow(school)
    for n in range(6):
        await begin(here, standing.school, f"plan-{n}")
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and query ~ 'api_tokens k on k.id|outbox'"
            " and application_name = 'countersign' and state = 'idle'"
        )
    await follower.until(6)
    assert [event["spec"]["slug"] for event in follower.told] == [f"plan-{n}" for n in range(6)]


async def test_a_group_forgets_its_last_member(here: Desk) -> None:
    followers = [await here.follow(ANONYMOUS, SPEC_EVENTS) for _ in range(3)]
    assert len(here.engine.live._groups) == 1
    for follower in followers:
        assert follower.visit is not None
        here.engine.live.leave(follower.visit)
        here.engine.live.leave(follower.visit)
    assert not here.engine.live._groups
    assert not here.engine.live._members
    assert not here.engine.live._visits
