"""An award belongs to whoever has its link and knows what the roster knows; to nobody else, however they try."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from countersign.awards import claims, service
from countersign.awards.claims import ClaimAward, Claimed, MakeClaimLink
from countersign.awards.consent import SetConsent, set_consent
from countersign.awards.importing import import_award_file
from countersign.awards.rules_claims import (
    ATTEMPTS,
    ATTEMPTS_A_DAY,
    LIFE,
    ClaimFailed,
    Factor,
    FactorKind,
    HeldByAnother,
    NoFactor,
    new_link,
)
from countersign.awards.service import Issued, RevokeAward
from countersign.kit import records
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, InvalidState, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.kit.importing import ImportReport
from countersign.kit.table_files import TableFile
from countersign.learners import consents
from countersign.learners.consents import RecordedConsent
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.organizations import service as organizations
from tests.awards.claiming import ANSWER, Claimant, attempt, claimant, issued, later, learner_of, link_to, posted
from tests.awards.support import ANNA, BORIS, Campus, acting, award, campus
from tests.factories import Factory

TALENT = SetConsent(Purpose.TALENT_SEARCH, granted=True)


def own(who: Claimant, learner_id: int) -> Actor:
    return replace(who.actor, learner_id=learner_id)


async def state(tx: Tx) -> list[object]:
    """Everything that a claim may change."""
    bound = await tx.fetch("select account_id, learner_id from account_learners order by account_id")
    shown = await tx.fetch("select id, held_back, claimed_at from awards order by id")
    merged = await tx.fetch("select learner_id, main_id from learner_merges order by learner_id")
    standing = await tx.fetch("select id, withdrawn_at from consents order by id")
    return [[tuple(r) for r in rows] for rows in (bound, shown, merged, standing)]


async def test_link_and_answer_make_the_account_the_awards_learner(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here = await campus(tx, make)
    anna, who = await issued(tx, here), await claimant(tx)
    claimed = await attempt(tx, who, await link_to(tx, here, anna))
    assert claimed == Claimed(anna.learner_id, anna.learner_id, anna.award_id)
    assert await learner_of(tx, who) == anna.learner_id
    assert await tx.fetchval("select claimed_at from awards") == clock.now()


@pytest.mark.parametrize("answer", ["", "S1002X", "1998", " "])
async def test_a_wrong_answer_opens_nothing(tx: Tx, make: Factory, answer: str) -> None:
    here = await campus(tx, make)
    anna, who = await issued(tx, here), await claimant(tx)
    link, before = await link_to(tx, here, anna), await state(tx)
    assert await attempt(tx, who, link, answer) is ClaimFailed
    assert await state(tx) == before


async def test_every_wrong_attempt_is_answered_alike(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    """Unknown, malformed, used, withdrawn, over, revoked, wrong answer, tried too often: one sentence, no place."""
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    anna = await issued(tx, here)
    withdrawn = await link_to(tx, here, anna)
    used = await link_to(tx, here, anna)
    await attempt(tx, await claimant(tx), used)
    revoked = await issued(tx, there, BORIS)
    dead = await link_to(tx, there, revoked)
    await service.revoke(tx, there.registrar, RevokeAward(revoked.learner_id, revoked.award_id, "A mistake"))
    carla = await issued(tx, here, Person("carla@example.com", "Carla", "DE"))
    over = await link_to(tx, here, carla)
    tx = later(tx, clock, LIFE)
    dora = await issued(tx, here, Person("dora@example.com", "Dora", "DE"))
    wrong = await link_to(tx, here, dora)
    heard = set()
    for link in (withdrawn, used, dead, over, new_link(), "", "no link at all", "\N{SNOWMAN}" * 43):
        with pytest.raises(ClaimFailed) as refused:
            await claims.claim(tx, (await claimant(tx)).actor, ClaimAward(link, ANSWER))
        heard.add((refused.value.message, refused.value.path, refused.value.code))
    with pytest.raises(ClaimFailed) as refused:
        await claims.claim(tx, (await claimant(tx)).actor, ClaimAward(wrong, "no"))
    heard.add((refused.value.message, refused.value.path, refused.value.code))
    assert len(heard) == 1


async def test_a_link_is_dead_after_five_attempts_even_for_the_right_answer(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    link = await link_to(tx, here, await issued(tx, here))
    for _ in range(ATTEMPTS):
        assert await attempt(tx, await claimant(tx), link, "wrong") is ClaimFailed
    who = await claimant(tx)
    assert await attempt(tx, who, link) is ClaimFailed
    assert await learner_of(tx, who) is None


async def test_an_account_that_tries_twenty_times_in_vain_waits_for_the_next_day(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    here = await campus(tx, make)
    link, who = await link_to(tx, here, await issued(tx, here)), await claimant(tx)
    for _ in range(ATTEMPTS_A_DAY):
        assert await attempt(tx, who, new_link()) is ClaimFailed
    assert await attempt(tx, who, link) is ClaimFailed
    tx = later(tx, clock, timedelta(days=1))
    assert isinstance(await attempt(tx, who, link), Claimed)


async def test_a_link_works_once_and_a_new_one_ends_the_former(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await issued(tx, here)
    first, second = await link_to(tx, here, anna), await link_to(tx, here, anna)
    assert await attempt(tx, await claimant(tx), first) is ClaimFailed
    assert isinstance(await attempt(tx, await claimant(tx), second), Claimed)
    assert await attempt(tx, await claimant(tx), second) is ClaimFailed
    with pytest.raises(InvalidState):
        await link_to(tx, here, anna)


async def test_a_link_is_random_and_kept_as_a_digest_and_the_roster_as_a_mark(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    link = await link_to(tx, here, await issued(tx, here))
    assert len(link) == 43
    assert link != new_link()
    kept = repr([tuple(r) for t in ("claim_links", "claim_factors") for r in await tx.fetch(f"select * from {t}")])
    assert link not in kept
    assert "1001" not in kept


async def test_equal_answers_of_two_awards_are_kept_unlike(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    for who in (ANNA, BORIS):
        await issued(tx, here, who, Factor(FactorKind.BIRTH_YEAR, "1998"))
    assert await tx.fetchval("select count(distinct mark) from claim_factors") == 2


async def test_only_the_awards_school_makes_links_and_foreign_is_missing(tx: Tx, make: Factory) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    anna = await issued(tx, here)
    for award_id, by in ((anna.award_id, there.registrar), (new_id(), there.registrar), (new_id(), here.registrar)):
        with pytest.raises(NotFound):
            await claims.make_link(tx, by, MakeClaimLink(anna.learner_id, award_id))
    for actor in (make.without(here.registrar, Role.REGISTRAR), await make.employer(tx, *Role), ANONYMOUS):
        with pytest.raises(NotAllowed):
            await claims.make_link(tx, actor, MakeClaimLink(anna.learner_id, anna.award_id))
    assert await tx.fetchval("select count(*) from claim_links") == 0


async def test_a_link_needs_a_second_factor_that_somebody_can_answer(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    bare = await award(tx, here)
    command = MakeClaimLink(bare.learner_id, bare.award_id)
    with pytest.raises(NoFactor):
        await claims.make_link(tx, here.registrar, command)
    for bad in (Factor(FactorKind.BIRTH_YEAR, "98"), Factor(FactorKind.STUDENT_NUMBER, "  ")):
        with pytest.raises(Invalid):
            await claims.make_link(tx, here.registrar, replace(command, factor=bad))
    assert await tx.fetchval("select count(*) from claim_links") == 0
    await claims.make_link(tx, here.registrar, replace(command, factor=Factor(FactorKind.BIRTH_YEAR, "1998")))


async def test_only_a_signed_in_person_claims(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    link = await link_to(tx, here, await issued(tx, here))
    token = Actor(learner_id=1, token_id=new_id(), scopes=frozenset(Scope))
    for actor in (ANONYMOUS, SYSTEM, token, here.registrar):
        with pytest.raises(NotAllowed):
            await claims.claim(tx, actor, ClaimAward(link, ANSWER))
    assert await tx.fetchval("select attempts from claim_links") == 0


async def test_unclaimed_awards_are_never_searchable(tx: Tx, make: Factory) -> None:
    """Nobody can consent for them; of a claimed learner only what was claimed is found, whichever came first."""
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    anna, other = await issued(tx, here), await issued(tx, there)
    assert anna.learner_id == other.learner_id
    assert await posted(tx) == set()
    who = await claimant(tx)
    await attempt(tx, who, await link_to(tx, here, anna))
    me = own(who, anna.learner_id)
    await set_consent(tx, me, TALENT)
    assert await posted(tx) == {(anna.learner_id, anna.award_id)}
    third = await campus(tx, make, "dashboards")
    latest = await issued(tx, third)
    assert await posted(tx) == {(anna.learner_id, anna.award_id)}
    assert not (await service.check_index(tx)).found
    for place, waiting in ((there, other), (third, latest)):
        assert isinstance(await attempt(tx, who, await link_to(tx, place, waiting)), Claimed)
    assert await posted(tx) == {(anna.learner_id, i.award_id) for i in (anna, other, latest)}
    assert not (await service.check_index(tx)).found


async def test_a_claim_ends_consents_that_came_as_a_file(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here = await campus(tx, make)
    anna = await issued(tx, here)
    await consents.record_consents(tx, SYSTEM, Purpose.TALENT_SEARCH, [RecordedConsent(ANNA.email, clock.now())])
    assert await tx.fetchval("select count(*) from candidate_search") == 1
    await attempt(tx, await claimant(tx), await link_to(tx, here, anna))
    assert await tx.fetchval("select count(*) from candidate_search") == 0
    assert await tx.fetchval("select count(*) from consents where withdrawn_at is null") == 0


async def test_no_file_speaks_for_who_has_an_account_under_any_address(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    school, private = await issued(tx, here), await issued(tx, there, BORIS)
    who = await claimant(tx)
    for campus_of, each in ((here, school), (there, private)):
        await attempt(tx, who, await link_to(tx, campus_of, each))
    for address in (ANNA.email, BORIS.email):
        told = [RecordedConsent(address, clock.now())]
        assert await consents.record_consents(tx, SYSTEM, Purpose.TALENT_SEARCH, told) == []
    assert await tx.fetchval("select count(*) from candidate_search") == 0


async def test_a_claim_ends_tokens_that_were_given_out_before(tx: Tx, make: Factory) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    school, private = await issued(tx, here), await issued(tx, there, BORIS)
    texts = [await make.token(tx, acting(each.learner_id)) for each in (school, private)]
    who = await claimant(tx)
    for campus_of, each, text in ((here, school, texts[0]), (there, private, texts[1])):
        assert await organizations.authenticate(tx.connection, text, await tx.now()) is not None
        await attempt(tx, who, await link_to(tx, campus_of, each))
        assert await organizations.authenticate(tx.connection, text, await tx.now()) is None


async def test_two_identities_become_one_learner_and_nothing_is_lost(tx: Tx, make: Factory) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    school, private = await issued(tx, here), await issued(tx, there, Person("anna@home.example", "Anna E.", "DE"))
    who = await claimant(tx)
    await attempt(tx, who, await link_to(tx, here, school))
    merged = await attempt(tx, who, await link_to(tx, there, private))
    assert merged == Claimed(school.learner_id, private.learner_id, private.award_id)
    assert await learner_of(tx, who) == school.learner_id
    assert await records.all_of(tx, school.learner_id) == [school.learner_id, private.learner_id]
    await set_consent(tx, own(who, school.learner_id), TALENT)
    assert await posted(tx) == {(school.learner_id, i.award_id) for i in (school, private)}
    assert not (await service.check_index(tx)).found
    await service.revoke(tx, there.registrar, RevokeAward(private.learner_id, private.award_id, "A mistake"))
    assert await posted(tx) == {(school.learner_id, school.award_id)}


async def test_no_consent_of_either_survives_a_merge(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    school, private = await issued(tx, here), await issued(tx, there, BORIS)
    who = await claimant(tx)
    await attempt(tx, who, await link_to(tx, here, school))
    await set_consent(tx, own(who, school.learner_id), TALENT)
    await consents.record_consents(tx, SYSTEM, Purpose.TALENT_SEARCH, [RecordedConsent(BORIS.email, clock.now())])
    await attempt(tx, who, await link_to(tx, there, private))
    assert await tx.fetchval("select count(*) from consents where withdrawn_at is null") == 0
    assert await tx.fetchval("select count(*) from candidate_search") == 0
    assert await tx.fetchval("select count(*) from consents") == 2


async def test_who_holds_another_award_of_the_address_is_not_pushed_aside(tx: Tx, make: Factory) -> None:
    here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
    first, second = await issued(tx, here), await issued(tx, there)
    holder, other = await claimant(tx), await claimant(tx)
    await attempt(tx, holder, await link_to(tx, here, first))
    link, before = await link_to(tx, there, second), await state(tx)
    assert await attempt(tx, other, link) is HeldByAnother
    assert await state(tx) == before
    assert isinstance(await attempt(tx, holder, link), Claimed)


ROSTER = """email,full_name,country,region,spec,version,awarded_on,{factor}
anna@example.com,Anna Example,DE,DE-BE,ab-testing-python,1.0.0,2026-10-01,{value}
boris@example.com,Boris Example,KZ,,ab-testing-python,1.0.0,2026-10-01,
"""


async def imported(db: Database, here: Campus, text: str) -> ImportReport:
    return await import_award_file(db, here.registrar, TableFile("roster.csv", text.encode()))


@pytest.mark.parametrize(
    ("factor", "value", "answer"), [("birth_year", "1998", "1998"), ("Student number", "x-7", "X-7")]
)
async def test_a_roster_brings_the_second_factor_with_the_awards(
    db: Database, make: Factory, factor: str, value: str, answer: str
) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)
    report = await imported(db, here, ROSTER.format(factor=factor, value=value))
    assert (report.created, report.problems) == (2, ())
    async with db.writer() as tx:
        assert await tx.fetchval("select count(*) from claim_factors") == 1
        row = await tx.fetchrow("select learner_id, award_id from claim_factors")
        assert row is not None
        link = await link_to(tx, here, Issued(row["learner_id"], row["award_id"]))
        assert isinstance(await attempt(tx, await claimant(tx), link, answer), Claimed)


async def test_a_roster_with_a_year_that_is_none_is_refused_and_its_values_are_not_repeated(
    db: Database, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)
    report = await imported(db, here, ROSTER.format(factor="birth_year", value="9998"))
    (problem,) = report.problems
    assert (problem.line, problem.field, problem.value) == (2, "birth_year", "")
    async with db.reader() as reader:
        assert await reader.fetchval("select count(*) from awards") == 0


async def test_an_imported_award_of_a_claimed_learner_waits_for_its_own_claim(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        here, there = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
        anna, who = await issued(tx, there), await claimant(tx)
        await attempt(tx, who, await link_to(tx, there, anna))
        await set_consent(tx, own(who, anna.learner_id), TALENT)
    await imported(db, here, ROSTER.format(factor="birth_year", value="1998"))
    async with db.writer() as tx:
        assert await posted(tx) == {(anna.learner_id, anna.award_id)}
        held = await tx.fetch("select l.learner_id, a.held_back from awards a join learners l using (learner_id)")
        assert {(r["learner_id"], r["held_back"]) for r in held if r["held_back"]} == {(anna.learner_id, True)}
        assert not (await service.check_index(tx)).found
